"""Receipts that move to the archive: none lost, none twice, in order, and erased when asked."""

import datetime as dt
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from app.storage.archive import archive_check, archive_mover
from app.storage.background import ArchiveThread
from receipts.delivery.receipt_search import ReceiptFilter, ReceiptSearch
from receipts.model.calendar import month_start, next_month
from receipts.model.message import MessageTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Timer
from receipts.rulebook.schema import SendingRules
from receipts.store.archive.copy import copy_archive
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.mover import ArchiveMissingError, ArchiveMover
from receipts.store.commit_script import CommitScript
from receipts.store.keys import KeySchema
from receipts.store.retention import RetentionSeconds
from receipts.store.sealed_text import TextSealer
from receipts.subscriptions.decision import FORGET, CustomerRequest
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock

ANNA, BEN = Msisdn(GUANGDONG), Msisdn(ZHEJIANG)
ROOT = Path(__file__).parents[3]
KEYS = KeySchema(16)
DAY = dt.timedelta(days=1)
_S = ReceiptState

Move = Callable[[], int]


@pytest.fixture
def folder(built: Container) -> ArchiveFolder:
    return ArchiveFolder(built.settings.archive_dir)


@pytest.fixture
def mover(built: Container) -> ArchiveMover:
    return archive_mover(built.clients, built.settings, built.clock)


@pytest.fixture
def move(mover: ArchiveMover) -> Move:
    return lambda: sum(mover.run())


def fill(
    built: Container, count: int, number: Msisdn = ANNA, seed: int = 1, **but: object
) -> list[Receipt]:
    """Receipts of the last 80 days in the store, newest first; most of them have ended."""
    dice, at = random.Random(f"{seed}{number}"), built.clock.now() - 80 * DAY
    made = []
    for index in range(count):
        at += dice.random() * 2 * 80 * DAY / count * 0.97
        at = min(at, built.clock.now())
        state = dice.choices((_S.DELIVERED, _S.EXPIRED, _S.SENT, _S.UNSURE), (80, 5, 10, 5))[0]
        made.append(
            Receipt(
                built.store.receipt_id(number, f"{seed:02}{index:06}"), number, f"text {index}",
                DisplayMode.FLASH, Language.ZH, at, version=1,
                kind=dice.choices((MessageKind.RECEIPT, MessageKind.NOTICE), (9, 1))[0],
                state=state, recipient=BEN,
            )
        )  # fmt: skip
    made = [replace(each, **but) for each in made]
    built.store.commit_all([ChangeSet(number, records=(each,)) for each in made])
    return sorted(made, key=lambda receipt: receipt.created_at, reverse=True)


def is_due(built: Container, receipt: Receipt) -> bool:
    old = receipt.created_at < built.clock.now() - 31 * DAY
    return old and receipt.state in (_S.DELIVERED, _S.EXPIRED)


def everything(built: Container, number: Msisdn = ANNA) -> list[Receipt]:
    return built.history.receipts_of(number, None, None).receipts


def test_ended_old_receipts_leave_the_store_and_read_the_same(built: Container, move: Move):
    listed, others = fill(built, 300), fill(built, 40, BEN)
    due = [each for each in (*listed, *others) if is_due(built, each)]
    assert move() == len(due) > 100
    assert move() == 0
    for number, expected in ((ANNA, listed), (BEN, others)):
        assert everything(built, number) == expected
        left = built.store.receipts_of(number, None, None)
        assert left == [each for each in expected if not is_due(built, each)]
        for skip, limit in ((0, 7), (40, 90), (len(expected) - 2, 5)):
            found = built.history.receipts_of(number, limit, None, skip)
            assert found.receipts == expected[skip : skip + limit]
    found = built.history.receipts([*(each.id for each in due[:9]), "a-0", "other"])
    assert found.by_id == {each.id: each for each in due[:9]}


