"""Output of the command line, with every key that other programs read."""

import datetime as dt
from pathlib import Path

import pytest

from app.clock import clock_notice
from statemachines.diagrams import TABLES
from tests.support.phones import Phones
from tests.support.product import Service, answers, command, until

FRIEND = "13957112345"
README = Path(__file__).parents[2] / "README.md"

SHOWN = (
    "number", "province", "state", "mode", "language", "opened_at", "ends_at", "channel", "fees",
    "messages",
)  # fmt: skip
RECEIPT = (
    "id", "message_id", "to", "outcome", "mode", "provider", "state", "text", "created_at",
    "sent_at", "done_at", "attempts", "charge_fen",
)  # fmt: skip
CHARGE = ("id", "kind", "fen", "month", "why", "at", "tariff")


def test_show_prints_one_object_with_every_key(service: Service, phones: Phones):
    number = phones.fresh("CN-GD").opens().number
    shown = service.shows(number)
    assert tuple(shown)[: len(SHOWN)] == SHOWN
    expected = {
        "number": f"+86{number}", "province": "CN-GD", "network": "china_mobile",
        "source": "prefix", "state": "active", "mode": "flash", "language": "zh",
        "channel": "text", "ends_at": None,
    }  # fmt: skip
    assert expected.items() <= shown.items()
    assert dt.datetime.fromisoformat(shown["opened_at"]).tzinfo is not None
    assert shown["fees"]["monthly_fen"] == 100


@pytest.mark.parametrize("spelling", ["13802887777", "+8613802887777", "0086 138 0288 7777"])
def test_show_accepts_each_spelling_of_a_number(service: Service, spelling: str):
    shown = service.shows(spelling)
    assert (shown["number"], shown["state"]) == ("+8613802887777", "none")


def test_receipts_are_lines_newest_first_with_every_key(service: Service, phones: Phones):
    phone = phones.fresh("CN-GD").opens()
    ids = []
    for words in ("one", "two", "three"):
        ids.append(phone.text(FRIEND, words))
        phone.flash()
    receipts = service.lines("receipts", phone.number)
    assert [receipt["message_id"] for receipt in receipts] == ids[::-1]
    for receipt in receipts:
        assert set(RECEIPT) <= set(receipt)
        assert receipt["to"] == f"+86{FRIEND}"
        assert (receipt["outcome"], receipt["mode"]) == ("delivered", "flash")
        assert (receipt["provider"], receipt["attempts"]) == ("kannel", 1)
        assert receipt["created_at"] <= receipt["sent_at"]
    newest = service.lines("receipts", phone.number, "--limit", "1")
    assert [receipt["message_id"] for receipt in newest] == ids[-1:]


def test_charges_are_lines_with_every_key(service: Service, phones: Phones):
    number = phones.fresh("CN-GD").opens().number
    (charge,) = service.lines("charges", number)
    assert tuple(charge) == CHARGE
    assert (charge["kind"], charge["fen"], charge["tariff"]) == ("monthly", 100, "GD-1")
    month = charge["month"]
    assert service.lines("charges", number, "--month", month) == [charge]
    assert service.lines("charges", number, "--month", "2001-01") == []


def test_states_prints_every_table_as_mermaid(tmp_path: object):
    page = command("states", DATA_DIR=str(tmp_path)).stdout
    assert page.count("stateDiagram") == len(TABLES)
    assert all(table in page for table in ("receipt", "subscription", "call", "keyword"))


def test_clock_is_refused_unless_movable(tmp_path: object):
    done = command("clock", "+48h", DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "CLOCK=movable" in done.stderr


@pytest.mark.parametrize(("move", "hours"), [("+48h", 48), ("-1h", -1), ("+2d", 48), ("+90m", 1.5)])
def test_movable_clock_moves_by_a_step(tmp_path: object, move: str, hours: float):
    done = command("clock", move, DATA_DIR=str(tmp_path), CLOCK="movable")
    assert done.returncode == 0, done.stderr
    moment = dt.datetime.strptime(done.stdout[20:39] + "+0800", "%Y-%m-%d %H:%M:%S%z")
    moved = (moment - dt.datetime.now(dt.UTC)).total_seconds()
    assert abs(moved - hours * 3600) < 30


def test_movable_clock_moves_to_a_day(tmp_path: object):
    done = command("clock", "2026-12-01", DATA_DIR=str(tmp_path), CLOCK="movable")
    assert done.stdout == "The clock is now at 2026-12-01 00:00:00 (China time).\n"


def test_clock_goes_back_to_the_machine_s_time(tmp_path: Path):
    for move in ("+48h", "2026-12-01", "-400d"):
        command("clock", move, DATA_DIR=str(tmp_path), CLOCK="movable")
        done = command("clock", "now", DATA_DIR=str(tmp_path), CLOCK="movable")
        moment = dt.datetime.strptime(done.stdout[20:39] + "+0800", "%Y-%m-%d %H:%M:%S%z")
        assert abs((moment - dt.datetime.now(dt.UTC)).total_seconds()) < 30
        assert not clock_notice(tmp_path, movable=True)


@pytest.mark.parametrize("words", [("demo",), ("serve", "--workers", "1")])
def test_moved_clock_is_told_at_start(tmp_path: Path, words: tuple[str, ...]):
    service = Service(tmp_path / "data", {"CLOCK": "movable"})
    service.later("2031-02-28 23:58")
    port = ("--port", str(service.port)) if words == ("demo",) else ()
    service.run(*words, *port)
    told = "The clock was moved and is now at 2031-02-28 23:5"
    try:
        until(lambda: told in service.said(), why="the notice")
        assert "`sms-receipt clock now` resets it." in service.said()
        until(lambda: answers(f"{service.doors}/readyz"), why="readiness")
    finally:
        service.stop()


def test_readme_commands_run_as_printed(service: Service, phones: Phones):
    phone = phones.fresh("CN-GD").opens()
    phone.text("13957112345", "hello")
    phone.flash()
    lines = [line.partition(" #")[0].split() for line in README.read_text().splitlines()]
    commands = [line[1:] for line in lines if line[:1] == ["sms-receipt"]]
    names = {words[0] for words in commands}
    assert {"show", "receipts", "consent", "clock"} <= names
    for words in commands:
        if words[0] in {"show", "receipts", "charges", "consent", "bill"}:
            named = [word.replace("13802880000", phone.number) for word in words]
            done = service.command(*named)
            said = f"using the running demo's settings at {service.folder / 'demo.env'}\n"
            assert (done.returncode, done.stderr) == (0, said), words


def test_metrics_add_up_over_all_door_processes(service: Service, phones: Phones):
    def answered() -> float:
        page = until(lambda: service.metrics, why="the metrics")
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in page.splitlines()
            if line.startswith("sms_receipt_answered_total{") and "keywords.sms" in line
        )

    before = answered()
    phone = phones.fresh("CN-GD")
    for _ in range(6):
        phone.asks("CXDXHZ")
    assert answered() == before + 6
