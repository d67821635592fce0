"""What the command line prints, exactly as the design promises it to other programs."""

import datetime as dt
import json

import pytest

from statemachines.diagrams import TABLES
from tests.support.phones import Phones
from tests.support.product import Running, command

FRIEND = "13957112345"

SHOWN = (
    "number", "province", "state", "mode", "language", "opened_at", "ends_at", "channel", "fees",
    "messages",
)  # fmt: skip
RECEIPT = (
    "id", "message_id", "to", "outcome", "mode", "provider", "state", "text", "created_at",
    "sent_at", "done_at", "attempts", "charge_fen",
)  # fmt: skip
CHARGE = ("id", "kind", "fen", "month", "why", "at", "tariff")


def test_show_prints_one_object_with_every_promised_key(service: Running, phones: Phones) -> None:
    number = phones.fresh("CN-GD").opens().number
    told = service.command("show", number)
    assert told.returncode == 0, told.stderr
    held = json.loads(told.stdout)
    assert tuple(held)[: len(SHOWN)] == SHOWN
    assert (held["network"], held["source"]) == ("china_mobile", "prefix")
    assert held["number"] == f"+86{number}"
    assert held["province"] == "CN-GD"
    assert (held["state"], held["mode"], held["language"]) == ("active", "flash", "zh")
    assert (held["channel"], held["ends_at"]) == ("text", None)
    assert dt.datetime.fromisoformat(held["opened_at"]).tzinfo is not None
    assert held["fees"]["monthly_fen"] == 100


@pytest.mark.parametrize("spelt", ["13802887777", "+8613802887777", "0086 138 0288 7777"])
def test_show_knows_a_number_however_it_is_spelt(service: Running, spelt: str) -> None:
    held = json.loads(service.command("show", spelt).stdout)
    assert (held["number"], held["state"]) == ("+8613802887777", "none")


def test_receipts_are_lines_newest_first_with_every_promised_key(
    service: Running, phones: Phones
) -> None:
    phone = phones.fresh("CN-GD").opens()
    ids = []
    for words in ("one", "two", "three"):
        ids.append(phone.text(FRIEND, words))
        phone.flash()
    told = service.command("receipts", phone.number)
    receipts = [json.loads(line) for line in told.stdout.splitlines()]
    assert [receipt["message_id"] for receipt in receipts] == ids[::-1]
    for receipt in receipts:
        assert set(RECEIPT) <= set(receipt)
        assert receipt["to"] == f"+86{FRIEND}"
        assert (receipt["outcome"], receipt["mode"]) == ("delivered", "flash")
        assert (receipt["provider"], receipt["attempts"]) == ("kannel", 1)
        assert receipt["created_at"] <= receipt["sent_at"]
    newest = service.command("receipts", phone.number, "--limit", "1").stdout.splitlines()
    assert [json.loads(line)["message_id"] for line in newest] == ids[-1:]


def test_charges_are_lines_with_every_promised_key(service: Running, phones: Phones) -> None:
    number = phones.fresh("CN-GD").opens().number
    (line,) = service.command("charges", number).stdout.splitlines()
    charge = json.loads(line)
    assert tuple(charge) == CHARGE
    assert (charge["kind"], charge["fen"], charge["tariff"]) == ("monthly", 100, "GD-1")
    month = charge["month"]
    assert service.command("charges", number, "--month", month).stdout.splitlines() == [line]
    assert service.command("charges", number, "--month", "2001-01").stdout == ""


def test_states_prints_every_table_as_mermaid(tmp_path: object) -> None:
    told = command("states", DATA_DIR=str(tmp_path)).stdout
    assert told.count("stateDiagram") == len(TABLES)
    for table in ("receipt", "subscription", "call", "keyword"):
        assert table in told


def test_the_rule_book_is_found_right_and_printed(tmp_path: object) -> None:
    told = command("provinces", "check", DATA_DIR=str(tmp_path))
    assert told.returncode == 0
    assert "8 provinces, nothing wrong" in told.stdout
    for code in ("GD", "JL", "GX", "SX", "HE", "ZJ", "FJ", "SN"):
        assert f"CN-{code}" in told.stdout


def test_one_province_is_shown_as_people_read_it(tmp_path: object) -> None:
    told = command("provinces", "show", "CN-JL", DATA_DIR=str(tmp_path))
    assert told.returncode == 0
    assert "吉林" in told.stdout


def test_the_clock_stands_still_unless_it_is_movable(tmp_path: object) -> None:
    told = command("clock", "+48h", DATA_DIR=str(tmp_path))
    assert (told.returncode, told.stdout) == (2, "")
    assert "CLOCK=movable" in told.stderr


@pytest.mark.parametrize(("move", "hours"), [("+48h", 48), ("-1h", -1), ("+2d", 48), ("+90m", 1.5)])
def test_a_movable_clock_moves_by_a_step(tmp_path: object, move: str, hours: float) -> None:
    told = command("clock", move, DATA_DIR=str(tmp_path), CLOCK="movable")
    assert told.returncode == 0, told.stderr
    moment = dt.datetime.strptime(told.stdout[10:29] + "+0800", "%Y-%m-%d %H:%M:%S%z")
    moved = (moment - dt.datetime.now(dt.UTC)).total_seconds()
    assert abs(moved - hours * 3600) < 30


def test_a_movable_clock_moves_to_a_day(tmp_path: object) -> None:
    told = command("clock", "2026-12-01", DATA_DIR=str(tmp_path), CLOCK="movable")
    assert told.stdout == "it is now 2026-12-01 00:00:00 in China\n"


def test_the_numbers_of_all_door_processes_add_up(service: Running, phones: Phones) -> None:
    def answered() -> float:
        page = phones.session.get(f"{service.doors}/metrics", timeout=5).text
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
