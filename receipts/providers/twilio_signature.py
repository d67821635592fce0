"""Signatures of Twilio's webhooks (X-Twilio-Signature), without the SDK.

Source: Twilio's webhook security page. The tests compare with the SDK's own validator.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from urllib.parse import quote, urlsplit

#: Algorithms that X-Twilio-Webhooks-Signature-Settings may name; the default is SHA-1.
ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}

_PORTS = {"https": 443, "http": 80}


def signature(key: str, url: str, fields: Sequence[tuple[str, str]], digest: str = "sha1") -> str:
    """Sign a request: its whole URL, then the form fields in order of name and value.

    A name with several values counts each distinct value once.
    """
    named = dict(fields)
    # A sort of names alone is the faster one, and right where no name comes twice.
    pairs = (
        [name + named[name] for name in sorted(named)]
        if len(named) == len(fields)
        else [name + value for name, value in sorted(set(fields))]
    )
    signed = (url + "".join(pairs)).encode()
    return base64.b64encode(hmac.digest(key.encode(), signed, digest)).decode()


def checked_url(public_url: str, path: str, query: str) -> str:
    """Return the URL that a provider signs: the public address, the query as it was sent."""
    quoted = quote(path, safe="/:@!$&'()*+,;=-._~")
    return f"{public_url}{quoted}{'?' if query else ''}{query}"


def url_variants(url: str) -> Iterator[str]:
    """Yield the forms in which senders sign a URL, likeliest first.

    The SDKs of all languages accept the standard port present or absent. JavaScript's URL class
    writes an apostrophe in the query as %27.
    """
    yield url
    yield from _other_ports(url)
    path, mark, query = url.partition("?")
    if "'" in query:
        yield path + mark + query.replace("'", "%27")


def _other_ports(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return
    user, at, host = parts.netloc.rpartition("@")
    if port is not None:
        bare = host.rpartition(":")[0]
        yield parts._replace(netloc=user + at + bare).geturl()
    elif parts.scheme in _PORTS:
        yield parts._replace(netloc=f"{user}{at}{host}:{_PORTS[parts.scheme]}").geturl()


def is_valid_signature(
    keys: Sequence[str],
    given: str,
    url: str,
    fields: Sequence[tuple[str, str]],
    algorithm: str = "HMAC_SHA1",
) -> bool:
    """Tell whether one of our keys made the signature ``given`` over this request."""
    digest = ALGORITHMS.get(algorithm)
    if digest is None or not given:
        return False
    claimed = given.encode()
    return any(
        hmac.compare_digest(signature(key, variant, fields, digest).encode(), claimed)
        for variant in url_variants(url)
        for key in keys
    )


def is_valid_body_signature(
    keys: Sequence[str],
    given: str,
    url: str,
    body: bytes,
    body_sha256: str,
    algorithm: str = "HMAC_SHA1",
) -> bool:
    """Do the same for a request without form fields; its URL carries the hash of its body."""
    return hashlib.sha256(body).hexdigest() == body_sha256.lower() and is_valid_signature(
        keys, given, url, (), algorithm
    )


def algorithm_of(header: str | None) -> str:
    """Return the algorithm that the settings header names; HMAC_SHA1 without one."""
    for part in (header or "").split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"
