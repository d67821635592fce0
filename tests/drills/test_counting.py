"""The drills' own counting can fail: what is lost, doubled or said wrongly is seen."""

import datetime as dt
from collections import Counter

import pytest

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from statemachines.receipt import ReceiptState
from tests.drills import drill, reckoning
from tests.drills.drill import Row
from tests.drills.plan import Customer, Line, Plan
from tests.drills.rig import Took

ANNA, FRIEND = "+8613100000055", "+8613957110001"
ARRIVED = "Your message to 13957110001 was delivered at 10:00:00."
FAILED = "您发送给13957110001的短信被网络拒绝，未送达（10:00:00）。"
NOTICE = "您的好友不是中国移动客户"


def _compared(*bodies: str, state: ReceiptState = ReceiptState.SENT) -> Row:
    row = Row("", "")
    receipt = Receipt("0-a", Msisdn(ANNA), ARRIVED, DisplayMode.TEXT, Language.EN,
                      dt.datetime(2026, 11, 22, tzinfo=dt.UTC), state=state,
                      recipient=Msisdn(FRIEND))  # fmt: skip
    took = [Took(ANNA, body, 0.0) for body in bodies]
    drill._compare(row, {(ANNA, FRIEND): "arrived"}, {ANNA}, took, [receipt])  # noqa: SLF001
    return row


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
def test_what_is_lost_or_sent_twice_is_counted(
    bodies: tuple[str, ...], lost: int, doubled: int
) -> None:
    row = _compared(*bodies)
    assert (row.lost, row.doubled) == (lost, doubled)
    assert row.held is (lost + doubled == 0)


def test_what_nobody_can_tell_of_is_unsure_and_not_lost() -> None:
    row = _compared(state=ReceiptState.UNSURE)
    assert (row.lost, row.unsure, row.took) == (0, 1, 0)


def test_bills_are_reckoned_by_the_tariff_of_each_province() -> None:
    customers = [Customer(f"+86131{n}", code, flash=True)
                 for n, code in enumerate(("CN-GD", "CN-GX", "CN-SX", "CN-FJ"))]  # fmt: skip
    arrived = [customer.number for customer in customers for _ in range(25)]
    bills = reckoning.bills(customers, arrived)
    assert [bills[customer.number] for customer in customers] == [100, 50 + 5 * 5, 250, 0]


def test_the_first_end_of_every_part_decides_a_text() -> None:
    customer = Customer(ANNA, "CN-GD", flash=True)

    def outcome(*said: tuple[int, int, str]) -> dict[tuple[str, str], bool]:
        lines = [Line(1, ANNA, FRIEND, "1", word, part, parts) for part, parts, word in said]
        return reckoning.due([customer], lines).receipts

    both = (ANNA, FRIEND)
    assert outcome((1, 1, "DELIVRD"), (1, 1, "EXPIRED")) == {both: True}
    assert outcome((1, 1, "EXPIRED"), (1, 1, "DELIVRD")) == {both: False}
    assert outcome((2, 2, "DELIVRD"), (1, 2, "DELIVRD")) == {both: True}
    assert outcome((2, 2, "DELIVRD"), (1, 2, "UNDELIV")) == {both: False}
    assert outcome((2, 2, "DELIVRD"), (2, 2, "DELIVRD")) == {}
    assert outcome((1, 1, "ACCEPTD")) == {}


def test_a_plan_is_the_same_twice_and_has_everything_in_it() -> None:
    plan = Plan(3, 2000)
    lines = list(plan.lines())
    assert lines == list(Plan(3, 2000).lines())
    assert len(lines) >= 2000
    words = Counter(line.word for line in lines)
    assert {"DELIVRD", "EXPIRED", "UNDELIV", "REJECTD", "ACCEPTD"} <= set(words)
    assert any(line.by_twilio for line in lines)
    assert any(line.parts > 1 for line in lines)
    owed = reckoning.due(plan.customers(), lines)
    assert owed.off_net
    assert owed.unanswered
    # Some come past what is free in a month.
    assert max(Counter(sender for sender, _ in owed.receipts).values()) > 20
