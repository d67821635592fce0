"""An answer without end is cut off at a megabyte; the worker's memory stays as it was."""

import contextlib
import gzip
import json
import socket
import subprocess
import sys
import textwrap
import zlib

import pytest

from receipts.providers.http import MAX_BODY_BYTES
from tests.contracts.test_providers import Respond, listening, read_request

MEGABYTE = 1 << 20

#: One send and the growth of this process's memory; prints outcome, megabytes and seconds.
PROBE = textwrap.dedent("""
    import datetime as dt, json, resource, sys, time
    from receipts.model.vocabulary import DisplayMode, Msisdn
    from receipts.ports.provider import OutboundMessage, ProviderError
    from receipts.providers.kannel import Kannel
    from receipts.providers.twilio import Twilio

    name, url = sys.argv[1:]
    account, ours = "AC" + "0" * 32, "https://sms.example.org"
    twilio = Twilio(account, (account, "t" * 32), "7500", url, ours)
    kannel = Kannel(url, ("user", "password"), "secret", "7500", ours)
    message = OutboundMessage("0-abc", Msisdn("+8613802880000"), "hello", DisplayMode.TEXT)

    def outcome():
        try:
            if name == "look-up":
                return str(twilio.find(message, dt.datetime.now(dt.UTC), frozenset()))
            return (kannel if name == "kannel" else twilio).send(message)
        except ProviderError as error:
            return type(error).__name__

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, told = time.monotonic(), outcome()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps([told, grown, time.monotonic() - started]))
""")


def bomb() -> bytes:
    """300 MB of zeros as a gzip stream of 300 kB."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(300)) + packer.flush()


BOMB = bomb()
HEADS = {
    "accepted": b"HTTP/1.1 201 Created\r\n",
    "refused": b"HTTP/1.1 400 Bad Request\r\n",
    "failed": b"HTTP/1.1 500 Internal Server Error\r\n",
    "redirected": b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n",
}


class Flood:
    """Answers each request with far more than a gateway says, and counts the requests."""

    def __init__(self, head: bytes, kind: str) -> None:
        self.requests, self.sent = 0, 0
        self._head, self._kind = head, kind

    def __call__(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            read_request(connection)
            self.requests += 1
            self._send(connection, self._head + b"Content-Type: application/json\r\n")

    def _send(self, connection: socket.socket, head: bytes) -> None:
        if self._kind == "gzip":
            head += b"Content-Encoding: gzip\r\n"
        if self._kind == "twice":
            head += b"Content-Encoding: gzip, gzip\r\n"
        body = {"gzip": BOMB, "twice": gzip.compress(BOMB)}.get(self._kind)
        if body is not None:
            connection.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            return
        length = b"Content-Length: 314572800\r\n" if self._kind == "length" else b""
        connection.sendall(head + length + b"\r\n")
        for _ in range(300):
            connection.sendall(b"x" * MEGABYTE)
            self.sent += MEGABYTE


def probe(name: str, respond: Respond) -> tuple[str, float, float]:
    with listening(respond) as url:
        done = subprocess.run(
            [sys.executable, "-c", PROBE, name, url],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    outcome, grown, seconds = json.loads(done.stdout)
    return outcome, grown, seconds


OUTCOMES = {
    ("twilio", "accepted"): "UnknownOutcomeError",
    ("twilio", "refused"): "UnknownOutcomeError",
    ("twilio", "failed"): "UnknownOutcomeError",
    ("twilio", "redirected"): "UnknownOutcomeError",
    ("look-up", "accepted"): "TemporaryError",
    ("look-up", "redirected"): "TemporaryError",
    ("kannel", "accepted"): "UnknownOutcomeError",
    ("kannel", "redirected"): "UnknownOutcomeError",
}
CASES = [
    (name, head, kind)
    for name, head in OUTCOMES
    for kind in ("length", "endless", "gzip", "twice")
    # The client of Kannel takes no compressed answers: to it, the body is its 300 kB.
    if name != "kannel" or kind in {"length", "endless"}
]


@pytest.mark.parametrize(("name", "head", "kind"), CASES)
def test_huge_answer_leaves_the_outcome_unknown_and_the_memory_flat(
    name: str, head: str, kind: str
):
    flood = Flood(HEADS[head], kind)
    told, grown, seconds = probe(name, flood)
    assert told == OUTCOMES[name, head]
    assert grown < 60, f"{grown:.0f} MB"
    assert seconds < 10
    assert flood.requests == 1
    assert flood.sent <= MAX_BODY_BYTES + 12 * MEGABYTE  # in buffers of the sockets
