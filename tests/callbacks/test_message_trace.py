"""Traces of single texts for staff, and counters that balance."""

import json
from pathlib import Path

import pytest
import redis

from app.bootstrap import Container
from receipts.model.message import NoReceiptReason
from receipts.ports.store import StoreUnavailableError
from receipts.store.bulk import RedisBulkReader
from receipts.store.keys import KeySchema
from tests.callbacks.conftest import Centre, a_line
from tests.conftest import GUANGDONG, UNICOM, ZHEJIANG
from tests.support.metrics import metrics_page
from tests.support.months import Run
from tests.support.reports import told as arrived

pytestmark = pytest.mark.usefixtures("customer")


def some_of_everything(centre: Centre) -> None:
    centre.tell(
        a_line("31", "ACCEPTD"),
        a_line("1f"),
        a_line("0x1F", "EXPIRED", code=7),
        a_line("31", "DELIVRD", code="000"),
        a_line("32", "odd"),
        a_line("33", part=1, parts=2),
        a_line("34") | {"from": ZHEJIANG},
        a_line("35") | {"from": UNICOM},
        a_line("36") | {"to": UNICOM},
        "no report at all",
    )


REASONS = dict.fromkeys(
    (
        *("contradicted", "friend_off_net", "not_subscribed", "parts_missing"),
        *("repeated", "sender_off_net", "underway", "unknown_word"),
    ),
    1,
)


def test_reconcile_balances_reports_with_receipts_and_reasons(centre: Centre, run: Run):
    empty = run("reconcile")
    assert (empty.exit_code, json.loads(empty.stdout)["reports"]) == (0, 0)
    some_of_everything(centre)
    some_of_everything(centre)
    found = run("reconcile")
    counts = {"reports": 9, "receipts": 1, "reasons": REASONS, "refused": 1}
    counts |= {"missing": 0, "balanced": True}
    assert json.loads(found.stdout) == counts
    assert found.exit_code == 0


def test_reconcile_exits_with_1_for_a_missing_report(raw: "redis.Redis", run: Run):
    raw.hincrby(KeySchema(16).counts(3), "reports", 1)
    found = run("reconcile")
    assert (found.exit_code, json.loads(found.stdout)["missing"]) == (1, 1)


@pytest.mark.parametrize("message", ["31", "0x1f", "001F", "0031"])
@pytest.mark.parametrize("sender", ["13802880000", "+86 138 0288 0000"])
def test_trail_shows_each_report_with_its_reason(
    centre: Centre, built: Container, run: Run, message: str, sender: str
):
    some_of_everything(centre)
    found = run("trail", sender, "13957112345", message)
    assert found.exit_code == 0
    told = json.loads(found.stdout)
    (receipt,) = arrived(built)
    assert {name: told[name] for name in told if name != "news"} == {
        "message_id": "31",
        "from": GUANGDONG,
        "to": ZHEJIANG,
        "fate": "delivered",
        "parts": 1,
        "receipt": receipt.id,
        "why_not": None,
        "text_sent_at": None,
        "text_done_at": None,
    }
    assert [(news["word"], news["why_not"]) for news in told["news"]] == [
        ("ACCEPTD", "underway"),
        ("DELIVRD", None),
        ("EXPIRED 7", "contradicted"),
        ("DELIVRD 000", "repeated"),
    ]


def test_trail_shows_why_a_text_has_no_receipt(centre: Centre, run: Run):
    some_of_everything(centre)
    told = json.loads(run("trail", GUANGDONG, UNICOM, "36").stdout)
    assert (told["fate"], told["receipt"], told["why_not"]) == ("delivered", None, "friend_off_net")


def test_trail_of_an_unknown_text_exits_with_1(run: Run):
    found = run("trail", GUANGDONG, ZHEJIANG, "999")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "no report on this text is on record" in found.stderr


def test_trail_requires_telephone_numbers(run: Run):
    assert run("trail", "7500", ZHEJIANG, "1").exit_code == 2


def samples(built: Container) -> dict[str, float]:
    page = metrics_page(built)
    lines = [line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines if name.startswith("sms_receipt_reports")}


def test_metrics_show_reports_receipts_and_reasons(centre: Centre, built: Container):
    some_of_everything(centre)
    reasons = {
        f'sms_receipt_reports_without_receipt_total{{why="{why}"}}': float(count)
        for why, count in REASONS.items()
    }
    assert samples(built) == reasons | {
        "sms_receipt_reports_total": 9.0,
        "sms_receipt_reports_with_receipt_total": 1.0,
        "sms_receipt_reports_missing": 0.0,
    }


def test_metrics_are_missing_while_the_store_is_unavailable(
    built: Container, monkeypatch: pytest.MonkeyPatch
):
    def away(_: RedisBulkReader) -> dict[str, int]:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(RedisBulkReader, "counts", away)
    assert samples(built) == {}


def test_runbook_explains_every_reason():
    runbook = Path(__file__).parents[2].joinpath("docs", "runbook.md").read_text(encoding="utf-8")
    assert [why.value for why in NoReceiptReason if f"`{why.value}`" not in runbook] == []
