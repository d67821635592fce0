"""HTTP client on libcurl: responses it accepts, reuse of connections, at most one request."""

import contextlib
import socket
import threading
import time

import pytest

from receipts.ports.provider import DeadlineExceededError
from receipts.providers import http
from receipts.providers.http import MAX_BODY_BYTES, ConnectError, CurlHttpClient, NoResponseError
from tests.contracts.test_providers import listening, read_request

OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nyes"
#: Time-outs in seconds, of the connection and of the response: generous, and too short.
PATIENCE, IMPATIENCE = (20.0, 20.0), (20.0, 0.3)


class Server:
    """Sends the same response to every request, and counts the connections."""

    def __init__(self, answer: bytes, *, asked_a_connection: int = 99) -> None:
        self.connections, self._answer, self._each = 0, answer, asked_a_connection
        self.heard: list[bytes] = []
        self.hung_up = threading.Semaphore(0)

    def __call__(self, connection: socket.socket) -> None:
        self.connections += 1
        with contextlib.suppress(EOFError, ConnectionResetError):
            for _ in range(self._each):
                self.heard.append(read_request(connection))
                connection.sendall(self._answer)
        connection.close()
        self.hung_up.release()


CHUNKED = b"HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "body", "connections"),
    [
        (OK, 202, b"yes", 1),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 202, b"yes", 1),
        (b"HTTP/1.1 202\r\nCONTENT-LENGTH:3\r\n\r\nyes", 202, b"yes", 1),
        (CHUNKED + b"1;x=y\r\ny\r\n2\r\nes\r\n0\r\nTrailer: a\r\n\r\n", 202, b"yes", 1),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n"), 202, b"yes", 3),
        (OK.replace(b"/1.1", b"/1.0"), 202, b"yes", 3),
        (OK + b"HTTP/1.1 500 Unasked\r\n\r\n", 202, b"yes", 3),
    ],
)
def test_a_complete_response_is_returned_and_its_connection_reused_where_allowed(
    answer: bytes, status: int, body: bytes, connections: int
):
    server = Server(answer)
    with listening(server) as url:
        client = CurlHttpClient(url, PATIENCE)
        assert [client.get("/a?b=c") for _ in range(3)] == [(status, body)] * 3
        assert server.connections == connections
        del client
    assert server.heard == [server.heard[0]] * 3
    assert server.heard[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")


def test_a_response_without_length_ends_with_its_connection():
    server = Server(b"HTTP/1.1 202 OK\r\n\r\nyes", asked_a_connection=1)
    with listening(server) as url:
        client = CurlHttpClient(url, PATIENCE)
        assert [client.get("/") for _ in range(2)] == [(202, b"yes")] * 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 202 Acc",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\n\r\nyes",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: -3\r\n\r\nyes",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 9999999999\r\n\r\nyes",
        b"HTTP/1.1 2020 Accepted\r\nContent-Length: 3\r\n\r\nyes",
        b"HTTP/2 202\r\nContent-Length: 3\r\n\r\nyes",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: gzip\r\n\r\nyes",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes and more",
        b"x" * (MAX_BODY_BYTES + 100_000),
        b"HTTP/1.1 202 OK\r\n\r\n" + b"x" * (MAX_BODY_BYTES + 100_000),
        CHUNKED + b"200000\r\n" + b"x" * 0x200000 + b"\r\n0\r\n\r\n",
    ],
    ids=lambda answer: answer[:60].decode(),
)
def test_incomplete_and_malformed_responses_are_no_response(answer: bytes):
    with listening(Server(answer, asked_a_connection=1)) as url, pytest.raises(NoResponseError):
        CurlHttpClient(url, PATIENCE).get("/")


def test_the_time_out_covers_the_whole_response():
    def drip(connection: socket.socket) -> None:
        read_request(connection)
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(b"H")
                time.sleep(0.05)

    with listening(drip) as url:
        asked_at = time.monotonic()
        with pytest.raises(NoResponseError):
            CurlHttpClient(url, IMPATIENCE).get("/")
        assert time.monotonic() - asked_at < 5


