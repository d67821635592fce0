"""Lists show all that is kept, and say how many of how many where the store keeps fewer."""

import datetime as dt
import json

import pytest

from app import bootstrap
from app.bootstrap import Container
from app.clock import MovableClock
from app.settings import Settings
from receipts.charging.charges import months_kept
from receipts.model.charge import Charge, ChargeKind
from receipts.model.message import MessageStatus
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.reports import message_trace, text_identity
from receipts.store.retention import RetentionSeconds
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.fixtures import a_receipt, stand
from tests.support.months import Run
from tests.support.reports import Tell


def test_trail_says_how_many_reports_are_kept(
    network: Network, run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(message_trace, "_MAX_HISTORY", 4)
    monkeypatch.setattr(message_trace, "_MAX_HISTORY_PER_PART", 1)
    network.open(GUANGDONG)
    for turn in range(4):
        network.status("SM2", f"stage-{turn}")
    assert run("trail", GUANGDONG, ZHEJIANG, "SM2").stderr == ""
    for turn in range(4, 7):
        network.status("SM2", f"stage-{turn}")
    done = run("trail", GUANGDONG, ZHEJIANG, "SM2")
    shown = json.loads(done.stdout)
    assert [each["word"] for each in shown["news"]] == [f"stage-{turn}" for turn in range(3, 7)]
    assert shown["news_dropped"] == 3
    assert done.stderr == "sms-receipt: 4 of 7 reports kept; the oldest are dropped\n"


def test_trail_says_how_many_texts_of_an_id_are_kept(
    built: Container, clock: TestClock, run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(text_identity, "_MAX_TEXTS", 3)
    stand(built, GUANGDONG, "active")
    for _ in range(5):
        Tell(built)("DELIVRD", MessageStatus.DELIVERED, "17")
        clock.move(days=4)
    done = run("trail", GUANGDONG, ZHEJIANG, "17")
    shown = json.loads(done.stdout)
    assert (len(shown["earlier"]), shown["earlier_dropped"]) == (2, 2)
    assert "3 of 5 texts of this id kept" in done.stderr


def test_receipts_say_that_the_list_of_a_number_is_full(
    built: Container, run: Run, monkeypatch: pytest.MonkeyPatch
):
    few = RetentionSeconds(receipts_listed=2)
    monkeypatch.setattr(bootstrap, "retention_seconds", lambda _: few)
    built.store.retention = few
    a_receipt(built, GUANGDONG, seed="0a")
    assert run("receipts", GUANGDONG).stderr == ""
    for seed in ("0b", "0c"):
        a_receipt(built, GUANGDONG, seed=seed)
    done = run("receipts", GUANGDONG)
    assert len(done.stdout.splitlines()) == 2
    full = "the newest 2 receipts and notices are kept; older ones may be dropped"
    assert done.stderr == f"sms-receipt: {full}\n"
    assert run("receipts", GUANGDONG, "--limit", "2").stderr == ""


@pytest.mark.fixed_day
def test_charges_of_all_kept_months_are_listed(built: Container, clock: TestClock, run: Run):
    number = Msisdn(GUANGDONG)
    months = [months_kept(built.book, clock.now())[0], "2021-03", "2026-11"]
    for month in months:
        charge = Charge(
            f"monthly-{month}", number, ChargeKind.MONTHLY, 100, month, "late", clock.now(), "GD-1"
        )
        built.store.commit(ChangeSet(number, charges=(charge,)))
    listed = run("charges", GUANGDONG).stdout.splitlines()
    assert sorted(json.loads(line)["month"] for line in listed) == sorted(months)


def test_charges_of_months_that_a_moved_clock_left_are_listed(
    network: Network, settings: Settings, clock: TestClock, run: Run
):
    clock.at = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
    network.open(GUANGDONG)
    settings.data_dir.mkdir(exist_ok=True)
    MovableClock(settings.data_dir).move("2026-11-22")
    done = run("charges", GUANGDONG, CLOCK="movable")
    assert [json.loads(line)["month"] for line in done.stdout.splitlines()] == ["2027-03"]


@pytest.mark.parametrize("words", [("charges",), ("bill",), ("export",), ("consent",)])
def test_examples_name_the_month_of_a_moved_clock(
    settings: Settings, run: Run, words: tuple[str, ...]
):
    settings.data_dir.mkdir(exist_ok=True)
    MovableClock(settings.data_dir).move("2024-02-29")
    examples = run(*words, "--help", CLOCK="movable").stdout.partition("Examples:")[2]
    assert "2024-02" in examples
    assert "YYYY" not in examples
