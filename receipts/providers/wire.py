"""A wire to one HTTP/1.1 server, written and read by hand: about a tenth of a library's cost.

It asks by GET, one question at a time, and takes nobody's word to go elsewhere: no redirects, no
proxies, no cookies. Its users must know which failures left nothing behind; here they are told.
"""

import math
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from receipts.lines import TooLate

#: Seconds after which a connection is not used again. Servers hang up on idle ones: the less we
#: rely on old ones, the fewer questions are written to a server that has just hung up.
_KEPT = 2.0

#: More octets than any answer of a gateway has; more is no answer.
_LONGEST = 1 << 20

_READ = 65536

#: Answers without a body, whatever their headers say (RFC 9112, section 6.3).
_BODILESS = frozenset({204, 304})


class NotReached(Exception):
    """No connection was made: nothing of the question has left us."""


class NoAnswer(Exception):
    """Something of the question may have left us, and no whole answer came."""


class Wire:
    """One server. Each thread has a connection of its own, so that nobody waits for another's."""

    def __init__(self, url: str, timeouts: tuple[float, float], more: str = "") -> None:
        """``timeouts`` are the seconds to connect and to wait for a whole answer.

        ``more`` are further header lines, each with its end.
        """
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._address = (parts.hostname or "", parts.port or (443 if secure else 80))
        # With the authorities that the machine trusts.
        self._tls = ssl.create_default_context() if secure else None
        self._timeouts = timeouts
        host = parts.netloc.rpartition("@")[2]
        self._head = f" HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode("ascii")
        self._kept = threading.local()

    def get(self, target: str, by: float = math.inf) -> tuple[int, bytes]:
        """The status and the body of an answer. Raises NotReached, NoAnswer or TooLate.

        ``target`` is path and query, quoted. It is asked once: what a server that hangs up has
        read of it, nobody knows.
        """
        line: _Line | None = getattr(self._kept, "line", None)
        self._kept.line = None
        if line is None or not line.usable():
            line = self._connected()
        if time.monotonic() > by:
            raise TooLate
        try:
            status, body, lasting = line.asked(b"GET " + target.encode("ascii") + self._head)
        except (OSError, ValueError) as lost:
            raise NoAnswer(type(lost).__name__) from None
        if lasting:
            self._kept.line = line
        return status, body

    def _connected(self) -> "_Line":
        connect, answer = self._timeouts
        try:
            plain = socket.create_connection(self._address, connect)
        except (OSError, UnicodeError) as lost:
            raise NotReached(type(lost).__name__) from None
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made = (
                self._tls.wrap_socket(plain, server_hostname=self._address[0])
                if self._tls
                else plain
            )
        except (OSError, ValueError) as lost:
            plain.close()
            raise NotReached(type(lost).__name__) from None
        return _Line(made, answer)


class _Line:
    """One connection."""

    def __init__(self, made: socket.socket, timeout: float) -> None:
        self._socket, self._timeout = made, timeout
        made.settimeout(timeout)
        # Whoever lets go of it hangs up; so does a thread that ends.
        weakref.finalize(self, made.close)
        self._news = select.poll()
        self._news.register(made, select.POLLIN)
        self._used_at = self._until = 0.0
        self._held = b""

    def usable(self) -> bool:
        """Whether it was used lately, and the other side has not hung up or spoken unasked."""
        return time.monotonic() - self._used_at < _KEPT and not self._news.poll(0)

    def asked(self, question: bytes) -> tuple[int, bytes, bool]:
        """Status, body, and whether it may be asked again. Raises OSError, or ValueError."""
        self._until = time.monotonic() + self._timeout
        self._socket.sendall(question)
        status = 100
        while status < 200:  # noqa: PLR2004 - what comes before is only a word on the way
            version, status, said = _read(self._up_to(b"\r\n\r\n"))
        wish = said.get(b"connection", b"")
        lasting = b"close" not in wish and (version > b"HTTP/1.0" or b"keep-alive" in wish)
        if status in _BODILESS:
            body = b""
        elif b"transfer-encoding" in said:
            if said[b"transfer-encoding"] != b"chunked":
                raise ValueError
            body = self._chunks()
        elif b"content-length" in said:
            body = self._exactly(_number(said[b"content-length"], 10))
        else:
            body, lasting = self._to_the_end(), False
        self._used_at = time.monotonic()
        # More than was asked for would be taken for the next answer.
        return status, body, lasting and not self._held

    def _more(self) -> bool:
        """A little more of the answer; False at its end."""
        if time.monotonic() > self._until:
            raise TimeoutError
        if len(self._held) > _LONGEST:
            raise ValueError
        octets = self._socket.recv(_READ)
        self._held += octets
        return bool(octets)

    def _up_to(self, mark: bytes) -> bytes:
        while mark not in self._held:
            if not self._more():
                raise ConnectionResetError
        found, _, self._held = self._held.partition(mark)
        return found

    def _exactly(self, count: int) -> bytes:
        while len(self._held) < count:
            if not self._more():
                raise ConnectionResetError
        found, self._held = self._held[:count], self._held[count:]
        return found

    def _to_the_end(self) -> bytes:
        while self._more():
            pass
        found, self._held = self._held, b""
        return found

    def _chunks(self) -> bytes:
        body = b""
        while size := _number(self._up_to(b"\r\n").partition(b";")[0].strip(), 16):
            body += self._exactly(size)
            if self._exactly(2) != b"\r\n" or len(body) > _LONGEST:
                raise ValueError
        while self._up_to(b"\r\n"):  # trailers: nothing that we ask for
            pass
        return body


@lru_cache(maxsize=64)  # a gateway says the same to nearly every text
def _read(head: bytes) -> tuple[bytes, int, Mapping[bytes, bytes]]:
    """Version, status and headers, names and values in small letters. Raises ValueError."""
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    if version not in {b"HTTP/1.1", b"HTTP/1.0"} or rest[3:4] not in {b" ", b""}:
        raise ValueError
    pairs = [line.lower().partition(b":") for line in lines]
    said = {name: value.strip() for name, _, value in pairs}
    return version, _number(rest[:3], 10), said


def _number(said: bytes, base: int) -> int:
    """A plain number; ``int`` would take signs, spaces and underscores too."""
    if not said.isalnum() or len(said) > len(str(_LONGEST)):
        raise ValueError
    return int(said, base)
