"""What may no longer leave does not: a worker that was stopped may go on at any line."""

import time

import pytest
from msgspec.structs import replace

from receipts.lines import TooLate
from tests.contracts.lines import Line, parcel
from tests.contracts.test_providers import hear, listening


def test_nothing_of_a_text_leaves_after_its_time(line: Line):
    heard: list[bytes] = []
    with listening(lambda connection: heard.append(connection.recv(1))) as url:
        with pytest.raises(TooLate):
            line.adapter(url).send(replace(parcel(), by=time.monotonic() - 0.001))
        time.sleep(0.1)
    assert heard in ([], [b""])


def test_in_time_it_leaves_and_the_next_one_has_a_time_of_its_own(line: Line):
    def answer(connection: object) -> None:
        hear(connection)
        status = b"202 Accepted" if line.name == "kannel" else b"201 Created"
        body = b'{"sid": "5-abc"}'
        connection.sendall(
            b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (status, len(body), body)
        )

    with listening(answer) as url:
        adapter = line.adapter(url)
        with pytest.raises(TooLate):
            adapter.send(replace(parcel(), by=time.monotonic() - 1))
        assert adapter.send(replace(parcel(), by=time.monotonic() + 60)) == "5-abc"
        assert adapter.send(parcel()) == "5-abc"
