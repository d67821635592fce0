"""The wire to Kannel: what it reads, when it asks on an old connection, and when it never does."""

import socket
import threading
import time

import pytest

from receipts.providers import wire
from receipts.providers.wire import NoAnswer, NotReached, Wire
from tests.contracts.test_providers import hear, listening

OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nyes"
PATIENCE = (1.0, 0.3)


class Server:
    """Says the same to every question; remembers how many connections there were."""

    def __init__(self, answer: bytes, *, asked_a_connection: int = 99) -> None:
        self.connections, self._answer, self._each = 0, answer, asked_a_connection
        self.heard: list[bytes] = []
        self.hung_up = threading.Semaphore(0)

    def __call__(self, connection: socket.socket) -> None:
        self.connections += 1
        try:
            for _ in range(self._each):
                self.heard.append(hear_or_end(connection))
                connection.sendall(self._answer)
        except ConnectionResetError:
            return
        finally:
            connection.close()
            self.hung_up.release()


def hear_or_end(connection: socket.socket) -> bytes:
    if not connection.recv(1, socket.MSG_PEEK):
        raise ConnectionResetError
    return hear(connection)


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
def test_an_answer_is_read_whole_and_its_connection_kept_where_it_may_be(
    answer: bytes, status: int, body: bytes, connections: int
):
    server = Server(answer)
    with listening(server) as url:
        asking = Wire(url, PATIENCE)
        assert [asking.get("/a?b=c") for _ in range(3)] == [(status, body)] * 3
        assert server.connections == connections
        del asking
    assert server.heard == [server.heard[0]] * 3
    assert server.heard[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")


def test_an_answer_may_end_with_its_connection():
    server = Server(b"HTTP/1.1 202 OK\r\n\r\nyes", asked_a_connection=1)
    with listening(server) as url:
        asking = Wire(url, PATIENCE)
        assert [asking.get("/") for _ in range(2)] == [(202, b"yes")] * 2


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
        b"x" * (wire._LONGEST + 100_000),  # noqa: SLF001
    ],
    ids=lambda answer: answer[:60].decode(),
)
def test_half_an_answer_and_no_http_are_no_answer(answer: bytes):
    with listening(Server(answer, asked_a_connection=1)) as url, pytest.raises(NoAnswer):
        Wire(url, PATIENCE).get("/")


def test_an_answer_that_drips_is_not_waited_for_longer_than_one_that_hangs():
    def drip(connection: socket.socket) -> None:
        hear(connection)
        try:
            for _ in range(40):
                connection.sendall(b"H")
                time.sleep(0.05)
        except OSError:
            return

    with listening(drip) as url:
        asked_at = time.monotonic()
        with pytest.raises(NoAnswer):
            Wire(url, PATIENCE).get("/")
        assert time.monotonic() - asked_at < 1


def test_nothing_is_written_to_a_server_that_has_hung_up():
    """Such a question might have been read or not; asked anew, it is read once."""
    server = Server(OK, asked_a_connection=1)
    with listening(server) as url:
        asking = Wire(url, PATIENCE)
        for _ in range(3):
            assert asking.get("/") == (202, b"yes")
            assert server.hung_up.acquire(timeout=2)
            time.sleep(0.02)  # until its farewell has arrived
    assert (server.connections, len(server.heard)) == (3, 3)


def test_a_server_that_hangs_up_over_a_question_may_have_read_it():
    def take_one(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(OK)
        hear(connection)

    with listening(take_one) as url:
        asking = Wire(url, PATIENCE)
        asking.get("/")
        with pytest.raises(NoAnswer):
            asking.get("/")
        assert asking.get("/") == (202, b"yes"), "and the next question has a connection again"


def test_an_old_connection_is_not_used_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "_KEPT", 0.05)
    server = Server(OK)
    with listening(server) as url:
        asking = Wire(url, PATIENCE)
        asking.get("/")
        time.sleep(0.1)
        asking.get("/")
        assert server.connections == 2
        del asking


def test_who_does_not_let_us_in_in_time_was_not_reached(monkeypatch: pytest.MonkeyPatch):
    asked: list[float] = []

    def slow(_: object, timeout: float) -> None:
        asked.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", slow)
    with pytest.raises(NotReached):
        Wire("http://127.0.0.1:9", PATIENCE).get("/")
    assert asked == [1.0]


def test_a_thread_that_ends_hangs_up():
    server = Server(OK)
    with listening(server) as url:
        asking = Wire(url, PATIENCE)
        thread = threading.Thread(target=asking.get, args=("/",))
        thread.start()
        thread.join()
        assert server.hung_up.acquire(timeout=2)
