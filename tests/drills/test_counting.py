"""Comparison and reference model of the drills: deviations are counted."""

import datetime as dt
from collections import Counter

import pytest

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from statemachines.receipt import ReceiptState
from tests.drills import reference_model
from tests.drills.comparison import DrillResult, compare
from tests.drills.plan import Customer, Plan, PlannedReport
from tests.drills.rig import ProviderText

ANNA, RECIPIENT = "+8613100000055", "+8613957110001"
ARRIVED = "Your text to 13957110001 was delivered at 10:00."
FAILED = "您发给13957110001的短信被网络拒绝，未送达，原因不明（10:00）。"
NOTICE = "您的好友不是中国移动客户"


def _compared(*bodies: str, state: ReceiptState = ReceiptState.SENT) -> DrillResult:
    result = DrillResult("", "")
    receipt = Receipt("0-a", Msisdn(ANNA), ARRIVED, DisplayMode.TEXT, Language.EN,
                      dt.datetime(2026, 11, 22, tzinfo=dt.UTC), state=state,
                      recipient=Msisdn(RECIPIENT))  # fmt: skip
    taken = [ProviderText(ANNA, body, 0.0) for body in bodies]
    compare(result, {(ANNA, RECIPIENT): "arrived"}, {ANNA}, taken, [receipt])
    return result


@pytest.mark.parametrize(
    ("bodies", "lost", "doubled"),
    [
        ((ARRIVED,), 0, 0),
        ((ARRIVED, NOTICE), 0, 0),
        ((), 1, 0),
        ((ARRIVED, ARRIVED), 0, 1),
        ((FAILED,), 1, 1),
        ((ARRIVED, NOTICE, NOTICE), 0, 1),
        ((ARRIVED, ARRIVED.replace("0001", "0002")), 0, 1),
    ],
)
def test_lost_and_doubled_receipts_are_counted(bodies: tuple[str, ...], lost: int, doubled: int):
    result = _compared(*bodies)
    assert (result.lost, result.doubled) == (lost, doubled)
    assert result.passed is (lost + doubled == 0)


def test_receipt_in_doubt_is_unsure_and_not_lost():
    result = _compared(state=ReceiptState.UNSURE)
    assert (result.lost, result.unsure, result.taken) == (0, 1, 0)


def test_bills_follow_the_tariff_of_each_province():
    customers = [Customer(f"+86131{n}", code, flash=True)
                 for n, code in enumerate(("CN-GD", "CN-GX", "CN-SX", "CN-FJ"))]  # fmt: skip
    delivered = [customer.number for customer in customers for _ in range(25)]
    bills = reference_model.bills(customers, delivered)
    assert [bills[customer.number] for customer in customers] == [100, 50 + 5 * 5, 250, 0]


def test_first_final_status_of_each_part_decides_a_text():
    customer = Customer(ANNA, "CN-GD", flash=True)

    def outcome(*statuses: tuple[int, int, str]) -> dict[tuple[str, str], bool]:
        reports = [PlannedReport(1, ANNA, RECIPIENT, "1", status, part, parts)
                   for part, parts, status in statuses]  # fmt: skip
        return reference_model.expected([customer], reports).receipts

    both = (ANNA, RECIPIENT)
    assert outcome((1, 1, "DELIVRD"), (1, 1, "EXPIRED")) == {both: True}
    assert outcome((1, 1, "EXPIRED"), (1, 1, "DELIVRD")) == {both: False}
    assert outcome((2, 2, "DELIVRD"), (1, 2, "DELIVRD")) == {both: True}
    assert outcome((2, 2, "DELIVRD"), (1, 2, "UNDELIV")) == {both: False}
    assert outcome((2, 2, "DELIVRD"), (2, 2, "DELIVRD")) == {}
    assert outcome((1, 1, "ACCEPTD")) == {}


def test_plan_is_repeatable_and_has_every_kind_of_report():
    plan = Plan(3, 2000)
    reports = list(plan.all_reports())
    assert reports == list(Plan(3, 2000).all_reports())
    assert len(reports) >= 2000
    statuses = {report.status for report in reports}
    assert {"DELIVRD", "EXPIRED", "UNDELIV", "REJECTD", "ACCEPTD"} <= statuses
    assert any(report.by_twilio for report in reports)
    assert any(report.parts > 1 for report in reports)
    expected = reference_model.expected(plan.customers(), reports)
    assert expected.off_net
    assert expected.unanswered
    # Some senders exceed the receipts that are free in a month.
    assert max(Counter(sender for sender, _ in expected.receipts).values()) > 20
