"""The address that a request comes from, behind proxies that the settings trust."""

import ipaddress
from collections.abc import Iterable, Mapping

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: A customer of an access provider has a whole network of this prefix in IPv6 (RFC 6177).
_IPV6_PREFIX = 64


class ClientAddresses:
    """Reads ``X-Forwarded-For`` from its end, as long as trusted proxies wrote it."""

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self._trusted = tuple(trusted)

    def of(self, environ: Mapping[str, str]) -> str:
        """The client's IPv4 address or IPv6 network, empty if the server knows none."""
        address = _parse(environ.get("REMOTE_ADDR", ""))
        written = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
        while address is not None and self._is_trusted(address) and written:
            earlier = _parse(written.pop())
            if earlier is None:
                break
            address = earlier
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
        return str(address or "")

    def is_from_proxy(self, environ: Mapping[str, str]) -> bool:
        """Whether a trusted proxy sent the request."""
        address = _parse(environ.get("REMOTE_ADDR", ""))
        return address is not None and self._is_trusted(address)

    def _is_trusted(self, address: _Address) -> bool:
        return any(address in network for network in self._trusted)


def _parse(text: str) -> _Address | None:
    """An address, without its port and brackets; IPv4 in IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address
