"""Files of the archive: form, order, index, rewriting, damage, and writers that are killed."""

import datetime as dt
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import fields, replace

from receipts.model.message import (
    FailureCause,
    MessageStatus,
    MessageTrace,
    PartStatus,
    ReportEvent,
)
from receipts.model.receipt import MessageKind, Receipt, SendStep
from receipts.model.reported_time import ReportedTime, StatusEvent, TimePrecision
from receipts.model.vocabulary import (
    DisplayMode,
    FailureReason,
    Language,
    Msisdn,
    ReceiptOutcome,
)
from receipts.store.archive.codec import (
    ArchivedPart,
    ArchivedReceipt,
    ArchivedReport,
    ArchivedStatus,
    ArchivedStep,
    ArchivedTime,
    ArchivedTrace,
    pack,
    unpack,
)
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.month_file import BLOCK, ArchiveFormatError, MonthFile
from receipts.store.archive.reader import DAMAGE
from statemachines.receipt import ReceiptEvent, ReceiptState
from tests.support.product import run_to_end

ROOT = Path(__file__).parents[3]
ANNA, BEN = Msisdn("+8613802880000"), Msisdn("+8613957112345")
START = dt.datetime(2026, 10, 1, 4, tzinfo=dt.UTC)


def receipt(index: int, number: Msisdn = ANNA, **but: object) -> Receipt:
    made = Receipt(
        f"a-{number[-4:]}{index:06}", number, f"text {index}", DisplayMode.FLASH, Language.ZH,
        START + dt.timedelta(minutes=index), version=3, state=ReceiptState.DELIVERED,
    )  # fmt: skip
    return replace(made, **but)


