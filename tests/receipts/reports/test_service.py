"""Reports of person-to-person texts: one receipt each, or a reason for none."""

import itertools
from collections.abc import Callable

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from app.bootstrap import Container
from receipts.model.customer import Subscription
from receipts.model.message import DeliveryReport, MessageStatus, MessageTrace, NoReceiptReason
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn, ReceiptOutcome
from receipts.ports.store import Snapshot
from receipts.providers.twilio_status import message_status
from receipts.reports.message_trace import OUTCOME_OF
from receipts.reports.reconciliation import RECEIPTS, REPORTS
from receipts.reports.service import ReportService
from receipts.store.keys import KeySchema
from statemachines.subscription import RECEIVING, SubscriptionState
from tests.conftest import BEIJING, GUANGDONG, UNICOM, ZHEJIANG, Network, TestClock
from tests.support.fixtures import HEBEI, SHANXI, contents, stand
from tests.support.reports import trail

Shown = Callable[[str], list[Receipt]]
Counted = Callable[[], dict[str, int]]

#: Status, error code, outcome of the receipt, price in fen.
TABLE = [
    ("delivered", "", ReceiptOutcome.DELIVERED, 10),
    ("read", "", ReceiptOutcome.DELIVERED, 10),
    ("undelivered", "", ReceiptOutcome.FAILED, 0),
    ("undelivered", "30003", ReceiptOutcome.FAILED, 0),
    ("failed", "", ReceiptOutcome.FAILED, 0),
    ("failed", "30036", ReceiptOutcome.FAILED, 0),
    ("undelivered", "30007", ReceiptOutcome.REJECTED, 0),
    ("failed", "30004", ReceiptOutcome.REJECTED, 0),
    ("canceled", "", ReceiptOutcome.FAILED, 0),
]
UNDERWAY = ("accepted", "scheduled", "queued", "sending", "sent")
UNKNOWN = ("partially_delivered", "DELIVRD", "", "Delivered", "delivered_late")


@pytest.fixture
def counted(raw: "redis.Redis") -> Counted:
    """How often each reason for no receipt was given, over all customers."""

    def count() -> dict[str, int]:
        found: dict[str, int] = {}
        for shard in range(16):
            for reason, times in raw.hgetall(KeySchema(16).counts(shard)).items():
                found[reason.decode()] = found.get(reason.decode(), 0) + int(times)
        told = found.pop(REPORTS, 0)
        assert told == found.pop(RECEIPTS, 0) + sum(found.values())
        return found

    return count


def posted(built: Container) -> int:
    return len(built.clients.outbox.fetch("test", 1600, 0))


@pytest.mark.parametrize(("status", "error", "outcome", "fen"), TABLE)
def test_final_report_gives_one_receipt(
    network: Network, built: Container, shown: Shown, status: str, error: str, outcome:
    ReceiptOutcome, fen: int,
):  # fmt: skip
    stand(built, SHANXI, "active")
    more = {"ErrorCode": error} if error else {}
    assert network.status("SM1", status, SHANXI, **more).status_code == 204
    (receipt,) = shown(SHANXI)
    assert (receipt.outcome, receipt.state, receipt.price_fen) == (outcome, "due", fen)
    assert (receipt.message_id, receipt.recipient, receipt.charge_fen) == ("SM1", ZHEJIANG, 0)
    assert "13957112345" in receipt.text
    assert (posted(built), built.account.charges(Msisdn(SHANXI))) == (1, [])
    left = trail(built, "SM1", sender=SHANXI)
    assert (left.receipt_id, left.no_receipt_reason) == (receipt.id, None)


@pytest.mark.parametrize("status", UNDERWAY)
def test_report_that_is_not_final_is_kept_and_gives_no_receipt(
    network: Network, built: Container, shown: Shown, counted: Counted, status: str,
):  # fmt: skip
    stand(built, GUANGDONG, "active")
    network.status("SM1", status)
    assert (shown(GUANGDONG), posted(built)) == ([], 0)
    assert [news.raw_status for news in trail(built, "SM1").history] == [status]
    assert counted() == {"underway": 1}