def test_a_connection_closed_by_the_server_is_not_written_to():
    server = Server(OK, asked_a_connection=1)
    with listening(server) as url:
        client = CurlHttpClient(url, PATIENCE)
        for _ in range(3):
            assert client.get("/") == (202, b"yes")
            assert server.hung_up.acquire(timeout=PATIENCE[0])
            time.sleep(0.02)  # until its farewell has arrived
    assert (server.connections, len(server.heard)) == (3, 3)


def test_a_request_is_not_repeated_when_the_server_closes_a_kept_connection_over_it():
    heard: list[bytes] = []

    def answer_one_and_read_another(connection: socket.socket) -> None:
        with contextlib.suppress(EOFError):
            heard.append(read_request(connection))
            connection.sendall(OK)
            heard.append(read_request(connection))

    with listening(answer_one_and_read_another) as url:
        client = CurlHttpClient(url, PATIENCE)
        client.get("/")
        with pytest.raises(NoResponseError):
            client.get("/")
        assert len(heard) == 2
        assert client.get("/") == (202, b"yes")


def test_a_connection_idle_for_too_long_is_not_reused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "MAX_IDLE_SECONDS", 1)
    server = Server(OK)
    with listening(server) as url:
        client = CurlHttpClient(url, PATIENCE)
        for idle_seconds in (0.1, 1.3, 0):
            client.get("/")
            time.sleep(idle_seconds)
        assert server.connections == 2
        del client


def test_a_connect_time_out_is_a_connect_error():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:  # more than its backlog: further ones are not let in
            each.setblocking(False)
            each.connect_ex(address)
        started_at = time.monotonic()
        with pytest.raises(ConnectError):
            CurlHttpClient(f"http://127.0.0.1:{address[1]}", (0.2, 5)).get("/")
        assert 0.1 < time.monotonic() - started_at < 4
        for each in waiting:
            each.close()


def test_a_late_request_is_not_sent_on_a_kept_connection_either():
    server = Server(OK)
    with listening(server) as url:
        client = CurlHttpClient(url, PATIENCE)
        client.get("/in-time", time.monotonic() + 60)
        with pytest.raises(DeadlineExceededError):
            client.get("/late", time.monotonic() - 0.001)
        client.get("/no-deadline")
        del client
    assert [heard.split()[1] for heard in server.heard] == [b"/in-time", b"/no-deadline"]


def test_user_info_proxies_and_cookies_are_not_used(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for name in ("http_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        server = Server(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))
        with listening(server) as url:
            client = CurlHttpClient(url.replace("://", "://user:pass@"), PATIENCE)
            assert [client.get("/a%2F/../b")[0] for _ in range(2)] == [202, 202]
            del client
    for heard in server.heard:
        assert heard.startswith(b"GET /a%2F/../b HTTP/1.1\r\n")
        head = heard.lower()
        assert not any(word in head for word in (b"authorization", b"user:", b"cookie"))


def test_an_ipv6_address_is_reached():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        answer = Server(OK, asked_a_connection=1)
        thread = threading.Thread(target=lambda: answer(server.accept()[0]))
        thread.start()
        url = f"http://[::1]:{server.getsockname()[1]}"
        assert CurlHttpClient(url, PATIENCE).get("/") == (202, b"yes")
        thread.join()


def test_other_protocols_are_refused():
    with pytest.raises(ConnectError):
        CurlHttpClient("file://", PATIENCE).get("/etc/hostname")


def test_the_end_of_a_thread_closes_its_connection():
    server = Server(OK)
    with listening(server) as url:
        client = CurlHttpClient(url, PATIENCE)
        thread = threading.Thread(target=client.get, args=("/",))
        thread.start()
        thread.join()
        assert server.hung_up.acquire(timeout=PATIENCE[0])
