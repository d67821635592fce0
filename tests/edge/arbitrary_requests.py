"""Generated requests over raw sockets: any bytes, near to a good request or far from it.

`python -m tests.edge.arbitrary_requests PORT` sends 10,000 to each door of a running service.
"""

import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

#: Every path that a stranger can reach, with a query that a good request would have.
PATHS = (
    "/",
    "/healthz",
    "/readyz",
    "/voice",
    "/voice/key?at=menu&lang=zh&as=none&mode=flash&step=2&silent=0&wrong=0",
    "/voice/ended",
    "/sms",
    "/messages/status",
    "/receipts/a-0123456789abcdef0123/status",
    "/feed/reports",
    "/kannel/sms?id=1&from=%2B8613802880000&to=7500&text=KTDXHZ&secret=wrong-secret-of-a-guesser",
    "/kannel/report?id=0-abc&type=1&secret=wrong-secret-of-a-guesser",
    "/hall/",
    "/hall/code",
    "/hall/login",
    "/hall/act",
)

_METHODS = ("GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "G ET", "")
_BODIES = (
    b"AccountSid=AC1&MessageSid=SM1&From=%2B8613802880000&Body=KTDXHZ",
    b"AccountSid=AC1&CallSid=CA1&From=%2B8613802880000&Digits=1",
    b'{"id": "1", "from": "+8613802880000", "to": "+8613957112345", "status": "DELIVRD"}\n',
    b"number=13802880000&csrf_token=x",
    b"",
)
_GOOD_HEADERS = (
    b"X-Twilio-Signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    b"X-Feed-Timestamp: 1700000000\r\nX-Feed-Signature: sha256=00",
    b"Content-Type: application/x-www-form-urlencoded",
    b"Content-Type: application/json; charset=\xff",
    b"Content-Type: multipart/form-data; boundary=x",
    b"Content-Encoding: gzip",
    b"X-Forwarded-For: 127.0.0.1, \xe4\xbd\xa0",
    b"X-Forwarded-Proto: gopher",
    b"Host: elsewhere.example",
    b"Cookie: session=eyJ4IjoxfQ.x.y; lang=../..; \x80=\x81",
    b"Range: bytes=0-,1-,2-",
    b"Accept-Language: zh;q=nan, *;q=9",
    b"If-None-Match: *",
    b"X-Long: " + b"a" * 9000,
)
_HEADERS = (
    *_GOOD_HEADERS,
    b"Transfer-Encoding: chunked",
    b"Expect: 100-continue",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x",
    b" folded: yes",
    b"no colon",
)
_SHARE_OF_HTTP = 2 / 3
#: Nothing may be answered later; a test machine under load gets some more.
LIMIT_SECONDS = 1.0


@dataclass
class Findings:
    """Answers by status, and the requests whose answer must not be."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, bytes]] = field(default_factory=list)
    slowest: float = 0.0


def requests_to(path: str, count: int, seed: int = 12) -> Iterator[tuple[bytes, bool]]:
    """Requests to one path, and whether each is whole; the same for the same seed."""
    chance = random.Random(f"{path} {seed}")
    for _ in range(count):
        yield _request(path, chance)


def _request(path: str, chance: random.Random) -> tuple[bytes, bool]:
    # Two thirds are good HTTP, so that their content reaches the application.
    is_http = chance.random() < _SHARE_OF_HTTP
    method = chance.choice(("GET", "POST", "POST") if is_http else _METHODS)
    body = _mutated(chance.choice(_BODIES), chance)
    target = path.encode()
    if chance.random() < 0.3:
        target = (
            quote(_mutated(target, chance), safe="/?&=%+").encode()
            if is_http
            else (_mutated(target, chance))
        )
    versions = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"")
    version = b"HTTP/1.1" if is_http else chance.choice(versions)
    lines = [method.encode() + b" " + target + b" " + version]
    if is_http or chance.random() < 0.5:
        lines.append(b"Host: 127.0.0.1")
    headers = _GOOD_HEADERS if is_http else _HEADERS
    lines += chance.sample(headers, chance.choice((0, 1, 1, 2, 3)))
    length = chance.choice((len(body), 0, len(body) + 1, -1, "x", 10**19))
    lines.append(f"Content-Length: {len(body) if is_http else length}".encode())
    lines.append(b"Connection: close")
    request = b"\r\n".join(lines) + b"\r\n\r\n" + body
    return (request, True) if is_http else (_mutated(request, chance), False)


def _mutated(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(4):
            case 0:
                changed[at:at] = bytes(chance.randrange(256) for _ in range(chance.choice((1, 4))))
            case 1:
                del changed[at : at + chance.choice((1, 8))]
            case 2:
                changed[at:at] = chance.choice(
                    (b"%00", b"%ff", b"%", b"\r\n", b"../", b"\xf0\x9f\x99\x8f", b"&", b"=" * 50)
                )
            case _:
                changed[at:at] = changed[: chance.choice((3, 30))]
    return bytes(changed)


def send(port: int, request: bytes, *, whole: bool) -> tuple[bytes, float]:
    """The answer to a request, and how long it took; the sender of half a request hangs up."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
        answer = b""
        try:
            connection.sendall(request)
            if not whole:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except OSError:
            pass  # closed without reading all of it
    return answer, time.monotonic() - started


def attack(port: int, path: str, count: int, limit_seconds: float = LIMIT_SECONDS) -> Findings:
    """Send generated requests one after the other, each on its own connection."""
    found = Findings()
    for request, whole in requests_to(path, count):
        answer, seconds = send(port, request, whole=whole)
        found.slowest = max(found.slowest, seconds)
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.") else "closed"
        found.statuses[status] += 1
        if status.startswith("5"):
            found.wrong.append((f"answered {status}", request))
        elif b"Traceback" in answer:
            found.wrong.append(("a traceback in the answer", request))
        elif whole and not answer:
            found.wrong.append(("no answer", request))
        elif seconds > limit_seconds:
            found.wrong.append((f"answered after {seconds:.1f} s", request))
    return found


def main() -> int:
    """Attack every door of a service, and print what it answered."""
    port, failed = int(sys.argv[1]), 0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    for path in PATHS:
        found = attack(port, path, count)
        answers = ", ".join(f"{each} {n}" for each, n in sorted(found.statuses.items()))
        print(f"{path.partition('?')[0]:40} slowest {found.slowest:.3f} s: {answers}", flush=True)
        for why, request in found.wrong[:3]:
            print(f"  WRONG, {why}: {request[:400]!r}")
        failed += len(found.wrong)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
