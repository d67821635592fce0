"""Findings about a captured request: what was signed, what differs, and the fix."""

import hashlib
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

from app.settings import Settings
from commands.diagnostics.check import Check
from commands.webhook_signature.captured_request import CapturedRequest
from commands.webhook_signature.signed_variants import (
    Match,
    UrlParts,
    expected_url,
    is_accepted,
    split_url,
)

_NO_MATCH = (
    "pass each field of the request exactly as received, empty ones included; then compare "
    "TWILIO_AUTH_TOKEN with the primary token of the account and PUBLIC_URL with the address "
    "at the provider"
)


def compare_urls(
    settings: Settings, request: CapturedRequest, match: Match | None
) -> Mapping[str, str]:
    """The URLs and headers that a proxy changes, by name, to be read side by side."""
    forwarded = {name: value for name, value in request.headers if _is_forwarded(name)}
    return {
        "method": request.method,
        "signed URL": match.url.text if match else "none found",
        "checked URL": expected_url(settings, request),
        "seen URL": request.seen_url,
        "PUBLIC_URL": settings.public_url,
        "Host": request.header("host") or "not given",
        **{name.title(): value for name, value in forwarded.items()},
    }


def check_request(
    settings: Settings, request: CapturedRequest, match: Match | None
) -> Iterator[Check]:
    """Tell whether the service accepts the request; of a refused one, what differs."""
    yield from _account(settings, request)
    yield from _body_hash(request)
    if match is None:
        yield Check(False, "no URL, token and algorithm give this signature", _NO_MATCH)
        return
    subject = f"it was signed as {match.url.text} (token {match.token}, {match.algorithm})"
    if is_accepted(settings, request, match):
        yield Check(True, subject)
    else:
        yield Check(False, subject, "; ".join(_fixes(settings, request, match)))


def _is_forwarded(name: str) -> bool:
    return name.startswith(("x-forwarded-", "x-original-")) or name == "forwarded"


def _account(settings: Settings, request: CapturedRequest) -> Iterator[Check]:
    ours, theirs = settings.twilio_account_sid, dict(request.signed_fields).get("AccountSid")
    if theirs is not None and theirs != ours:
        fix = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN of the account that sent the request"
        yield Check(False, f"AccountSid is {theirs}, TWILIO_ACCOUNT_SID is {ours or 'unset'}", fix)


def _body_hash(request: CapturedRequest) -> Iterator[Check]:
    """Compare the hash in the URL of a JSON request with its body."""
    stated = parse_qs(urlsplit(request.url).query).get("bodySHA256", [""])[0]
    if stated and request.body and hashlib.sha256(request.body).hexdigest() != stated.lower():
        fix = "let the proxy pass the body unchanged, byte by byte"
        yield Check(False, "the body is not the one that bodySHA256 of the URL names", fix)


def _fixes(settings: Settings, request: CapturedRequest, match: Match) -> Iterator[str]:
    """The fix of each difference between what was signed and what is checked."""
    signed, checked = match.url, split_url(expected_url(settings, request))
    yield from _address_fixes(settings.public_url, signed, checked)
    if signed.query != checked.query:
        query = signed.query.lstrip("?") or "no query"
        yield f"let the proxy pass the query unchanged: it was signed with {query}"
    if match.fields != request.signed_fields:
        yield "the form is not as it was signed: let the proxy pass it unchanged" + (
            ", and pass it here with its empty values and each + as %2B" if match.fields else ""
        )
    if match.algorithm != request.algorithm:
        yield f"pass on X-Twilio-Webhooks-Signature-Settings: it names {match.algorithm}"


def _address_fixes(public_url: str, signed: UrlParts, checked: UrlParts) -> Iterator[str]:
    inner = checked.path.removeprefix(split_url(public_url).path)
    path = signed.path
    if path != checked.path and path.rstrip("/") == checked.path.rstrip("/"):
        change = "take the / off" if path.endswith("/") else "add a / to"
        yield f"{change} the end of the address at the provider"
        path = checked.path
    prefix = path.removesuffix(inner)
    if prefix.endswith("/"):
        yield "write one / in place of // in the address at the provider"
        prefix = prefix.rstrip("/")
    base = signed._replace(path=prefix, query="").text
    if base == public_url:
        return
    configure = f"`sms-receipt twilio configure --base-url {public_url}`"
    if base == public_url.replace("https:", "http:", 1):
        yield f"the address at the provider begins with http: make it https, {configure}"
    else:
        yield (
            f"if {base} is the address of this service, set PUBLIC_URL={base}; "
            f"if not, correct the address at the provider: {configure}"
        )
