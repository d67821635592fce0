"""An approval that is killed at any line leaves all of it or none."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

import pytest
import redis

from app.bootstrap import Container
from app.rulebook.proposals import file_text
from receipts.model.rule_books import ProposalKind
from receipts.model.staff import Role, StaffMember
from receipts.rulebook.loader import SHIPPED
from receipts.staff.books.proposals import BookProposals
from receipts.store.connection import RedisConnection, connected
from receipts.store.staff.book_store import RedisBookStore, text_key
from tests.support.fixtures import contents
from tests.support.product import until

AN, BO = StaffMember("an", Role.OPERATOR), StaffMember("bo", Role.OPERATOR)
SECOND = SHIPPED.read_bytes().replace(b'version = "invented-1"', b'version = "second"')

#: Files whose lines are counted: the service and all below it down to the socket.
_TRACED = ("staff/books/", "store/staff/book_store.py", "store/connection.py", "store/pipeline.py")


class Killed(BaseException):
    """The end of the process, as far as one process can be its own witness."""


def killed_at(line: int, act: Callable[[], object]) -> int:
    """Run until a number of lines; return the number of lines that were run."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal count
        if not any(part in frame.f_code.co_filename for part in _TRACED):
            return None
        count += event == "line"
        if count == line:
            raise Killed
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(Killed):
            act()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("act", ["propose", "approve"])
def test_act_killed_at_any_line_leaves_all_or_nothing(
    built: Container, store_url: str, raw: "redis.Redis", act: str
):
    none = whole = 0

    def killed(line: int) -> int:
        nonlocal none, whole
        raw.flushall()
        proposal = propose(built, store_url) if act == "approve" else None
        before, clients = contents(raw), len(raw.client_list())
        decide = partial(approve, proposal) if proposal else propose
        count = killed_at(line, partial(decide, built, store_url))
        # The server runs a command of a client that has gone before it takes leave of it.
        until(lambda: len(raw.client_list()) <= clients, why="the killed client to be gone")
        if contents(raw) == before:
            none += 1
        else:
            whole += 1
            check_all_of(act, built, raw)
        return count

    lines = killed(sys.maxsize)
    for line in (*range(1, lines - 70, 15), *range(lines - 70, lines + 1, 4)):
        killed(line)
    assert min(none, whole) > 3


@contextmanager
def desk_of(built: Container, store_url: str) -> Iterator[BookProposals]:
    """A process of its own: its connection ends with it, and no reply is left to be read."""
    connection = RedisConnection(connected(store_url))
    try:
        settings = built.settings
        books = RedisBookStore(connection)
        yield BookProposals(books, built.clock, lambda: file_text(settings))
    finally:
        connection.client.close()


def propose(built: Container, store_url: str) -> str:
    with desk_of(built, store_url) as desk:
        return desk.propose(SECOND, "x", ProposalKind.UPLOAD, AN, "why", "n1").id


def approve(proposal: str, built: Container, store_url: str) -> None:
    with desk_of(built, store_url) as desk:
        desk.approve(proposal, BO, "n2")


def check_all_of(act: str, built: Container, raw: "redis.Redis") -> None:
    (proposal,) = built.books.proposals(9)
    acts = [each for key in raw.scan_iter("{staff}:acts:*") for each in raw.xrange(key)]
    if act == "propose":
        assert (proposal.state, len(acts)) == ("waiting", 1)
        assert raw.get(text_key(proposal.id)) == b"1|" + SECOND
        assert raw.exists(text_key(proposal.base))
        return
    assert (proposal.state, len(acts)) == ("approved", 2)
    assert built.books.in_force().book == proposal.id
    assert len(built.books.history(9)) == 2
    assert raw.ttl(text_key(proposal.id)) == -1
