"""REDIS_URL: one server, several nodes of a cluster, or the Sentinels of a primary."""

import ipaddress
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, parse_qs, urlsplit

from redis.connection import parse_url

#: The port of a server and of a Sentinel, where the address has none.
_PORT, _SENTINEL_PORT = 6379, 26379

_SENTINEL_SUFFIX = "+sentinel"
_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")

#: Options that an address may have, by redis-py's names.
_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS = {*_TLS_FILES, "ssl_ca_path", "ssl_password", "ssl_cert_reqs", "ssl_check_hostname"}
_SENTINEL_LOGIN = {"sentinel_username": "username", "sentinel_password": "password"}
_SECONDS = ("socket_timeout", "socket_connect_timeout")
_OTHERS = {"db", "username", "password", "socket_keepalive", *_SECONDS}
_NOT_OPTIONS = {"host", "port", "connection_class"}
_CERT_REQS = ("required", "optional", "none")

#: A comma between two addresses; one in a password is followed by no scheme.
_NEXT_ADDRESS = re.compile(r",\s*(?=[a-z+]+://)")
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:(?P<port>[0-9]{1,5}))?")
_LARGEST_PORT = 65535

#: Twilio waits 15 seconds for the whole of a request.
_LONGEST_SECONDS = 10


class AddressError(ValueError):
    """An address cannot be used; the message is the rule that it breaks, without passwords."""


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The servers of one REDIS_URL."""

    hosts: tuple[tuple[str, int], ...]
    #: Options of redis-py's connections to the servers: login, TLS, database, times.
    options: Mapping[str, Any] = field(repr=False)
    is_tls: bool = False
    #: The name under which Sentinels watch the primary; ``hosts`` are the Sentinels then.
    service: str = ""
    sentinel_login: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def database(self) -> int:
        """The number of the database."""
        return int(self.options.get("db", 0))

    @property
    def tls(self) -> dict[str, Any]:
        """The options of TLS alone, which Sentinels share; none without TLS."""
        tls = {name: value for name, value in self.options.items() if name in _TLS}
        return {"ssl": True, **tls} if self.is_tls else {}

    @property
    def passwords(self) -> tuple[str, ...]:
        """All passwords of the address, to be masked in logs."""
        found = (self.options.get("password"), self.options.get("ssl_password"))
        return tuple(filter(None, (*found, self.sentinel_login.get("password"))))


def parse_address(text: str) -> StoreAddress:
    """The servers that REDIS_URL names. Raises AddressError."""
    parts = [_parsed(each.strip()) for each in _NEXT_ADDRESS.split(text.strip())]
    first = parts[0]
    if len(parts) == 1:
        return first
    if any(part.service or "path" in part.options for part in parts):
        raise AddressError("must be one address if it names Sentinels or a socket")
    if any(part.is_tls != first.is_tls for part in parts):
        raise AddressError("must not hold both redis:// and rediss://")
    options: dict[str, Any] = {}
    for name, value in itertools.chain.from_iterable(part.options.items() for part in parts):
        if options.setdefault(name, value) != value:
            raise AddressError("must hold one login and one set of options for all nodes")
    hosts = tuple(host for part in parts for host in part.hosts)
    return StoreAddress(hosts, options, first.is_tls)


def _parsed(text: str) -> StoreAddress:
    if re.search(r"[\x00-\x20\x7f#]", text):
        raise AddressError("must not hold spaces or a #: in a password they are %20 and %23")
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise AddressError("must be well-formed: a bracket or the text after ? is not") from None
    if parts.scheme not in _SCHEMES:
        raise AddressError(
            "must be an address of redis://, rediss:// (TLS), unix://, redis+sentinel:// or "
            "rediss+sentinel://. Example: redis://example.org:6379/0"
        )
    is_sentinel = parts.scheme.endswith(_SENTINEL_SUFFIX)
    is_tls = parts.scheme.startswith("rediss")
    _check_query(query, is_tls=is_tls, is_sentinel=is_sentinel)
    service, path = _service_and_path(parts, is_sentinel=is_sentinel)
    options = _options(parts, path)
    sentinel_login = {own: options.pop(name) for name, own in _SENTINEL_LOGIN.items()
                      if name in options}  # fmt: skip
    hosts = () if parts.scheme == "unix" else _hosts(parts, is_sentinel=is_sentinel)
    return StoreAddress(hosts, options, is_tls, service, sentinel_login)


def _service_and_path(parts: SplitResult, *, is_sentinel: bool) -> tuple[str, str]:
    """The primary's name at the Sentinels, and the path with the database alone."""
    if parts.scheme == "unix":
        if not parts.path:
            raise AddressError("must hold the file of a socket. Example: unix:///run/redis.sock")
        return "", parts.path
    service, path = "", parts.path
    if is_sentinel:
        service, _, database = parts.path.removeprefix("/").partition("/")
        path = f"/{database}"
        if not re.fullmatch(r"[\w.-]+", service):
            raise AddressError(
                "must hold the name of the primary that the Sentinels watch. Example: "
                "redis+sentinel://s1:26379,s2:26379,s3:26379/mymaster/0"
            )
    if not re.fullmatch(r"/?|/[0-9]{1,5}/?", path):
        raise AddressError("must hold the number of a database after the host, such as /0")
    return service, path


