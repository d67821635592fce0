"""Rehearsals of a proposed rule book in the worker, step by step."""

import pytest
import redis

from app.bootstrap import Container
from app.rulebook.rehearsals import rehearsal_job
from app.storage.archive import archive_mover
from commands.usage_sources import from_store
from receipts.charging.simulation import simulate
from receipts.model.calendar import month_of
from receipts.model.rule_books import Rehearsal
from receipts.rulebook.loader import SHIPPED, parse_rule_book
from receipts.staff.books.rehearsals import comparisons
from receipts.staff.books.usage import usages_of
from receipts.store import bulk
from receipts.store.staff.book_store import text_key
from statemachines.receipt import ReceiptState
from tests.conftest import BEIJING, Network, TestClock
from tests.support.fixtures import FUJIAN, a_receipt, stand

NUMBERS = [f"+861380288{n:04}" for n in range(6)] + [f"+861397711{n:04}" for n in range(4)]
NOW = SHIPPED.read_text()
THEN = NOW.replace("monthly_fen = 100", "monthly_fen = 250", 1)


@pytest.fixture
def asked(
    built: Container, network: Network, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> Rehearsal:
    """A rehearsal of a month of ten customers, a few in each step."""
    monkeypatch.setattr(bulk, "_SCAN_COUNT", 2)
    for count, number in enumerate(NUMBERS):
        network.open(number)
        for index in range(count):
            network.status(f"SM{count:016x}{index:016x}", "delivered", number, BEIJING)
    raw.set(text_key("now"), b"1|" + NOW.encode())
    raw.set(text_key("then"), b"1|" + THEN.encode())
    now = built.clock.now()
    rehearsal = Rehearsal("then", "now", month_of(now), "an", now)
    assert built.books.save_rehearsal(rehearsal)
    return rehearsal


def finished(built: Container) -> Rehearsal:
    job = rehearsal_job(built)
    for _ in range(2000):
        job.step("w1")
        found = built.books.rehearsal("then")
        if found is not None and found.is_over:
            return found
    raise AssertionError("it has no end")


def test_rehearsal_gives_the_bills_of_the_command(built: Container, asked: Rehearsal):
    done = finished(built)
    assert done.revision > 5
    books = (parse_rule_book(text.encode(), "x") for text in (NOW, THEN))
    wanted = simulate(from_store(built, asked.month), asked.month, *books)
    assert comparisons(done) == wanted
    assert wanted["CN-GD"].more == 6
    assert done.holders == {"CN-GD": 6, "CN-GX": 4}
    assert (done.customers, done.passed, done.failed) == (10, 1.0, False)
    assert built.books.waiting_rehearsals() == []
    assert not rehearsal_job(built).step("w1")


def test_another_worker_resumes_at_the_checkpoint(
    built: Container, asked: Rehearsal, raw: "redis.Redis"
):
    job = rehearsal_job(built)
    for _ in range(5):
        assert job.step("w1")
    assert not rehearsal_job(built).step("w2")
    raw.delete("{staff}:rehearsing")  # its lease has ended
    assert rehearsal_job(built).step("w2")
    assert not job.step("w1")
    resumed = built.books.rehearsal("then")
    assert resumed is not None
    assert (resumed.revision, resumed.cursor != 0) == (7, True)
    raw.delete("{staff}:rehearsing")
    assert finished(built).customers == 10
    assert asked.revision == 1


def test_batch_of_a_worker_that_was_overtaken_counts_once(built: Container, asked: Rehearsal):
    slow = rehearsal_job(built)
    step = slow._advanced  # noqa: SLF001 - a worker between its read and its checkpoint
    late = step(asked)
    assert rehearsal_job(built).step("w1")
    assert not built.books.save_rehearsal(late)
    assert finished(built).customers == 10


def test_restarted_store_begins_the_count_again(
    built: Container, asked: Rehearsal, monkeypatch: pytest.MonkeyPatch
):
    del asked
    job = rehearsal_job(built)
    for _ in range(40):
        job.step("w1")
    archive = type(built.clients.bulk_reader)
    monkeypatch.setattr(archive, "server_run_id", lambda _: "another run")
    assert finished(built).customers == 10


def test_rehearsal_with_a_lost_book_fails_and_says_so(
    built: Container, asked: Rehearsal, raw: "redis.Redis"
):
    raw.delete(text_key(asked.base))
    done = finished(built)
    assert (done.failed, done.finished_at) == (True, None)
    assert built.books.waiting_rehearsals() == []


def test_rehearsal_that_cannot_go_on_makes_way_for_the_next(
    built: Container, asked: Rehearsal, monkeypatch: pytest.MonkeyPatch
):
    del asked
    monkeypatch.setattr("receipts.staff.books.rehearsals.simulate", lambda *_: 1 / 0)
    assert finished(built).failed
    assert built.books.waiting_rehearsals() == []


def test_usage_of_a_month_counts_its_archived_receipts(built: Container, clock: TestClock):
    customer, month = stand(built, FUJIAN, "active"), month_of(clock.now())
    made = [a_receipt(built, FUJIAN, seed=f"0{n}", state=ReceiptState.DELIVERED) for n in range(3)]
    clock.move(days=70)
    assert sum(archive_mover(built.clients, built.settings, clock).run()) == len(made)
    usages = usages_of([customer], month, built.history, built.clients.bulk_reader, built.policy)
    assert [usage.receipts for usage in usages] == [len(made)]
