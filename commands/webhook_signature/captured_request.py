"""A webhook request as it was captured: from a file, from options, or both."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from commands.params import CommandError
from receipts.providers.twilio_signature import algorithm_of

_REQUEST_LINE = re.compile(r"(?P<method>[A-Z]+) (?P<url>\S+)(?: HTTP/[\d.]+)?")
_HEADER = re.compile(r"(?P<name>[A-Za-z0-9_-]+)\s*:\s*(?P<value>.*)")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CapturedRequest:
    """Method, URL (whole or from its path on), headers by lower-case name, body and fields."""

    method: str = "POST"
    url: str = ""
    headers: Pairs = ()
    body: bytes = b""
    fields: Pairs = ()

    def header(self, name: str) -> str:
        """The last header of this name, empty without one."""
        return dict(self.headers).get(name.lower(), "")

    @property
    def seen_url(self) -> str:
        """The URL as it arrived: the Host header completes one that begins with its path."""
        if urlsplit(self.url).scheme or not self.header("host"):
            return self.url
        return f"http://{self.header('host')}{self.url}"

    @property
    def algorithm(self) -> str:
        """The algorithm that the headers name."""
        return algorithm_of(self.header("x-twilio-webhooks-signature-settings"))

    @property
    def signed_fields(self) -> Pairs:
        """The form fields that are part of a signature."""
        is_form = "json" not in self.header("content-type") and self.method == "POST"
        if self.fields or not is_form:
            return self.fields
        body = self.body.decode("utf-8", "replace").rstrip("\r\n")
        return tuple(parse_qsl(body, keep_blank_values=True))


def parse_request(raw: bytes) -> CapturedRequest:
    """Read the text of an HTTP request; `curl -v` and a listening `nc` print it like this.

    Raises CommandError.
    """
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [line.removeprefix("> ") for line in head.decode("utf-8", "replace").splitlines()]
    first = _REQUEST_LINE.fullmatch(lines[0].strip()) if lines else None
    if first is None:
        raise CommandError("line 1: give a request line such as POST /sms HTTP/1.1")
    headers = parse_headers(lines[1:], "line 2 and below")
    return CapturedRequest(first["method"], first["url"], headers, body)


def parse_headers(lines: Sequence[str], where: str) -> Pairs:
    """Read lines such as ``Host: sms.example.org``. Raises CommandError."""
    found = [(line, _HEADER.fullmatch(line.strip())) for line in lines]
    if wrong := [line for line, header in found if header is None]:
        raise CommandError(f"{where}: give headers such as Host: sms.example.org, not {wrong[0]!r}")
    return tuple((h["name"].lower(), h["value"].strip()) for _, h in found if h is not None)


def with_options(
    request: CapturedRequest,
    method: str,
    url: str,
    headers: Pairs,
    body: bytes | None,
    fields: Sequence[str],
) -> CapturedRequest:
    """The request, with the options in place of what they name. Raises CommandError."""
    if wrong := [field for field in fields if "=" not in field]:
        raise CommandError(f"--field {wrong[0]}: give Name=Value, an empty value too (Name=)")
    pairs = tuple((name, value) for name, _, value in (field.partition("=") for field in fields))
    changed = replace(
        request,
        method=method.upper(),
        url=url or request.url,
        headers=(*request.headers, *headers),
        body=request.body if body is None else body,
        fields=pairs,
    )
    if not changed.url:
        raise CommandError("give the URL that was called: --url, or --request with the request")
    if not changed.header("x-twilio-signature"):
        raise CommandError("give X-Twilio-Signature: --signature, or a header of the request")
    return changed
