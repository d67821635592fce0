"""Search for the URL that was signed, among the spellings that a wrong set-up brings about."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from app.settings import Settings
from commands.webhook_signature.captured_request import CapturedRequest, Pairs
from receipts.providers.twilio_signature import (
    ALGORITHMS,
    checked_url,
    signature,
    url_variants,
)

_ADDRESS = re.compile(r"(\[(?P<literal>[^\]]*)\]|(?P<host>[^:]*))(:(?P<port>[0-9]*))?")


class UrlParts(NamedTuple):
    """The parts of a URL that are tried one by one."""

    scheme: str
    user: str
    host: str
    port: str
    path: str
    query: str

    @property
    def text(self) -> str:
        """The URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{user}{host}{port}{self.path}{self.query}"


@dataclass(frozen=True, slots=True)
class Match:
    """A URL, fields, token (from 1) and algorithm that give the signature of a request."""

    url: UrlParts
    fields: Pairs
    token: int
    algorithm: str


def split_url(url: str) -> UrlParts:
    """Split a URL; the query keeps its question mark."""
    parts = urlsplit(url.partition("#")[0])
    user, _, address = parts.netloc.rpartition("@")
    host, port = _host_and_port(address)
    query = f"?{parts.query}" if parts.query or url.partition("#")[0].endswith("?") else ""
    return UrlParts(parts.scheme, user, host, port, parts.path, query)


def expected_url(settings: Settings, request: CapturedRequest) -> str:
    """The URL whose signature the service checks for this request."""
    parts = urlsplit(request.seen_url)
    prefix = urlsplit(settings.public_url).path
    path = parts.path.removeprefix(prefix) if parts.path.startswith(f"{prefix}/") else parts.path
    return checked_url(settings.public_url, unquote(path), parts.query)


def find_match(settings: Settings, request: CapturedRequest) -> Match | None:
    """The match that differs least from what the service checks; None without any."""
    expected = split_url(expected_url(settings, request))
    given, algorithm = request.header("x-twilio-signature"), request.algorithm
    algorithms = sorted(ALGORITHMS, key=lambda name: name != algorithm)
    every_url = sorted(
        product(*_alternatives(settings, request, expected)),
        key=lambda parts: sum(a != b for a, b in zip(parts, expected, strict=True)),
    )
    for parts in every_url:
        url = UrlParts(*parts)
        texts = list(url_variants(url.text)) if url == expected else [url.text]
        for fields, name in product(_field_variants(request), algorithms):
            for token, key in enumerate(settings.twilio_auth_tokens, start=1):
                if any(signature(key, text, fields, ALGORITHMS[name]) == given for text in texts):
                    return Match(url, fields, token, name)
    return None


def is_accepted(settings: Settings, request: CapturedRequest, match: Match) -> bool:
    """Whether the service accepts the signature: nothing differs from what it checks."""
    return (
        match.url == split_url(expected_url(settings, request))
        and match.fields == request.signed_fields
        and match.algorithm == request.algorithm
    )


def _alternatives(
    settings: Settings, request: CapturedRequest, expected: UrlParts
) -> Iterator[Sequence[str]]:
    """The values to try for each part of the URL, the expected one first."""
    seen, public = split_url(request.seen_url), split_url(settings.public_url)
    named = [request.header(name) for name in ("host", "x-forwarded-host", "x-original-host")]
    addresses = [_host_and_port(name) for name in named if name]
    hosts = [expected.host, seen.host, *(host for host, _ in addresses)]
    bare = expected.host.removeprefix("www.")
    ports = [expected.port, "", seen.port, *(port for _, port in addresses)]
    forwarded = request.header("x-forwarded-prefix").rstrip("/")
    inner = expected.path.removeprefix(public.path)
    paths = [expected.path, seen.path, inner, forwarded + inner, unquote(expected.path)]
    paths += [path.rstrip("/") if path.endswith("/") else f"{path}/" for path in paths]
    query = expected.query
    yield _each(expected.scheme, "https", "http")
    yield _each(expected.user, seen.user, "")
    yield _each(*hosts, bare, f"www.{bare}", *(host.lower() for host in hosts))
    yield _each(*ports, "443", "80", str(settings.port), request.header("x-forwarded-port"))
    yield _each(*paths, *(f"{public.path}/{path}" for path in (inner, f"{inner}/")))
    yield _each(query, seen.query, "", unquote(query), query.replace("+", "%20"), query or "?")


def _field_variants(request: CapturedRequest) -> Iterator[Pairs]:
    """The fields as they came, and as they were before the usual harm."""
    fields = request.signed_fields
    yield fields
    if fields:
        # An unquoted + is read as a space.
        yield tuple((n, f"+{v[1:]}" if v[:1] == " " and v[1:].isdigit() else v) for n, v in fields)
        yield tuple((name, value) for name, value in fields if value)
        yield ()


def _each(*values: str) -> Sequence[str]:
    return tuple(dict.fromkeys(values))


def _host_and_port(address: str) -> tuple[str, str]:
    found = _ADDRESS.fullmatch(address)
    return (found["literal"] or found["host"] or "", found["port"] or "") if found else ("", "")
