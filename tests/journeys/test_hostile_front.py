"""Hostile clients at the real nginx: others are answered meanwhile, and requests stay apart."""

import itertools
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.support.front import NAME, Front, running
from tests.support.product import PATIENCE_SECONDS, Service, free_port

HOST = f"Host: {NAME}\r\n".encode()
POST = b"POST /sms HTTP/1.1\r\n" + HOST
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
#: A second request, hidden in the body of the first.
HIDDEN = b"GET /hall/hidden HTTP/1.1\r\n" + HOST + b"\r\n"
OK = b'{"status":"ok"}\n'
_HELD_SECONDS = 6.0

#: Requests whose end two programs may see at different places.
SMUGGLED = {
    "length and chunks": POST + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
    "chunks and length": POST + CHUNKED + b"Content-Length: 40\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + HIDDEN,
    "list of lengths": POST + b"Content-Length: 0, 60\r\n\r\n" + HIDDEN,
    "signed length": POST + b"Content-Length: +60\r\n\r\n" + HIDDEN,
    "chunked twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
    "another coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "gzip and chunks": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "space before the colon": POST + b"Content-Length : 60\r\n\r\n" + HIDDEN,
    "tab in the coding": POST + b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "negative chunk": POST + CHUNKED + b"\r\n-1\r\n" + HIDDEN,
    "huge chunk": POST + CHUNKED + b"\r\nffffffffffffffff0\r\n" + HIDDEN,
    "bare line feeds": POST + CHUNKED + b"\r\n0\n\n" + HIDDEN,
    "length of GET": GET + b"Content-Length: 60\r\n\r\n" + HIDDEN,
    "chunks of HTTP/1.0": b"POST /sms HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
    "HTTP/2 without TLS": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "upgrade": GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
               b"HTTP2-Settings: AAMA\r\n\r\n" + HIDDEN,
    "two hosts": GET + HOST + b"\r\n" + HIDDEN,
    "NUL": GET + b"A: b\0c\r\n\r\n" + HIDDEN,
    "header of 100 kB": GET + b"A: " + b"a" * 100_000 + b"\r\n\r\n",
    "1,000 headers": GET + b"A: b\r\n" * 10_000 + b"\r\n",
    "address of 100 kB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "tunnel": b"CONNECT other:443 HTTP/1.1\r\n" + HOST + b"\r\n" + HIDDEN,
    "unknown method": b"FROB / HTTP/1.1\r\n" + HOST + b"\r\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("hostile")
    more = {"PUBLIC_URL": f"https://{NAME}", "TRUSTED_PROXIES": "127.0.0.1"}
    service = Service(folder / "data", more | {"INSIDE_PORT": str(free_port())})
    service.start("doors")
    try:
        with running(folder / "front", service) as found:
            yield found
    finally:
        service.stop()


def _ask(front: Front, sent: bytes, seconds: float = PATIENCE_SECONDS) -> bytes:
    """All that is answered until nginx closes the connection, or is quiet for so long."""
    received = b""
    with front.connect() as connection:
        connection.settimeout(seconds)
        with suppress(OSError):
            connection.sendall(sent)
        with suppress(OSError):
            while part := connection.recv(65536):
                received += part
    return received


def _is_in_step(front: Front) -> None:
    """Each request on the kept connections to the service gets its own answer."""
    for _ in range(6):
        assert _ask(front, GET + b"Connection: close\r\n\r\n").endswith(OK)


@pytest.mark.parametrize("kind", SMUGGLED)
def test_hidden_request_is_answered_to_no_other_client(front: Front, kind: str) -> None:
    answer = _ask(front, SMUGGLED[kind], seconds=1)
    statuses = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    # Twilio's page without a signature is 403; the hidden page, asked in turn by its sender, 404.
    assert set(statuses) <= {400, 403, 404, 405, 413, 414, 431, 494, 501, 200}, answer[:300]
    assert not {500, 502, 504} & set(statuses)
    _is_in_step(front)


def test_allowed_forms_are_answered(front: Front) -> None:
    pipelined = _ask(front, (GET + b"\r\n") * 3 + GET + b"Connection: close\r\n\r\n")
    assert pipelined.count(OK) == 4
    assert _ask(front, b"GET /healthz HTTP/1.0\r\n\r\n").endswith(OK)
    whole = f"GET https://{NAME}/healthz HTTP/1.1\r\n".encode()
    assert _ask(front, whole + HOST + b"Connection: close\r\n\r\n").endswith(OK)
    with front.connect() as half_closed:
        half_closed.sendall(GET + b"Connection: close\r\n\r\n")
        half_closed.shutdown(socket.SHUT_WR)  # the client sends no more, and reads
    _is_in_step(front)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(front: Front, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(front.certificate))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection(("127.0.0.1", front.port), 10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname=NAME)


def test_requests_without_tls_get_no_answer_of_the_service(front: Front) -> None:
    for sent in (
        GET + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\x80\x2e\x01\x00\x02",
        b"\0" * 9,
    ):
        with socket.create_connection(("127.0.0.1", front.port), 10) as plain:
            plain.sendall(sent)
            plain.shutdown(socket.SHUT_WR)
            assert OK not in plain.recv(4096)


def test_customers_are_answered_while_others_hold_connections(front: Front) -> None:
    drips = {
        "head": (POST[:20], b"x"),
        "body": (POST + b"Content-Length: 900\r\n\r\nFrom=", b"x"),
        "chunks": (POST + CHUNKED + b"\r\n", b"1\r\nx\r\n"),
        "silence after TLS": (b"", b""),
    }
    with ExitStack() as held:
        for _ in range(900):  # silent before TLS
            held.enter_context(socket.create_connection(("127.0.0.1", front.port), 10))
        dripping = []
        for first, drip in itertools.chain.from_iterable([drips.values()] * 40):
            connection = held.enter_context(front.connect())
            connection.sendall(first)
            dripping.append((connection, drip))
        ended = threading.Event()
        dripper = threading.Thread(target=_drip, args=(dripping, ended))
        dripper.start()
        try:
            _serve_customers(front)
        finally:
            ended.set()
            dripper.join()
    _is_in_step(front)


def _drip(dripping: list[tuple[ssl.SSLSocket, bytes]], ended: threading.Event) -> None:
    while not ended.wait(0.5):
        for connection, drip in dripping:
            with suppress(OSError):
                connection.sendall(drip)


def _serve_customers(front: Front) -> None:
    end, number = time.monotonic() + _HELD_SECONDS, 0
    while time.monotonic() < end:
        number += 1
        began = time.monotonic()
        assert front.text("CXDXHZ", f"SM{number:032x}").status_code == 200
        assert time.monotonic() - began < 5
    assert number > 5


def test_clients_that_end_early_leave_the_connections_in_step(front: Front) -> None:
    whole = POST + b"Content-Length: 5\r\n\r\nFrom="
    for size in (1, 20, len(whole) - 2, len(whole)):
        for _ in range(10):
            with front.connect() as connection:
                connection.sendall(whole[:size])
                # No goodbye of TLS: the connection is reset in the middle.
                linger = b"\1\0\0\0\0\0\0\0"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    _is_in_step(front)
    assert front.text("CXDXHZ", "SMend").status_code == 200
