"""Attacks of strangers on the port of `serve`, each under a load of good signed requests."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.drills.rig import Rig
from tests.support.signing import twilio_headers

_SECONDS = 14.0
_HOST = b"Host: example.org\r\n"
_HALF_BODY = b"POST /sms HTTP/1.1\r\n" + _HOST + b"Content-Length: 300\r\n\r\nFrom="
_HALF_HEAD = b"GET /healthz HTTP/1.1\r\nHo"

#: Preface and settings of HTTP/2, then the head of a POST as stream 1, without its body.
_HTTP_2 = bytes.fromhex(
    "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a" "000000040000000000" "000006010400000001"
    "838684410178"
)  # fmt: skip

#: Bounds of the issue: latency of good requests, and growth of all web processes.
_P99_SECONDS = 1.0
_GROWTH_BYTES = 48 * 1024 * 1024

_CLIENTS = 4
_PAUSE_SECONDS = 0.04


@dataclass(frozen=True)
class Attack:
    """Connections that are opened again whenever the server closes them."""

    connections: int
    first: bytes
    #: Bytes that each connection sends from time to time.
    drip: bytes = b""


ATTACKS = {
    "half HTTP/2 requests": Attack(64, _HTTP_2),
    "half bodies": Attack(1000, _HALF_BODY),
    "dripping heads": Attack(1000, _HALF_HEAD, b"o"),
    "dripping bodies": Attack(1000, _HALF_BODY, b"x"),
    "silent connections": Attack(2000, b""),
}


@dataclass
class _GoodRequests:
    """Signed texts on new connections, with the seconds of each answer."""

    request: bytes
    port: int
    ended: threading.Event = field(default_factory=threading.Event)
    seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def send(self) -> None:
        """Send one after the other until the attack has ended."""
        while not self.ended.wait(_PAUSE_SECONDS):
            self.send_one()

    def send_one(self) -> None:
        """Send one request and note its answer."""
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                connection.sendall(self.request)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError as error:
            answer = repr(error).encode()
        self.seconds.append(time.monotonic() - began)
        if not answer.startswith(b"HTTP/1.1 200"):
            self.refused.append(answer[:80].decode("latin-1"))


def attack(rig: Rig, name: str) -> None:
    """Attack for some seconds. Raises AssertionError when good requests or memory suffer."""
    good = _GoodRequests(_signed_text(rig), rig.port)
    good.send_one()
    before = _memory(rig)
    clients = [threading.Thread(target=good.send) for _ in range(_CLIENTS)]
    for client in clients:
        client.start()
    peak = _hold(ATTACKS[name], rig.port, lambda: _memory(rig))
    good.ended.set()
    for client in clients:
        client.join()
    p99 = sorted(good.seconds)[len(good.seconds) * 99 // 100]
    good.seconds.clear()
    good.send_one()
    after = good.seconds[0]
    found = (
        f"{len(good.refused)} refused, p99 {p99:.3f} s, {(peak - before) >> 20} MB more, "
        f"{after:.3f} s after the end"
    )
    assert not good.refused, f"{found}: {good.refused[:3]}"
    assert p99 < _P99_SECONDS, found
    assert after < _P99_SECONDS, found
    assert peak - before < _GROWTH_BYTES, found


def _hold(attack: Attack, port: int, memory: Callable[[], int]) -> int:
    """Hold the connections of an attack; the most memory meanwhile."""
    peak, end = 0, time.monotonic() + _SECONDS
    with ExitStack() as stack:
        held: list[socket.socket | None] = [None] * attack.connections
        while time.monotonic() < end:
            for index, each in enumerate(held):
                if each is None or not _is_open(each, attack.drip):
                    if each is not None:
                        each.close()
                    held[index] = stack.enter_context(_opened(port, attack.first))
            peak = max(peak, memory())
            time.sleep(0.3)
    return peak


def _opened(port: int, first: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    with suppress(OSError):
        connection.sendall(first)
    connection.setblocking(False)
    return connection


def _is_open(connection: socket.socket, drip: bytes) -> bool:
    with suppress(BlockingIOError):
        try:
            if drip:
                connection.send(drip)
            return bool(connection.recv(4096))
        except ConnectionError:
            return False
    return True


def _signed_text(rig: Rig) -> bytes:
    settings = rig.settings
    fields = {
        "AccountSid": settings["TWILIO_ACCOUNT_SID"], "MessageSid": "SM" + "0" * 32,
        "From": "+8613802999999", "To": "7500", "Body": "CXDXHZ",
    }  # fmt: skip
    headers = twilio_headers(
        settings["TWILIO_AUTH_TOKEN"], f"{settings['PUBLIC_URL'].rstrip('/')}/sms", fields
    )
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    body = urlencode(fields)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /sms HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *lines, "", body]).encode()


def _memory(rig: Rig) -> int:
    """Bytes of all web processes."""
    pages = 0
    for pid in rig.door_processes():
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096