@pytest.mark.parametrize("seed", range(3))
def test_pages_and_positions_stay_while_receipts_move(
    built: Container, move: Move, clock: TestClock, seed: int
):
    listed = [each for each in fill(built, 260, seed=seed) if each.kind is MessageKind.RECEIPT]
    search, shown, position = ReceiptSearch(built.history, SendingRules()), list[Receipt](), None
    while True:
        page = search.page(ANNA, ReceiptFilter(), position)
        shown += page.receipts
        position = page.older
        if position is None:
            break
        clock.move(days=1)
        move()
    assert shown == listed
    assert page.archived
    back: list[Receipt] = list(page.receipts)
    while page.newer is not None:
        page = search.newer_page(ANNA, ReceiptFilter(), page.newer)
        back = [each for each in page.receipts if each not in back] + back
    assert back == listed
    for each in listed[:: len(listed) // 5]:
        day = each.created_at.astimezone(dt.timezone(8 * dt.timedelta(hours=1))).date()
        assert each in search.page(ANNA, ReceiptFilter("", day)).receipts


def test_receipts_of_both_places_are_shown_once_and_mended(
    built: Container, raw: "redis.Redis", move: Move, monkeypatch: pytest.MonkeyPatch
):
    """A mover that ends before the store's part, and a restore of an older state."""
    listed = fill(built, 120)
    with monkeypatch.context() as patch:
        patch.setattr(ArchiveMover, "_take_from_store", lambda *_: 0)
        move()
    assert built.store.receipts_of(ANNA, None, None) == listed
    assert everything(built) == listed
    assert move() == len([each for each in listed if is_due(built, each)])
    # The store is as it was before one of them was delivered.
    old = next(each for each in listed[::-1] if is_due(built, each))
    built.store.commit(ChangeSet(ANNA, records=(replace(old, state=_S.SENT),)))
    raw.lrem(KEYS.receipts(ANNA), 1, KEYS.listed(old.id))
    raw.rpush(KEYS.receipts(ANNA), KEYS.listed(old.id))
    assert everything(built) == listed
    assert move() == 1
    assert built.store.receipts([old.id]) == [None]
    assert everything(built) == listed


def test_a_receipt_that_changes_meanwhile_stays(
    built: Container, move: Move, monkeypatch: pytest.MonkeyPatch
):
    (old,) = fill(built, 1, created_at=built.clock.now() - 40 * DAY, state=_S.EXPIRED)
    late = replace(old, state=_S.DELIVERED, version=2)
    original = ArchiveMover._archive  # noqa: SLF001 - the moment between its two steps

    def changed(self: ArchiveMover, *given: object) -> None:
        original(self, *given)  # type: ignore[arg-type]
        if built.store.receipts([old.id]) == [old]:
            built.store.commit(ChangeSet(ANNA, records=(late,)))

    monkeypatch.setattr(ArchiveMover, "_archive", changed)
    assert move() == 0
    assert built.store.receipts([old.id]) == [late]
    assert move() == 1
    assert everything(built) == [late]


MOVER = """
import datetime as dt, sys
from pathlib import Path
from receipts.store.archive.copy import copy_archive
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive import mover
from receipts.store.connection import RedisConnection, connected
from receipts.store.commit_script import CommitScript
from receipts.store.keys import KeySchema
from receipts.store.retention import RetentionSeconds
from receipts.store.sealed_text import TextSealer
from receipts.store.redis_store import RedisStore
mover._ENTRIES = 3
connection, keys = RedisConnection(connected(sys.argv[1])), KeySchema(16)
folder, now = ArchiveFolder(Path(sys.argv[2])), dt.datetime.fromisoformat(sys.argv[3])
print("begun", flush=True)
list(mover.ArchiveMover(connection, keys, RedisStore(connection, keys), folder, lambda: now).run())
"""


def test_killed_movers_lose_nothing_and_double_nothing(
    built: Container, folder: ArchiveFolder, move: Move, store_url: str
):
    listed, dice = fill(built, 400), random.Random(4)
    due = sum(is_due(built, each) for each in listed)
    words = [
        sys.executable,
        "-c",
        MOVER,
        store_url,
        str(folder.path),
        built.clock.now().isoformat(),
    ]
    partly = 0
    for _ in range(8):
        movers = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
        for each in movers:
            with each:
                assert each.stdout is not None
                each.stdout.readline()
                time.sleep(dice.random() / 8)
                each.send_signal(signal.SIGKILL)
        assert everything(built) == listed
        left = len(built.store.receipts_of(ANNA, None, None))
        partly += len(listed) - due < left < len(listed)
    assert partly
    move()
    assert everything(built) == listed
    assert len(built.store.receipts_of(ANNA, None, None)) == len(listed) - due


def test_a_missing_or_damaged_archive_is_told_and_the_store_is_shown(
    built: Container, folder: ArchiveFolder, move: Move
):
    listed = fill(built, 200)
    move()
    left = built.store.receipts_of(ANNA, None, None)
    shard = KEYS.shard(ANNA)
    months = folder.months(shard)
    path = folder.file(months[0], shard).path
    path.write_bytes(b"\x00" * 9000)
    found = built.history.receipts_of(ANNA, None, None)
    assert found.unreadable == (months[0],)
    expected = {each.id for each in listed if each in left or not in_month(each, months[0])}
    assert {each.id for each in found.receipts} == expected
    path.unlink()
    assert built.history.receipts_of(ANNA, None, None).unreadable == (months[0],)
    shutil.rmtree(folder.path)
    found = built.history.receipts_of(ANNA, None, None)
    assert (found.receipts, found.unreadable) == (left, tuple(months))
    with pytest.raises(ArchiveMissingError, match="is missing"):
        move()
    assert not folder.path.exists()


def in_month(receipt: Receipt, month: str) -> bool:
    china = receipt.created_at.astimezone(dt.timezone(8 * dt.timedelta(hours=1)))
    return f"{china:%Y-%m}" == month


def test_the_folder_of_another_store_is_refused_until_it_is_adopted(
    built: Container, folder: ArchiveFolder, mover: ArchiveMover, move: Move
):
    fill(built, 100)
    move()
    (folder.path / "ARCHIVE").write_text("other\n")
    with pytest.raises(ArchiveMissingError, match="another store"):
        move()
    assert built.history.receipts_of(ANNA, None, None).unreadable
    mover.start_anew()
    assert built.history.receipts_of(ANNA, None, None).unreadable == ()


def test_months_past_their_retention_are_deleted(
    built: Container, folder: ArchiveFolder, move: Move, clock: TestClock
):
    listed = fill(built, 100, state=_S.DELIVERED)
    move()
    months = folder.months()
    clock.move(days=186 - 70)
    oldest = clock.now() - 186 * DAY
    shown = [each for each in listed if each.created_at >= oldest]
    assert len(shown) < len(listed)
    assert everything(built) == shown
    move()
    ended = [each for each in months if next_month(month_start(each)) + 186 * DAY < clock.now()]
    assert folder.months()[0] == months[len(ended)]
    clock.move(days=40)
    move()
    assert months[0] not in folder.months()
    assert built.history.receipts_of(ANNA, None, None).unreadable == ()


REQUEST = CustomerRequest(Channel.COUNTER, Language.ZH, "forget", "asked", "root")


def forgettable(built: Container, number: Msisdn = ANNA) -> list[Receipt]:
    return fill(built, 150, number, state=_S.DELIVERED)


def test_erasure_reaches_the_archive(built: Container, folder: ArchiveFolder, move: Move):
    mine, others = forgettable(built), forgettable(built, BEN)
    move()
    archived = [each for each in mine if is_due(built, each)]
    assert len(built.personal_data.collect(ANNA).archived) == len(archived)
    erased = built.personal_data.forget(ANNA, REQUEST)
    assert erased.archived == len(archived) > 10
    assert everything(built) == []
    assert built.history.receipts([archived[0].id]).by_id == {}
    for path in folder.path.rglob("*.sqlite"):
        assert ANNA.digits.encode() not in path.read_bytes()
    assert everything(built, BEN) == others
    move()
    assert built.history.receipts_of(BEN, None, None).unreadable == ()


def test_an_interrupted_erasure_is_hidden_and_done_by_a_worker(
    built: Container, folder: ArchiveFolder, move: Move
):
    forgettable(built)
    move()
    away = folder.path.with_name("away")
    folder.path.rename(away)
    assert built.personal_data.forget(ANNA, REQUEST).archived is None
    away.rename(folder.path)
    assert everything(built) == []
    assert ANNA.digits.encode() in b"".join(p.read_bytes() for p in folder.path.rglob("*.sqlite"))
    ArchiveThread(built).step()
    assert not [p for p in folder.path.rglob("*.sqlite") if ANNA.digits.encode() in p.read_bytes()]


def test_workers_pass_the_store_each_hour_of_the_service(built: Container, clock: TestClock):
    listed = fill(built, 60)
    thread = ArchiveThread(built)
    thread.step()
    left = built.store.receipts_of(ANNA, None, None)
    assert len(left) < len(listed)
    clock.move(minutes=50)
    other = ArchiveThread(built)
    clock.move(days=20)
    other.step()
    assert len(built.store.receipts_of(ANNA, None, None)) < len(left)
    assert everything(built) == listed


def test_the_newest_page_of_many_archived_receipts_reads_few_blocks(
    built: Container, folder: ArchiveFolder, move: Move, monkeypatch: pytest.MonkeyPatch
):
    fill(built, 3_000, state=_S.DELIVERED)
    move()
    reads: list[int] = []
    original = folder.file("2026-10", 0).__class__.read
    monkeypatch.setattr(
        "receipts.store.archive.month_file.MonthFile.read",
        lambda self, block: reads.append(block) or original(self, block),
    )
    window = built.history.receipt_window(ANNA, 30)
    assert len(window.entries) == 30
    assert reads == []
    oldest_in_store = window.length - len(built.store.receipts_of(ANNA, None, None))
    built.history.receipt_window(ANNA, 30, oldest_in_store)
    assert 1 <= len(reads) <= 2


def test_all_keys_of_a_move_and_an_erasure_share_a_slot(built: Container):
    (old,) = fill(built, 1)
    trace = MessageTrace("SM1", ANNA, BEN)
    change = ChangeSet(ANNA, archived=(old,), kept_traces=((trace, 9),), erases_archive=True)
    script = CommitScript(KEYS, RetentionSeconds(), [change], TextSealer())
    assert {name.partition(":")[0] for name in script.names} == {f"{{s{KEYS.shard(ANNA)}}}"}
    assert len(script.names) >= 5


def test_a_report_that_comes_again_later_gives_no_second_receipt(
    network: Network, built: Container, move: Move, clock: TestClock
):
    network.open()
    network.status("SM1", "delivered")
    (receipt,) = built.store.receipts_of(ANNA, None, MessageKind.RECEIPT)
    assert receipt.text_trace
    ended = replace(receipt, version=receipt.version + 1, state=_S.DELIVERED)
    built.store.commit(ChangeSet(ANNA, records=(ended,)))
    clock.move(days=32)
    move()
    assert built.store.receipts([receipt.id]) == [None]
    assert built.history.receipts([receipt.id]).by_id == {receipt.id: ended}
    network.status("SM1", "delivered")
    found = built.history.receipts_of(ANNA, None, MessageKind.RECEIPT)
    assert [each.id for each in found.receipts] == [receipt.id]


def checked(built: Container) -> dict[str, str]:
    check = archive_check(built.settings, built.clients.connection)
    return {each.kind: each.key for each in check.findings()}


def test_each_damage_of_the_archive_is_found(built: Container, folder: ArchiveFolder, move: Move):
    assert checked(built) == {}
    fill(built, 200)
    move()
    assert checked(built) == {}
    shard = KEYS.shard(ANNA)
    month = folder.months(shard)[0]
    path, where = folder.file(month, shard).path, f"archive {month} s{shard}"
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    assert checked(built) == {"archive_damaged": where}
    folder.file(month, shard).path.write_bytes(whole)
    assert checked(built) == {}
    folder.file(month, shard).rewrite_without([ANNA])
    assert checked(built) == {"archive_incomplete": where}
    path.unlink()
    assert checked(built) == {"archive_incomplete": where}
    assert archive_check(built.settings, built.clients.connection).missing() == [where]
    shutil.rmtree(folder.path)
    assert checked(built) == {"archive_missing": str(folder.path)}


def test_a_copy_takes_over_changes_and_erasures_alone(
    built: Container, folder: ArchiveFolder, move: Move, tmp_path: Path
):
    forgettable(built)
    forgettable(built, BEN)
    move()
    copy = ArchiveFolder(tmp_path / "copy")
    files = list(folder.path.rglob("*.sqlite"))
    assert copy_archive(folder, copy) == len(files) > 2
    assert copy_archive(folder, copy) == 0
    assert copy.name() == folder.name()
    built.personal_data.forget(ANNA, REQUEST)
    assert 0 < copy_archive(folder, copy) < len(files)
    for each in copy.path.rglob("*.sqlite"):
        assert ANNA.digits.encode() not in each.read_bytes()
    shutil.rmtree(folder.path)
    copy.path.rename(folder.path)
    assert checked(built) == {}
    assert len(everything(built, BEN)) == 150


def test_a_record_that_ends_by_itself_leaves_the_archive_too(
    built: Container, folder: ArchiveFolder, move: Move, clock: TestClock
):
    forgettable(built)
    before = built.store.load(ANNA).subscription
    left = replace(before, version=before.version + 1, left_at=clock.now())
    due = Timer(FORGET, ANNA, "", clock.now() + 186 * DAY)
    built.store.commit(ChangeSet(ANNA, records=(left,), timers=(due,)))
    clock.move(days=60)
    move()
    clock.move(days=130)
    timers = built.timer_service()
    for each in timers.due_timers(100):
        timers.fire(each)
    assert everything(built) == []
    ArchiveThread(built).step()
    assert not [p for p in folder.path.rglob("*.sqlite") if ANNA.digits.encode() in p.read_bytes()]
    assert checked(built) == {}
