"""No complete request is sent after its deadline, wherever a worker was held up."""

import socket
import threading
import time

import pytest
from msgspec.structs import replace

from receipts.ports.provider import DeadlineExceededError
from tests.contracts.provider_ends import Line, parcel
from tests.contracts.test_providers import answering, listening


def test_no_byte_is_sent_after_the_deadline(line: Line):
    heard: list[bytes] = []
    with listening(lambda connection: heard.append(connection.recv(1))) as url:
        with pytest.raises(DeadlineExceededError):
            line.adapter(url).send(replace(parcel(), deadline=time.monotonic() - 0.001))
        time.sleep(0.1)
    assert heard in ([], [b""])


def test_each_request_has_its_own_deadline(line: Line):
    with listening(answering(line.success(b'{"sid": "5-abc"}'))) as url:
        adapter = line.adapter(url)
        with pytest.raises(DeadlineExceededError):
            adapter.send(replace(parcel(), deadline=time.monotonic() - 1))
        assert adapter.send(replace(parcel(), deadline=time.monotonic() + 60)) == "5-abc"
        assert adapter.send(parcel()) == "5-abc"


def test_a_connection_made_after_the_deadline_carries_no_complete_request(line: Line):
    """A full backlog drops the first SYN; the second one, a second later, is accepted."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        waiting = socket.create_connection(address)

        def accept_late() -> None:
            time.sleep(0.5)
            server.accept()[0].close()
            connection, _ = server.accept()
            with connection:
                while more := connection.recv(65536):
                    heard.append(more)

        thread = threading.Thread(target=accept_late)
        thread.start()
        adapter = line.adapter(f"http://127.0.0.1:{address[1]}")
        with pytest.raises(DeadlineExceededError):
            adapter.send(replace(parcel(), deadline=time.monotonic() + 0.3))
        thread.join()
        waiting.close()
    head, _, body = b"".join(heard).partition(b"\r\n\r\n")
    assert body == b""
    assert (head == b"") == (line.name == "kannel")