@pytest.mark.parametrize("word", UNKNOWN)
def test_unknown_status_is_kept_raw_counted_and_never_final(
    network: Network, built: Container, shown: Shown, counted: Counted, word: str,
):  # fmt: skip
    stand(built, GUANGDONG, "active")
    network.status("SM1", word)
    assert (shown(GUANGDONG), counted()) == ([], {"unknown_word": 1})
    assert trail(built, "SM1").status is MessageStatus.UNDERWAY
    assert [news.raw_status for news in trail(built, "SM1").history] == [word]
    network.status("SM1", "delivered")
    assert len(shown(GUANGDONG)) == 1


@given(st.text(max_size=20), st.text(max_size=6))
@settings(derandomize=True, deadline=None)
def test_only_known_statuses_are_final(status: str, error: str):
    known = {status for status, *_ in TABLE}
    assert (message_status(status, error)[0] in OUTCOME_OF) == (status in known)


@pytest.mark.parametrize(("state", "why"), [
    ("none", NoReceiptReason.NOT_SUBSCRIBED), ("pending", NoReceiptReason.NOT_SUBSCRIBED),
    ("suspended", NoReceiptReason.SUSPENDED), ("active", None), ("ending", None),
])  # fmt: skip
def test_only_a_subscriber_gets_receipts_and_the_reason_is_counted(
    network: Network, built: Container, shown: Shown, counted: Counted, state: str, why:
    NoReceiptReason | None,
):  # fmt: skip
    stand(built, GUANGDONG, state)
    network.status("SM1", "delivered")
    assert len(shown(GUANGDONG)) == (why is None) == (SubscriptionState(state) in RECEIVING)
    assert counted() == ({why.value: 1} if why else {})
    assert trail(built, "SM1").no_receipt_reason is why


@pytest.mark.parametrize(("sender", "friend", "why"), [
    (GUANGDONG, UNICOM, NoReceiptReason.RECIPIENT_OFF_NET),
    (BEIJING, ZHEJIANG, NoReceiptReason.PROVINCE_CLOSED),
])  # fmt: skip
def test_off_net_recipient_or_closed_province_gives_no_receipt_and_is_counted(
    network: Network, built: Container, shown: Shown, counted: Counted, sender: str, friend: str,
    why: NoReceiptReason,
):  # fmt: skip
    stand(built, sender, "active")
    network.status("SM1", "delivered", sender, friend)
    assert (shown(sender), counted()) == ([], {why.value: 1})
    assert trail(built, "SM1", friend, sender).no_receipt_reason is why


def test_later_subscription_gives_no_receipt_for_an_earlier_report(
    network: Network, built: Container, shown: Shown
):
    network.status("SM1", "delivered")
    stand(built, GUANGDONG, "active")
    network.status("SM1", "delivered")
    network.status("SM1", "undelivered")
    assert shown(GUANGDONG) == []
    assert trail(built, "SM1").no_receipt_reason is NoReceiptReason.NOT_SUBSCRIBED


@pytest.mark.parametrize("word", ["sent", "delivered", "undelivered", "weird"])
def test_duplicate_report_changes_no_stored_byte(
    network: Network, built: Container, raw: "redis.Redis", word: str
):
    stand(built, GUANGDONG, "active")
    network.status("SM1", word)
    before = contents(raw)
    for _ in range(3):
        network.status("SM1", word)
    assert contents(raw) == before


def test_contradicting_report_is_kept_and_changes_no_receipt(
    network: Network, built: Container, shown: Shown, counted: Counted
):
    stand(built, GUANGDONG, "active")
    network.status("SM1", "undelivered", ErrorCode="30003")
    (first,) = shown(GUANGDONG)
    network.status("SM1", "delivered")
    network.status("SM1", "failed")
    assert shown(GUANGDONG) == [first]
    left = trail(built, "SM1")
    assert [n.raw_status for n in left.history] == ["undelivered 30003", "delivered", "failed"]
    assert (left.status, left.receipt_id) == (MessageStatus.FAILED, first.id)
    assert counted() == {"contradicted": 1, "repeated": 1}


