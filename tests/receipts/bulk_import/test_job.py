"""Imports of customers and ported numbers by command."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from app.settings import Settings
from receipts.bulk_import import job, rejects
from receipts.bulk_import.csv_reader import CsvFile
from receipts.bulk_import.job import BATCH, ImportJob, ImportProgress
from receipts.bulk_import.rows import CUSTOMERS, CustomerRow
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn, Network
from receipts.ports.changes import ChangeSet, CommitResult
from receipts.store.bulk import RedisBulkReader
from receipts.store.redis_store import RedisStore
from tests.conftest import GUANGDONG, ZHEJIANG
from tests.conftest import Network as Caller
from tests.receipts.bulk_import.conftest import Desk
from tests.support.product import until

ROOT = Path(__file__).parents[3]
SLOW_HASH = "scrypt:32768:8:1$abcdefgh12345678$" + "0123456789abcdef" * 8


def many(count: int) -> str:
    rows = (f"138{place:08},china_mobile,CN-GD\n" for place in range(count))
    return "number,network,province\n" + "".join(rows)


def test_customer_list_records_network_and_province(desk: Desk):
    done = desk.customers("13802880000,china_mobile,CN-ZJ", "13001012345,中国移动,")
    assert done.exit_code == 0
    assert "2 lines: 2 changed, 0 unchanged, 0 rejected; no errors" in done.output
    first = desk.of(GUANGDONG)
    assert (first.network, first.province, first.source) == ("china_mobile", "CN-ZJ", "record")
    assert desk.shown(GUANGDONG)["province"] == "CN-ZJ"
    assert desk.of("+8613001012345").network is Network.CHINA_MOBILE


def test_empty_province_records_the_network_only(desk: Desk):
    desk.customers("13802880000,china_mobile,CN-ZJ", name="a.csv")
    desk.customers("13802880000,china_mobile,", name="b.csv")
    assert desk.of(GUANGDONG).province == "CN-ZJ"


def test_repeated_list_changes_nothing_even_afresh(desk: Desk):
    desk.customers("13802880000,china_mobile,CN-ZJ")
    version = desk.of(GUANGDONG).version
    again = desk.run("customers", "import", desk.folder / "list.csv")
    assert again.exit_code == 0
    assert "already imported; use --afresh" in again.output
    afresh = desk.run("customers", "import", desk.folder / "list.csv", "--afresh")
    assert "1 lines: 0 changed, 1 unchanged" in afresh.output
    assert desk.of(GUANGDONG).version == version


def test_number_listed_twice_gets_the_last_line(desk: Desk):
    done = desk.customers(
        "13802880000,china_mobile,CN-GD",
        "13802880000,china_mobile,CN-GD",
        "13802880000,china_mobile,CN-ZJ",
        "138 0288 0000,china_mobile,CN-FJ",
    )
    assert "4 lines: 3 changed, 1 unchanged" in done.output
    assert desk.of(GUANGDONG).province == "CN-FJ"


def test_digests_are_kept_by_a_later_list_without_them(desk: Desk):
    header = "number,network,password_digest,id_digest"
    desk.take("customers", header, f"13802880000,cmcc,{SLOW_HASH},", name="a.csv")
    desk.take("customers", header, f"13802880000,cmcc,,{SLOW_HASH}", name="b.csv")
    desk.take("customers", header, "13802880000,cmcc,,", name="c.csv")
    number = Msisdn(GUANGDONG)
    owner = desk.built.clients.bulk_reader.credentials([number])[number]
    assert (owner.password_digest, owner.id_digest) == (SLOW_HASH, SLOW_HASH)
    assert SLOW_HASH not in repr(owner)
    assert SLOW_HASH not in repr(desk.of(GUANGDONG))


def test_plain_password_is_refused_and_never_stored(desk: Desk):
    done = desk.take("customers", "number,network,password_digest", "13802880000,cmcc,123456")
    assert done.exit_code == 1
    assert "123456" not in done.output
    assert "123456" not in "".join(desk.refused())
    assert desk.refused()[0].startswith("list.csv:2: password_digest holds a plain password")
    assert desk.of(GUANGDONG).version == 0


@pytest.mark.parametrize("kind", ["ported", "customers"])
def test_ported_out_number_loses_the_service_with_a_notice(desk: Desk, network: Caller, kind: str):
    network.open(GUANGDONG)
    done = desk.take(kind, "number,network", "13802880000,china_unicom")
    assert done.exit_code == 0
    left = desk.of(GUANGDONG)
    assert (left.state, left.network, left.ends_at) == ("none", Network.CHINA_UNICOM, None)
    assert left.source == {"ported": "ported", "customers": "record"}[kind]
    told = desk.notices(GUANGDONG)
    assert ["已转出中国移动" in notice.text for notice in told] == [True]
    assert told[0].state == "due"
    # The fee of the month is charged once.
    assert [charge.fen for charge in desk.built.account.charges(left.number)] == [100]


def test_ported_out_number_with_an_open_offer_is_not_told_of_a_service(desk: Desk, network: Caller):
    network.text(GUANGDONG, "开通短信回执")
    desk.ported("13802880000,china_unicom")
    assert (desk.of(GUANGDONG).state, desk.of(GUANGDONG).order) == ("none", None)
    (notice,) = desk.notices(GUANGDONG)
    assert notice.text == "您的号码已转出中国移动，短信回执开通申请已失效，未收费。"
    assert desk.built.account.charges(desk.of(GUANGDONG).number) == []


def test_repeated_porting_sends_one_notice(desk: Desk, network: Caller):
    network.open(GUANGDONG)
    for name in ("a.csv", "b.csv"):
        desk.ported("13802880000,china_unicom", name=name)
    desk.run("ported", "import", desk.folder / "a.csv", "--afresh")
    assert len(desk.notices(GUANGDONG)) == 1


def test_returned_number_may_subscribe_again(desk: Desk, network: Caller):
    network.open(GUANGDONG)
    desk.ported("13802880000,china_unicom", name="left.csv")
    desk.ported("13802880000,china_mobile", name="back.csv")
    network.open(GUANGDONG)
    assert desk.of(GUANGDONG).state == "active"
    desk.run("ported", "import", desk.folder / "left.csv")
    desk.run("ported", "import", desk.folder / "left.csv", "--afresh")
    assert desk.of(GUANGDONG).state == "active"
    assert len(desk.notices(GUANGDONG)) == 1


def test_porting_is_audited_with_file_and_line(desk: Desk, network: Caller):
    network.open(GUANGDONG)
    desk.ported("13957112345,china_mobile", "13802880000,china_telecom", name="nov.csv")
    last = desk.built.clients.bulk_reader.consent(Msisdn(GUANGDONG))[-1]
    assert (last.event, last.state_before, last.state_after) == ("list:nov.csv:3", "active", "none")
    assert "已转出中国移动" in last.shown_text


def test_refused_lines_are_written_to_the_reject_file(desk: Desk):
    done = desk.customers(
        "13802880000,china_mobile,CN-GD",
        "nobody,china_mobile,",
        "13957112345,china_mobile,CN-XX",
        "13957112345,",
        "13957112345,china_mobile,CN-ZJ",
    )
    assert done.exit_code == 1
    assert "5 lines: 2 changed, 0 unchanged, 3 rejected; see" in done.output
    assert [line.split(" — ")[0] for line in desk.refused()] == [
        "list.csv:3: number 'nobody' is not a mainland mobile number",
        "list.csv:4: province CN-XX has no name in the rule book",
        "list.csv:5: 2 fields instead of 3",
    ]
    assert (desk.folder / "list.csv.errors").stat().st_mode & 0o777 == 0o600
    again = desk.run("customers", "import", desk.folder / "list.csv")
    assert (again.exit_code, len(desk.refused())) == (1, 3)


def test_corrected_list_removes_the_reject_file(desk: Desk):
    desk.customers("nobody,china_mobile,")
    assert desk.customers("13802880000,china_mobile,").exit_code == 0
    assert desk.refused() == []


def test_reject_file_is_limited_but_the_count_is_not(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rejects, "MOST_WRITTEN", 5)
    monkeypatch.setattr(job, "BATCH", 2)
    done = desk.customers(*("x,china_mobile," for _ in range(20)))
    assert "20 rejected" in done.output
    assert len(desk.refused()) == 6
    assert "more lines were rejected than the 5 listed here" in desk.refused()[-1]
    assert "list.csv.errors for 5 of 20; fix these and import the list again" in done.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "columns “number” and “network” are missing"),
        (b"number\n1\n", "column “network” is missing"),
    ],
)
def test_unreadable_list_exits_with_2(desk: Desk, content: bytes, said: str):
    done = desk.run("customers", "import", desk.file("list.csv", content))
    assert done.exit_code == 2
    assert said in done.output
    assert desk.run("customers", "import", desk.folder / "none.csv").exit_code == 2


def test_list_that_a_spreadsheet_rewrote_changes_nothing(desk: Desk):
    done = desk.customers("13802880000,china_mobile,", "1.38029E+10,china_mobile,")
    assert done.exit_code == 2
    assert "list.csv:3: number '1.38029E+10' lost its digits in a spreadsheet" in done.output
    assert (desk.refused(), desk.of("+8613802880000").version) == ([], 0)
    dates = desk.collections("13802880000,26-Nov,paid", "13802880001,26-Nov,paid")
    assert dates.exit_code == 2
    assert dates.output.count("26-Nov") == 1
    assert desk.refused() == []


def test_empty_list_is_accepted(desk: Desk):
    assert "0 lines: 0 changed" in desk.customers().output


def job_of(desk: Desk, count: int) -> ImportJob:
    """An import of so many customers."""
    file, built = CsvFile(desk.file("big.csv", many(count)), CUSTOMERS), desk.built
    return ImportJob(file, built.import_handler, built.store, built.clients.bulk_reader)


def test_import_needs_bounded_memory(desk: Desk):
    taking = job_of(desk, 20_000)
    alive: list[int] = []
    gc.freeze()  # excludes earlier objects from the count
    try:
        for progress in taking.run(None):
            gc.collect()
            alive.append(sum(isinstance(held, CustomerRow) for held in gc.get_objects()))
            changed = progress.changed
    finally:
        gc.unfreeze()
    assert changed == 20_000
    assert len(alive) >= 20
    assert 0 < max(alive) <= 2 * BATCH


def test_thousand_lines_cost_three_round_trips(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    job_ = job_of(desk, 5000)
    server, asked = desk.built.clients.connection, []
    ask = server.run
    monkeypatch.setattr(server, "run", lambda *about: asked.append(1) or ask(*about))
    assert [progress.lines for progress in job_.run(None)][-1] == 5000
    assert len(asked) <= 3 * 5 + 1


def test_interrupted_import_resumes(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(job, "BATCH", 10)
    lines = [f"138{place:08},china_mobile,CN-GD" for place in range(45)]
    lines[3] = lines[31] = "x,china_mobile,"
    commit, left = RedisStore.commit_all, [2]

    def breaking(self: RedisStore, changes: Sequence[ChangeSet]) -> list[CommitResult]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return commit(self, changes)

    monkeypatch.setattr(RedisStore, "commit_all", breaking)
    assert desk.customers(*lines).exit_code == 1
    assert len(desk.refused()) == 1
    monkeypatch.setattr(RedisStore, "commit_all", commit)
    done = desk.run("customers", "import", desk.folder / "list.csv")
    assert "resuming after line 2" in done.output
    assert "45 lines: 43 changed, 0 unchanged, 2 rejected" in done.output
    assert [line.split(":")[1] for line in desk.refused()] == ["5", "33"]


def test_concurrent_change_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch, network: Caller):
    look, rivals = RedisBulkReader.subscriptions, [1]

    def raced(self: RedisBulkReader, numbers: Sequence[Msisdn]) -> list[Subscription]:
        found = look(self, numbers)
        if rivals:
            rivals.pop()
            network.open(GUANGDONG)
        return found

    monkeypatch.setattr(RedisBulkReader, "subscriptions", raced)
    desk.customers("13802880000,china_mobile,CN-GD", "13957112345,china_mobile,CN-ZJ")
    both = desk.of(GUANGDONG)
    assert (both.state, both.source) == ("active", "record")
    assert desk.of(ZHEJIANG).source == "record"


@pytest.mark.faults
def test_killed_import_is_finished_by_the_next(desk: Desk, settings: Settings):
    count = 8_000
    content = many(count).replace("13800000007,", "nobody,").replace("13800007990,", "nobody,")
    path = desk.file("big.csv", content)
    environ = os.environ | {"REDIS_URL": settings.redis_url, "DATA_DIR": str(desk.folder)}
    words = (sys.executable, "-m", "commands.main", "customers", "import", str(path))
    child = subprocess.Popen(words, cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
    name = f"import:customers:{CsvFile(path, CUSTOMERS).contents}"
    archive = desk.built.clients.bulk_reader
    until(lambda: archive.checkpoint(name), why="a first batch to be on disk")
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    before = msgspec.json.decode(archive.checkpoint(name) or "", type=ImportProgress)
    assert not before.done
    assert 0 < before.lines < count
    done = desk.run("customers", "import", path)
    assert done.exit_code == 1
    assert f"{count} lines" in done.output
    assert [line.split(":")[1] for line in desk.refused("big.csv")] == ["9", "7992"]
    numbers = [Msisdn(f"+86138{place:08}") for place in range(0, count, 7) if place != 7]
    assert {each.version for each in archive.subscriptions(numbers)} == {1}