def _hosts(parts: SplitResult, *, is_sentinel: bool) -> tuple[tuple[str, int], ...]:
    usual = _SENTINEL_PORT if is_sentinel else _PORT
    hosts = [_host(each, usual) for each in parts.netloc.rpartition("@")[2].split(",")]
    if len({*hosts}) < len(hosts):  # a Sentinel that is named twice would have two votes
        raise AddressError("must name each server once")
    return tuple(hosts)


def _host(text: str, usual_port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text.strip())
    if found is None or not is_host(found["name"].strip("[]")):
        raise AddressError(
            "must hold the name of a host, or an IPv6 address in brackets. A sign such as / or @ "
            "in a password is written %2F or %40. Example: redis://example.org:6379/0"
        )
    port = int(found["port"] or usual_port)
    if not 0 < port <= _LARGEST_PORT:
        raise AddressError(f"must hold a number from 1 to {_LARGEST_PORT} as its port")
    return found["name"].strip("[]"), port


def is_host(name: str) -> bool:
    """Whether a text is an IP address, or labels of a host name with dots between."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        labels = name.removesuffix(".").split(".")
        # Digits and dots alone are a wrong IP address.
        return not labels[-1].isdigit() and all(re.fullmatch(r"[\w-]{1,63}", x) for x in labels)
    return True


def _options(parts: SplitResult, path: str) -> dict[str, Any]:
    """Options of redis-py's connections, decoded and converted by redis-py."""
    login, at, _ = parts.netloc.rpartition("@")
    scheme, host = ("unix", "") if parts.scheme == "unix" else ("redis", "host")
    query = f"?{parts.query}" if parts.query else ""
    try:
        found = cast("Any", parse_url)(f"{scheme}://{login}{at}{host}{path}{query}")
    except ValueError:  # its text may hold a part of the address
        raise AddressError("must hold numbers for its database and times") from None
    if not all(0 < found.get(name, 1) <= _LONGEST_SECONDS for name in _SECONDS):
        raise AddressError(f"must hold times of at most {_LONGEST_SECONDS} seconds")
    return {name: value for name, value in found.items() if name not in _NOT_OPTIONS}


def _check_query(query: Mapping[str, list[str]], *, is_tls: bool, is_sentinel: bool) -> None:
    known = _OTHERS | (_TLS if is_tls else set()) | (set(_SENTINEL_LOGIN) if is_sentinel else set())
    for name, values in query.items():
        if name in _TLS - known:
            raise AddressError(f"must not hold {name} without TLS: write rediss://")
        if name not in known:
            raise AddressError(f"must not hold other options than {', '.join(sorted(known))}")
        if len(values) > 1 or not values[0]:
            raise AddressError(f"must hold one value for {name}")
        if name in _TLS_FILES and not _is_readable(Path(values[0])):
            raise AddressError(f"must hold a file that can be read as {name}, not {values[0]}")
        if name == "ssl_keyfile" and "ssl_certfile" not in query:
            raise AddressError("must hold ssl_certfile with ssl_keyfile")
        if name == "ssl_cert_reqs" and values[0] not in _CERT_REQS:
            raise AddressError(f"must hold one of {', '.join(_CERT_REQS)} for {name}")


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False