def test_history_of_a_text_is_limited_to_the_newest_forty(network: Network, built: Container):
    for turn in range(50):
        network.status("SM1", f"word {turn}")
    kept = [news.raw_status for news in trail(built, "SM1").history]
    assert kept == [f"word {turn}" for turn in range(10, 50)]


def test_equal_ids_of_two_senders_are_two_texts(network: Network, built: Container, shown: Shown):
    stand(built, GUANGDONG, "active")
    stand(built, HEBEI, "active")
    network.status("SM1", "delivered", GUANGDONG)
    network.status("SM1", "undelivered", HEBEI)
    assert [r.outcome for n in (GUANGDONG, HEBEI) for r in shown(n)] == ["delivered", "failed"]


def test_receipt_has_the_mode_and_language_at_the_time_of_its_report(
    network: Network, shown: Shown
):
    network.open()
    network.status("SM1", "delivered")
    network.text(GUANGDONG, "PT")
    network.text(GUANGDONG, "ENGLISH")
    network.status("SM2", "delivered")
    modes = [(receipt.mode, receipt.language) for receipt in shown(GUANGDONG)]
    assert modes == [("text", "en"), ("flash", "zh")]


def test_report_of_a_short_code_is_accepted_and_stores_no_byte(
    network: Network, raw: "redis.Redis"
):
    before = contents(raw)
    assert network.status("SM1", "delivered", sender="7500").status_code == 204
    assert network.status("SM1", "delivered", friend="10086").status_code == 204
    assert contents(raw) == before


WORDS = ["queued", "sent", "delivered", "undelivered", "failed", "weird"]


def decide_in_turn(
    reports: ReportService, said: list[str]
) -> tuple[list[Receipt], MessageTrace | None]:
    """Decide reports one by one without a store: the receipts, and the last trace."""
    anna = Subscription(Msisdn(SHANXI), version=1, state=SubscriptionState.ACTIVE)
    left: MessageTrace | None = None
    made: list[Receipt] = []
    for word in said:
        report = DeliveryReport(
            "SM1", anna.number, Msisdn(ZHEJIANG), message_status(word)[0], word, TestClock().at
        )
        change = reports.decide(Snapshot(anna.number, anna, trace=left), [report])
        born = [record for record in change.records if isinstance(record, Receipt)]
        assert change.outbox == tuple(receipt.id for receipt in born)
        made += born
        within = (receipt.full_text_trace for receipt in born)
        written = [record for record in change.records if isinstance(record, MessageTrace)]
        left = next(filter(None, (*written, *within)), left)
    return made, left


def test_reports_in_any_order_with_repeats_give_one_receipt(built: Container):
    reports = built.report_service

    @settings(derandomize=True, deadline=None, max_examples=200)
    @given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12))
    def in_order(said: list[str]) -> None:
        receipts, left = decide_in_turn(reports, said)
        finals = [word for word in said if message_status(word)[0] in OUTCOME_OF]
        assert len(receipts) == bool(finals)
        assert left is not None
        assert {news.raw_status for news in left.history} == set(said)
        assert len(left.history) == len(set(said))
        if finals:
            assert (left.status, left.receipt_id) == (message_status(finals[0])[0], receipts[0].id)
            assert receipts[0].outcome == OUTCOME_OF[message_status(finals[0])[0]]

    in_order()


def test_every_order_of_status_callbacks_gives_one_receipt(
    network: Network, built: Container, shown: Shown
):
    stand(built, SHANXI, "active")
    orders = list(itertools.permutations(["queued", "sent", "delivered"]))
    for turn, order in enumerate(orders):
        for status in (*order, *order):
            assert network.status(f"SM{turn}", status, SHANXI).status_code == 204
    assert sorted(r.message_id or "" for r in shown(SHANXI)) == [f"SM{n}" for n in range(6)]
    assert posted(built) == 6
