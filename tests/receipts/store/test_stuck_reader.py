"""Lists of receipts that are stuck: due too long, in doubt, failed by code."""

import datetime as dt

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.ports.changes import ChangeSet, Deferred
from receipts.ports.provider import PermanentError, TemporaryError, UnknownOutcomeError
from receipts.store.commit_script import FAILURES_KEPT
from receipts.store.stuck.reader import RedisStuckReader
from tests.conftest import TestClock
from tests.receipts.delivery.conftest import accept, fail
from tests.support.sending import ANNA, Desk

AGE = dt.timedelta(seconds=15)
NAMES = ("courier", "flasher")


@pytest.fixture
def reader(built: Container) -> RedisStuckReader:
    return built.clients.stuck


def due(reader: RedisStuckReader, clock: TestClock, skip: int = 0, limit: int = 50) -> list[str]:
    return [each.receipt_id for each in reader.due(NAMES, clock, AGE, skip, limit).receipts]


def test_receipt_that_waits_for_another_attempt_is_due_too_long_after_its_age(
    reader: RedisStuckReader, desk: Desk, clock: TestClock
):
    receipt = desk.post()
    fail(desk, receipt, TemporaryError("courier 503"))
    assert due(reader, clock) == []
    clock.move(seconds=16)
    assert due(reader, clock) == [receipt.id]
    (timer,) = desk.timers()
    desk.settle(desk.delivery.requeue(desk.now(receipt), timer))
    accept(desk, receipt)
    assert due(reader, clock) == []


def test_receipt_that_waits_for_a_provider_is_listed_with_it(
    reader: RedisStuckReader, desk: Desk, clock: TestClock
):
    receipt = desk.post()
    entry = desk.take()
    desk.settle(desk.delivery.defer(desk.now(receipt), entry, "courier"))
    clock.move(minutes=5)
    page = reader.due(NAMES, clock, AGE, 0, 10)
    assert page.count == 1
    (found,) = page.receipts
    assert (found.receipt_id, found.provider) == (receipt.id, "courier")
    assert found.at == receipt.created_at


def test_receipt_in_the_outbox_is_due_too_long_by_the_servers_clock(
    reader: RedisStuckReader, desk: Desk, clock: TestClock
):
    receipt = desk.post()
    assert due(reader, clock) == []
    page = reader.due(NAMES, clock, -AGE, 0, 10)
    assert (page.count, [each.receipt_id for each in page.receipts]) == (1, [receipt.id])


def test_receipt_in_two_lists_counts_once(reader: RedisStuckReader, desk: Desk, clock: TestClock):
    receipt = fail(desk, desk.post(), TemporaryError("courier 503"))
    moved = Deferred(receipt.id, receipt.version, "courier", receipt.created_at)
    desk.settle(ChangeSet(ANNA, deferred=(moved,)))
    clock.move(seconds=20)
    page = reader.due(NAMES, clock, AGE, 0, 10)
    assert (page.count, len(page.receipts)) == (1, 1)


def test_pages_of_due_receipts_go_on_where_the_last_one_ended(
    reader: RedisStuckReader, desk: Desk, clock: TestClock
):
    posted = []
    for _ in range(7):
        receipt = desk.post()
        posted.append(receipt.id)
        desk.settle(desk.delivery.defer(receipt, desk.take(), "courier"))
        clock.move(seconds=1)
    clock.move(minutes=1)
    pages = [due(reader, clock, skip, 3) for skip in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [name for page in pages for name in page] == posted


def test_receipts_in_doubt_come_oldest_first_in_pages(reader: RedisStuckReader, desk: Desk):
    posted = []
    for _ in range(5):
        receipt = desk.post()
        fail(desk, receipt, UnknownOutcomeError("no answer"))
        posted.append(receipt.id)
    first, second = reader.unsure(0, 3), reader.unsure(3, 3)
    assert (first.count, second.count) == (5, 5)
    found = [each.receipt_id for page in (first, second) for each in page.receipts]
    assert found == posted


def test_failed_receipts_are_listed_with_provider_and_code_newest_first(
    reader: RedisStuckReader, built: Container, desk: Desk, clock: TestClock
):
    lifecycle = built.lifecycle
    for text in ("twilio 400/21211", "twilio 400/21610"):
        receipt = desk.post()
        entry = desk.begin(receipt)
        now = desk.now(receipt)
        named = replace(now, version=now.version + 1, provider="twilio")
        desk.settle(ChangeSet(ANNA, records=(named,)))
        desk.settle(lifecycle.failed(named, PermanentError(text), entry))
        clock.move(seconds=1)
    assert [(f.provider, f.code) for f in reader.failed()] == [
        ("twilio", "21610"), ("twilio", "21211"),
    ]  # fmt: skip


def test_list_of_failures_is_bounded(reader: RedisStuckReader, desk: Desk):
    for _ in range(FAILURES_KEPT + 5):
        fail(desk, desk.post(), PermanentError("opted out"))
    assert len(reader.failed()) == FAILURES_KEPT
