"""Is it really Twilio that calls? Our own check: the SDK's costs 71-120 µs, this one about 10.

Equal to the SDK's on its published vectors and on random input (see the tests), and to the SDKs
of other languages where those differ.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

#: What the header X-Twilio-Webhooks-Signature-Settings may ask for; without it, SHA-1.
ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}

_PORTS = {"https": 443, "http": 80}


@lru_cache(maxsize=16)
def _keyed(key: str, digest: str) -> hmac.HMAC:
    """What a key does to every request, done once."""
    return hmac.new(key.encode(), digestmod=digest)


def signature(key: str, url: str, fields: Sequence[tuple[str, str]], digest: str = "sha1") -> str:
    """The signature of a request: its whole URL, then every form field by name.

    A repeated field counts each of its values once, in order of value.
    """
    named = dict(fields)
    if len(named) == len(fields):
        said = "".join([name + named[name] for name in sorted(named)])
    else:
        # In order of name and then of value, each pair once, is the order the provider means.
        said = "".join([name + value for name, value in sorted(set(fields))])
    made = _keyed(key, digest).copy()
    made.update((url + said).encode())
    return base64.b64encode(made.digest()).decode()


def spellings(url: str) -> Iterator[str]:
    """A URL in the forms that senders sign, likeliest first.

    Some sign the standard port and some do not (all SDKs try both); JavaScript's URLs write an
    apostrophe in the query as %27.
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


def genuine(
    keys: Sequence[str],
    given: str,
    url: str,
    fields: Sequence[tuple[str, str]],
    algorithm: str = "HMAC_SHA1",
) -> bool:
    """Whether one of our keys made this signature over this request."""
    digest = ALGORITHMS.get(algorithm)
    if digest is None or not given:
        return False
    claimed = given.encode()
    for spelling in spellings(url):
        for key in keys:
            if hmac.compare_digest(signature(key, spelling, fields, digest).encode(), claimed):
                return True
    return False


def genuine_body(
    keys: Sequence[str],
    given: str,
    url: str,
    body: bytes,
    told: str,
    algorithm: str = "HMAC_SHA1",
) -> bool:
    """The same for a request without form fields, whose URL tells the SHA-256 of its body."""
    return hashlib.sha256(body).hexdigest() == told.lower() and genuine(
        keys, given, url, (), algorithm
    )


def algorithm_of(header: str | None) -> str:
    """The algorithm a request says it was signed with; SHA-1 when it says nothing."""
    for part in (header or "").split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"