TRACE = MessageTrace(
    "", Msisdn(""), Msisdn(""), status=MessageStatus.FAILED, parts=2,
    part_statuses=(PartStatus(1, MessageStatus.FAILED, START, FailureCause.BARRED,
                              ReportedTime(START)),),
    history=(ReportEvent(START, "UNDELIV", None, "x"),), submitted=ReportedTime(START),
)  # fmt: skip
FULL = receipt(
    7,
    message_id="SM7", recipient=BEN, outcome=ReceiptOutcome.FAILED,
    failure=FailureReason.SWITCHED_OFF,
    provider="kannel", provider_id="p7", sent_as=DisplayMode.TEXT, attempts=2,
    requested_at=START, sent_at=START, done_at=START, tariff="GD-1", price_fen=10,
    free_receipts=5, charge_fen=10, note="late", history=(StatusEvent(START, "DELIVRD"),),
    promotion="news", members=("a-1", "a-2"), digest="a-3", refused_by=("twilio",),
    expires_at=START, dated_text="dated", text_sent=ReportedTime(START, TimePrecision.MINUTE),
    text_done=ReportedTime(START), trace="00-1-2", text_trace=TRACE,
    send_log=(SendStep(START, ReceiptEvent.TRY_LATER, "kannel", "busy", "zhang"),),
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> MonthFile:
    return ArchiveFolder(tmp_path).new_file("2026-10", 3)


def listed(file: MonthFile, number: Msisdn = ANNA) -> list[str]:
    return [r.id for block in file.blocks(number) for r in file.read(block.id)]


def test_a_receipt_with_every_field_comes_back_as_it_was():
    assert all(
        getattr(FULL, each.name) != each.default for each in fields(Receipt) if each.name != "kind"
    )
    assert unpack(pack([FULL, receipt(1)])) == [FULL, receipt(1)]


@pytest.mark.parametrize(
    ("own", "archived"),
    [(Receipt, ArchivedReceipt), (StatusEvent, ArchivedStatus), (SendStep, ArchivedStep),
     (ReportedTime, ArchivedTime), (ReportEvent, ArchivedReport), (PartStatus, ArchivedPart),
     (MessageTrace, ArchivedTrace)],
)  # fmt: skip
def test_the_archive_has_each_field_of_the_model(own: type, archived: type):
    assert [each.name for each in fields(archived)] == [each.name for each in fields(own)]


@pytest.mark.parametrize("kind", [MessageKind.CODE, MessageKind.RELAY])
def test_a_secret_text_never_enters_the_archive(kind: MessageKind):
    (found,) = unpack(pack([replace(FULL, kind=kind, text="123456", dated_text="123456")]))
    assert (found.text, found.dated_text, found.kind) == ("", None, kind)


def test_receipts_of_any_order_are_read_in_order_in_full_blocks(file: MonthFile):
    made = [receipt(index) for index in range(5 * BLOCK)]
    shuffled = random.Random(1).sample(made, len(made))
    for start in range(0, len(made), 37):
        file.add({ANNA: shuffled[start : start + 37], BEN: [receipt(start, BEN)]})
    assert listed(file) == [each.id for each in made]
    assert all(block.size <= BLOCK for block in file.blocks(ANNA))
    assert file.find([made[7].id, "a-other"]) == {made[7].id: made[7]}
    assert file.damage() == ""


def test_a_receipt_that_comes_again_stays_once_in_its_latest_version(file: MonthFile):
    file.add({ANNA: [receipt(1), receipt(2)]})
    later = receipt(1, version=4, note="late news")
    file.add({ANNA: [receipt(1, version=2, note="before"), receipt(2)]})
    assert file.find([later.id])[later.id] == receipt(1)
    file.add({ANNA: [later]})
    assert listed(file) == [receipt(1).id, receipt(2).id]
    assert file.find([later.id])[later.id] == later


def test_no_byte_of_an_erased_customer_is_left(file: MonthFile):
    dice = random.Random(2)
    for start in range(0, 600, 30):
        file.add({
            number: [receipt(start + n, number, text=dice.randbytes(9).hex()) for n in range(30)]
            for number in (ANNA, BEN)
        })  # fmt: skip
    with sqlite3.connect(file.path) as raw:
        blobs = [row[0] for row in raw.execute("SELECT data FROM block WHERE number = ?", [ANNA])]
    before = listed(file, BEN)
    file.rewrite_without([ANNA])
    left = b"".join(each.read_bytes() for each in file.path.parent.iterdir())
    assert blobs
    assert not any(blob[20:60] in left for blob in blobs)
    assert ANNA.digits.encode() not in left
    assert listed(file, BEN) == before
    assert file.damage() == ""
    file.rewrite_without([ANNA])
    assert listed(file, BEN) == before


def test_files_are_for_their_owner_alone(tmp_path: Path):
    folder = ArchiveFolder(tmp_path / "archive")
    folder.create()
    file = folder.new_file("2026-10", 3)
    file.add({ANNA: [receipt(1)]})
    file.rewrite_without([BEN])
    found = [folder.path, *folder.path.rglob("*")]
    assert {oct(each.stat().st_mode & 0o777) for each in found if each.is_file()} == {"0o600"}
    assert {oct(each.stat().st_mode & 0o777) for each in found if each.is_dir()} == {"0o700"}


def test_blocks_are_a_small_part_of_the_records(file: MonthFile):
    dice = random.Random(3)
    made = [receipt(
        n, id=f"a-{dice.randbytes(12).hex()}", message_id=f"SM{dice.randbytes(16).hex()}",
        text="您发给13957112345的短信已于12:00送达。", outcome=ReceiptOutcome.DELIVERED,
        recipient=BEN, provider="kannel", provider_id=dice.randbytes(8).hex(), tariff="GD-1",
        sent_at=START + dt.timedelta(minutes=n), done_at=START + dt.timedelta(minutes=n),
    ) for n in range(1000)]  # fmt: skip
    file.add({ANNA: made})
    assert file.path.stat().st_size < 140 * len(made)


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "later"])
def test_damage_is_named_and_never_read_as_nothing(file: MonthFile, damage: str):
    file.add({ANNA: [receipt(n, text=os.urandom(200).hex()) for n in range(400)]})
    raw = bytearray(file.path.read_bytes())
    if damage == "cut":
        file.path.write_bytes(raw[: len(raw) // 2])
    elif damage == "noise":
        raw[8192 * 3 : -8192] = os.urandom(len(raw) - 8192 * 4)
        file.path.write_bytes(raw)
    elif damage == "empty":
        file.path.write_bytes(b"")
    else:
        with sqlite3.connect(file.path) as later:
            later.execute("PRAGMA user_version = 99")
    with pytest.raises(DAMAGE):  # noqa: PT012 - either step may find it
        if len(listed(file)) != 400 or file.damage():
            raise ArchiveFormatError


WRITER = """
import sys
from pathlib import Path
from receipts.store.archive.month_file import MonthFile
from tests.receipts.store.test_archive_files import ANNA, receipt
file = MonthFile(Path(sys.argv[1]))
for index in range(100_000):
    file.add({ANNA: [receipt(2 * index), receipt(2 * index + 1)]})
    print(2 * index + 2, flush=True)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_loses_nothing_that_it_acknowledged(file: MonthFile, seed: int):
    words = [sys.executable, "-c", WRITER, str(file.path)]
    dice, acknowledged = random.Random(seed), 0
    for _ in range(3):
        with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) as writer:
            assert writer.stdout is not None
            acknowledged = max(acknowledged, int(writer.stdout.readline()))
            time.sleep(dice.random() / 10)
            writer.kill()
            acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
        # A writer may have committed one batch more than it could say.
        found = listed(file)
        assert found[:acknowledged] == [receipt(n).id for n in range(acknowledged)]
        assert len(found) in (acknowledged, acknowledged + 2)
        assert file.damage() == ""


def test_a_torn_last_write_is_rolled_back(file: MonthFile, tmp_path: Path):
    """The state of a power cut in the middle of a commit: half the pages, and the journal."""
    file.add({ANNA: [receipt(n) for n in range(300)]})
    before = file.path.read_bytes()
    torn = MonthFile(tmp_path / "torn.sqlite")
    with sqlite3.connect(file.path, isolation_level=None) as raw:
        raw.execute("PRAGMA journal_mode = TRUNCATE")
        raw.execute("PRAGMA cache_size = 1")
        raw.execute("BEGIN IMMEDIATE")
        raw.execute("UPDATE block SET data = randomblob(50000)")
        journal = file.path.with_name(file.path.name + "-journal").read_bytes()
        half = file.path.read_bytes()
    assert half != before
    assert journal
    torn.path.write_bytes(half)
    torn.path.with_name("torn.sqlite-journal").write_bytes(journal)
    assert listed(torn) == [receipt(n).id for n in range(300)]
    assert torn.damage() == ""


def test_a_full_disk_leaves_the_file_as_it_was(file: MonthFile):
    file.add({ANNA: [receipt(n) for n in range(200)]})
    script = (
        "import resource, signal, sys; from pathlib import Path;"
        "from receipts.store.archive.month_file import MonthFile;"
        "from tests.receipts.store.test_archive_files import ANNA, receipt;"
        "import os;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({file.path.stat().st_size + 4096},) * 2);"
        f"MonthFile(Path({str(file.path)!r})).add({{ANNA: [receipt(n, text=os.urandom(300).hex())"
        " for n in range(200, 900)]})"
    )
    done = run_to_end(sys.executable, "-c", script)
    assert done.returncode != 0
    assert "OperationalError" in done.stderr
    assert listed(file) == [receipt(n).id for n in range(200)]
    assert file.damage() == ""
