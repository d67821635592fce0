"""Contract of every provider adapter: errors, secrets, threads and connections."""

import logging
import socket
import socketserver
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from receipts.ports.provider import (
    PermanentError,
    ProviderError,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.providers import kannel, twilio_http
from tests.contracts.provider_ends import SECRETS, WORDS, FarEnd, Line, parcel

Respond = Callable[[socket.socket], None]


@contextmanager
def listening(respond: Respond) -> Iterator[str]:
    """A server on the loopback interface that handles each connection by ``respond``."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            respond(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def read_request(connection: socket.socket) -> bytes:
    """One whole request."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            raise EOFError
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    for name in head.split(b"\r\n"):
        if name.lower().startswith(b"content-length:"):
            while len(body) < int(name.split(b":")[1]):
                body += connection.recv(65536)
    return head + body


def answering(answer: bytes) -> Respond:
    """Send this answer to one request."""

    def respond(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    return respond


def failure(line: Line, url: str) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        line.adapter(url).send(parcel())
    return raised.value


def test_accepted_message_has_an_id(line: Line, far_end: FarEnd):
    far_end.answers(**line.yes)
    assert line.adapter(far_end.url).send(parcel()) in {"SM1", "5-abc"}


def test_request_is_never_repeated_by_the_adapter(line: Line, far_end: FarEnd):
    for answer in (429, 500, 503):
        far_end.answers(status=answer)
    for asked in (1, 2, 3):
        failure(line, far_end.url)
        assert len(far_end.calls) == asked


def test_refused_connection_is_temporary(line: Line):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        found = failure(line, f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert type(found) is TemporaryError
    assert line.name in found.detail


def test_unknown_host_is_temporary(line: Line, monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert type(failure(line, "http://nowhere.invalid")) is TemporaryError


def test_server_without_tls_is_temporary(line: Line):
    def plain(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(plain) as url:
        found = failure(line, url.replace("http://", "https://"))
    assert type(found) is TemporaryError


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n{",
        b"220 mail.example.org ESMTP\r\n",
    ],
    ids=["no answer", "incomplete", "SMTP"],
)
def test_connection_lost_after_the_request_has_an_unknown_outcome(line: Line, answer: bytes):
    with listening(answering(answer)) as url:
        assert type(failure(line, url)) is UnknownOutcomeError


def test_response_time_out_has_an_unknown_outcome(line: Line, monkeypatch: pytest.MonkeyPatch):
    for room in (twilio_http, kannel):
        monkeypatch.setattr(room, "TIMEOUTS_SECONDS", (1.0, 0.3))

    def late(connection: socket.socket) -> None:
        read_request(connection)
        time.sleep(0.8)

    with listening(late) as url:
        assert type(failure(line, url)) is UnknownOutcomeError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *[(status, TemporaryError) for status in (301, 302, 307, 401, 403, 404, 405, 429)],
        *[(status, UnknownOutcomeError) for status in (500, 502, 504)],
    ],
)
def test_http_error_is_classified_by_its_status(
    line: Line, far_end: FarEnd, status: int, kind: type[ProviderError]
):
    elsewhere = {"Location": "https://elsewhere.example.org/"}
    far_end.answers(status=status, body="<html>sorry</html>", headers=elsewhere)
    found = failure(line, far_end.url)
    assert type(found) is kind
    assert str(status) in found.detail
    assert len(far_end.calls) == 1, "no redirect is followed: the text is sent to no other host"


@pytest.mark.parametrize("status", [200, 204])
def test_unexpected_success_status_has_an_unknown_outcome(line: Line, far_end: FarEnd, status: int):
    far_end.answers(status=status, body="" if status == 204 else "OK")
    assert type(failure(line, far_end.url)) is UnknownOutcomeError


def test_sixteen_threads_each_get_their_own_answer(line: Line):
    """One adapter serves all threads of a worker; responses are slow and out of order."""

    def echo(connection: socket.socket) -> None:
        while True:
            try:
                received = read_request(connection)
            except (EOFError, ConnectionError):
                return
            mark = received[received.index(b"mark") :][:6]
            time.sleep(0.002 * (int(mark[4:]) % 5))
            connection.sendall(line.success(b'{"sid": "SM-%s"}' % mark, headers=b""))

    def send(turn: int) -> bool:
        mark = f"mark{turn % 100:02}"
        ident = adapter.send(parcel(mark, f"{WORDS} {mark}"))
        return ident == (f"SM-{mark}" if line.name == "twilio" else mark)

    with listening(echo) as url:
        adapter = line.adapter(url)
        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(send, range(96)))


@pytest.mark.parametrize("kind", ["refused", "cut", "answered", "taken"])
def test_logs_and_errors_have_no_secret_and_no_number(
    line: Line, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], kind: str
):
    def respond(connection: socket.socket) -> None:
        if kind != "refused":
            read_request(connection)
        if kind == "answered":
            connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}")
        if kind == "taken":
            connection.sendall(line.success(b'{"sid":"SM1"}'))

    caplog.set_level(logging.INFO)
    told = ""
    with listening(respond) as url:
        try:
            line.adapter("http://127.0.0.1:1" if kind == "refused" else url).send(parcel())
        except ProviderError as failed:
            told = "".join(traceback.format_exception(failed)) + repr(failed) + failed.detail
    told += caplog.text + "".join(capsys.readouterr())
    assert (told == "") == (kind == "taken")
    for secret in (*SECRETS, "13802880000", WORDS[:6]):
        assert secret not in told


def test_adapter_repr_has_no_secret(line: Line):
    adapter = line.adapter()
    assert not any(secret in repr(adapter) + str(adapter) for secret in SECRETS)


def test_constructor_opens_no_connection(line: Line, monkeypatch: pytest.MonkeyPatch):
    def spoken(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", spoken)
    line.adapter()


def test_invalid_recipient_is_permanent(line: Line, far_end: FarEnd):
    far_end.answers(status=400, json={"code": 21211, "message": "no phone"})
    assert type(failure(line, far_end.url)) is PermanentError
