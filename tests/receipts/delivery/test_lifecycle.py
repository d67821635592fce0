"""The judge of every outcome: what is sent, what is charged, and when it is tried again."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.delivery.in_doubt import LOOKUP
from receipts.delivery.lifecycle import RETRY, ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language
from receipts.ports.changes import CommitStatus, OutboxEntry, Timer
from receipts.ports.provider import (
    NoRouteError,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.rulebook.schema import SendingRules
from statemachines.receipt import ENDED, ReceiptState
from tests.conftest import TestClock
from tests.support.sending import ANNA, FRIEND, Courier, Desk

RULES = SendingRules()
LATER, NEVER, UNSURE = (
    TemporaryError("busy"),
    PermanentError("opted out"),
    UnknownOutcomeError("no answer"),
)
FAILURES = pytest.mark.parametrize("failure", [LATER, NEVER, UNSURE], ids=["later", "never", "?"])
FINAL = {
    ProviderStatus.DELIVERED: "delivered",
    ProviderStatus.UNDELIVERED: "undelivered",
    ProviderStatus.FAILED: "undelivered",
}


def fail(desk: Desk, receipt: Receipt, failure: ProviderError) -> Receipt:
    """Begin to send it, and fail so."""
    posted = desk.begin(receipt)
    desk.settle(desk.delivery.failed(desk.now(receipt), failure, posted))
    return desk.now(receipt)


def tell(
    desk: Desk, receipt: Receipt, told: ProviderStatus, word: str = "", ident: str = "SM1"
) -> Receipt:
    desk.settle(desk.delivery.apply_status(desk.now(receipt), told, word or told.value, ident))
    return desk.now(receipt)


def look(desk: Desk, receipt: Receipt, found: str | None) -> Receipt:
    """The look-up that is due next, and what it found."""
    (timer,) = desk.timers()
    assert timer.kind == LOOKUP
    now, judge = desk.now(receipt), desk.delivery
    desk.settle(
        judge.lookup_found(now, found, timer) if found else judge.in_doubt.lookup_missed(now, timer)
    )
    return desk.now(receipt)


# -- sending -----------------------------------------------------------------------------------


def test_it_is_marked_as_being_sent_before_a_word_of_it_leaves(desk: Desk):
    receipt = desk.post()
    posted = desk.begin(receipt)
    now = desk.now(receipt)
    assert (now.state, now.attempts) == ("sending", 1)
    assert (now.provider, now.sent_as) == ("courier", DisplayMode.TEXT)
    assert now.requested_at is not None
    assert desk.in_outbox() == [posted]
    assert desk.charges() == []


def test_what_the_provider_takes_is_sent_and_charged(desk: Desk):
    receipt = desk.post()
    posted = desk.begin(receipt)
    desk.settle(desk.delivery.accepted(desk.now(receipt), "SM1", posted))
    now = desk.now(receipt)
    assert (now.state, now.provider_id, now.charge_fen) == ("sent", "SM1", 10)
    assert (now.sent_at, now.done_at) == (desk.clock.now(), None)
    assert [(c.id, c.fen, c.kind, c.tariff) for c in desk.charges()] == [
        (f"receipt-{receipt.id}", 10, "receipt", "SX-1")
    ]
    assert (desk.in_outbox(), desk.timers()) == ([], [])


def test_what_costs_nothing_writes_no_charge(desk: Desk):
    receipt = desk.post(price_fen=0)
    posted = desk.begin(receipt)
    desk.settle(desk.delivery.accepted(desk.now(receipt), "SM1", posted))
    assert (desk.now(receipt).state, desk.charges()) == ("sent", [])


def test_a_notice_is_never_charged(desk: Desk):
    ident = desk.store.receipt_id(ANNA, "a1")
    notice = desk.delivery.build_notification(ident, ANNA, "已取消", DisplayMode.TEXT, Language.ZH)
    assert (notice.kind, notice.price_fen, notice.tariff) == (MessageKind.NOTICE, 0, None)
    for change in (
        desk.delivery.apply_status(notice, ProviderStatus.DELIVERED, "delivered", "SM1"),
        desk.delivery.accepted(replace(notice, state=ReceiptState.SENDING), "SM1", None),
    ):
        assert change.charges == ()


def test_a_flash_goes_to_who_can_flash(desk: Desk):
    receipt = desk.post(mode=DisplayMode.FLASH)
    desk.begin(receipt)
    now = desk.now(receipt)
    assert (now.provider, now.sent_as, now.note) == ("flasher", DisplayMode.FLASH, None)
    assert desk.delivery.outbound_message(now).mode is DisplayMode.FLASH


def test_a_flash_that_nobody_can_carry_goes_as_ordinary_and_says_so(
    desk: Desk, courier: Courier, clock: TestClock
):
    desk.delivery = ReceiptLifecycle(Router(courier), RULES, clock)
    receipt = desk.post(mode=DisplayMode.FLASH)
    posted = desk.begin(receipt)
    desk.settle(desk.delivery.accepted(desk.now(receipt), "SM1", posted))
    now = desk.now(receipt)
    assert (now.mode, now.sent_as, now.provider) == (DisplayMode.FLASH, DisplayMode.TEXT, "courier")
    assert now.note == "no provider for flash: sent as ordinary"
    assert desk.delivery.outbound_message(now).mode is DisplayMode.TEXT


def test_a_provider_is_found_by_the_name_in_the_record(courier: Courier, flasher: Courier):
    both, one = Router(courier, flasher), Router(courier)
    assert (both.by_name("courier"), both.by_name("flasher")) == (courier, flasher)
    assert (one.by_name("flasher"), one.by_name(None)) == (None, None)


@pytest.mark.parametrize("state", [s for s in ReceiptState if s in ENDED or s == "sent"])
def test_what_went_out_or_ended_only_leaves_the_outbox(desk: Desk, state: ReceiptState):
    receipt = desk.post(state=state)
    desk.begin(receipt)
    assert desk.now(receipt) == receipt
    assert desk.in_outbox() == []


def test_a_receipt_that_is_old_news_is_not_sent(desk: Desk):
    receipt = desk.post()
    desk.clock.move(hours=RULES.expire_after_hours, seconds=1)
    desk.begin(receipt)
    now = desk.now(receipt)
    assert (now.state, now.note, now.attempts) == ("expired", "too old to be of use", 0)
    assert now.done_at == desk.clock.now()
    assert (desk.in_outbox(), desk.charges()) == ([], [])


def test_to_the_last_second_it_is_sent(desk: Desk):
    receipt = desk.post()
    desk.clock.move(hours=RULES.expire_after_hours)
    desk.begin(receipt)
    assert desk.now(receipt).state == "sending"


# -- failures ----------------------------------------------------------------------------------


def test_later_is_spaced_by_the_rule_book_and_then_given_up(desk: Desk):
    receipt = desk.post()
    for attempt, seconds in enumerate(RULES.delays_seconds, 1):
        now = fail(desk, receipt, LATER)
        assert (now.state, now.attempts, now.note) == ("due", attempt, "busy")
        assert desk.in_outbox() == []
        (timer,) = desk.timers()
        at = desk.clock.now() + dt.timedelta(seconds=seconds)
        assert timer == Timer(RETRY, ANNA, receipt.id, at)
        desk.clock.move(seconds=seconds)
        desk.settle(desk.delivery.requeue(now, timer))
        assert desk.timers() == []
    now = fail(desk, receipt, LATER)
    assert (now.state, now.attempts, now.note) == ("failed", RULES.max_attempts, "given up: busy")
    assert now.done_at == desk.clock.now()
    assert (desk.timers(), desk.in_outbox(), desk.charges()) == ([], [], [])


def test_never_is_the_end_and_costs_nothing(desk: Desk):
    now = fail(desk, desk.post(), NEVER)
    assert (now.state, now.note, now.done_at) == ("failed", "opted out", desk.clock.now())
    assert (desk.timers(), desk.in_outbox(), desk.charges()) == ([], [], [])


def test_what_one_provider_will_never_take_goes_to_the_next_at_once(
    desk: Desk, courier: Courier, flasher: Courier, clock: TestClock
):
    desk.delivery = ReceiptLifecycle(Router([flasher, courier]), RULES, clock)
    receipt = desk.post()
    now = fail(desk, receipt, NoRouteError("no route"))
    assert (now.state, now.refused_by, now.note) == ("due", ("flasher",), "no route")
    now = fail(desk, receipt, NoRouteError("no route either"))
    assert (now.state, now.refused_by) == ("failed", ("flasher", "courier"))
    assert (desk.timers(), desk.in_outbox(), desk.charges()) == ([], [], [])


def test_what_a_demoted_provider_did_not_take_is_back_in_the_outbox_and_never_given_up(desk: Desk):
    receipt = desk.post()
    for attempt in range(1, RULES.max_attempts + 3):
        posted = desk.begin(receipt)
        failed = desk.delivery.failed(desk.now(receipt), LATER, posted, {"courier"})
        desk.settle(failed)
        assert (desk.now(receipt).state, desk.now(receipt).attempts) == ("due", attempt)
        assert desk.timers() == []


def test_what_may_have_gone_out_is_looked_up_also_at_a_demoted_provider(desk: Desk):
    receipt = desk.post()
    posted = desk.begin(receipt)
    desk.settle(desk.delivery.failed(desk.now(receipt), UNSURE, posted, {"courier"}))
    assert desk.now(receipt).state == "unsure"
    assert [timer.kind for timer in desk.timers()] == [LOOKUP]
    assert desk.in_outbox() == []


def test_with_nobody_to_carry_it_a_receipt_is_put_aside_and_comes_back_by_age(
    desk: Desk, courier: Courier
):
    receipt, older = desk.post(), desk.post(created_at=desk.clock.now() - dt.timedelta(hours=1))
    for each in (receipt, older):
        (posted,) = desk.outbox.fetch("desk", 1, 0)
        desk.settle(desk.delivery.defer(each, posted, courier.name))
    assert desk.in_outbox() == []
    (waiting,) = desk.outbox.backlog(["courier", "flasher"])
    assert (waiting.queue, waiting.count, waiting.oldest) == ("courier", 2, older.created_at)
    (first,) = desk.outbox.fetch_deferred("desk", "courier", 1)
    assert (first.receipt_id, first.deferred) == (older.id, True)
    desk.settle(desk.delivery.mark_sending(desk.now(older), first))
    desk.settle(desk.delivery.accepted(desk.now(older), "SM1", first))
    assert desk.outbox.reclaim("desk", 0, 1600) == []
    assert [p.receipt_id for p in desk.outbox.fetch_deferred("desk", "courier", 9)] == [receipt.id]


def test_what_another_worker_is_sending_is_not_put_aside(desk: Desk, courier: Courier):
    receipt = desk.post()
    posted = desk.begin(receipt)
    parked = desk.store.commit(desk.delivery.defer(receipt, posted, courier.name))
    assert parked.status is CommitStatus.CONFLICT
    assert (desk.outbox.backlog(["courier"]), desk.in_outbox()) == ([], [posted])


def test_a_text_found_for_one_receipt_is_not_found_for_another(desk: Desk):
    """Two workers look for the same words at the same moment, and both see the same text."""
    first, second = desk.post(), desk.post()
    for posted in desk.outbox.fetch("desk", 32, 0):
        (held,) = desk.store.receipts([posted.receipt_id])
        desk.settle(desk.delivery.mark_sending(held, posted))
        desk.settle(desk.delivery.failed(desk.now(held), UNSURE, posted))
    ends = [
        desk.store.commit(desk.delivery.lookup_found(desk.now(receipt), "SM1", timer))
        for receipt in (first, second)
        for timer in desk.timers()
        if timer.subject.startswith(receipt.id)
    ]
    assert [end.status for end in ends] == [CommitStatus.COMMITTED, CommitStatus.DUPLICATE]
    assert (desk.now(first).state, desk.now(second).state) == ("sent", "unsure")
    assert len(desk.timers()) == 1


def test_who_may_have_gone_out_stands_on_a_list_until_it_is_known(desk: Desk, built: Container):
    receipt = desk.post()
    fail(desk, receipt, UNSURE)
    count, oldest = built.clients.bulk_reader.unsure(10)
    assert (count, [r.id for r in oldest]) == (1, [receipt.id])
    tell(desk, receipt, ProviderStatus.DELIVERED)
    assert built.clients.bulk_reader.unsure(10) == (0, [])


def test_a_wait_that_ends_after_it_went_out_sends_nothing(desk: Desk):
    receipt = desk.post()
    fail(desk, receipt, LATER)
    now = tell(desk, receipt, ProviderStatus.UNDERWAY)
    (timer,) = desk.timers()
    desk.settle(desk.delivery.requeue(now, timer))
    assert (desk.in_outbox(), desk.timers()) == ([], [])


def test_unsure_is_looked_up_before_it_is_ever_sent_again(desk: Desk):
    receipt = desk.post()
    now = fail(desk, receipt, UNSURE)
    assert (now.state, now.note, now.done_at) == ("unsure", "unsure: no answer", None)
    assert desk.in_outbox() == []
    for turn, seconds in enumerate(RULES.look_after_seconds):
        (timer,) = desk.timers()
        assert timer.subject == f"{receipt.id}/{turn}"
        assert timer.at == desk.clock.now() + dt.timedelta(seconds=seconds)
        desk.clock.move(seconds=seconds)
        now = look(desk, receipt, None)
    assert (now.state, now.note) == ("due", "not found at the provider")
    assert desk.timers() == []
    desk.begin(receipt)
    assert desk.now(receipt).attempts == 2


def test_unsure_and_found_was_sent_and_is_charged(desk: Desk):
    receipt = desk.post()
    fail(desk, receipt, UNSURE)
    now = look(desk, receipt, "SM7")
    assert (now.state, now.provider_id, now.charge_fen) == ("sent", "SM7", 10)
    assert (desk.timers(), desk.in_outbox(), len(desk.charges())) == ([], [], 1)


def test_a_look_up_that_cannot_be_made_is_made_a_little_later(desk: Desk):
    receipt = desk.post()
    now = fail(desk, receipt, UNSURE)
    (timer,) = desk.timers()
    desk.settle(desk.delivery.in_doubt.reschedule_lookup(now, timer))
    (later,) = desk.timers()
    assert later.subject == timer.subject
    last = RULES.look_after_seconds[-1]
    assert later.at == desk.clock.now() + dt.timedelta(seconds=last)


def test_nobody_looks_for_ever(desk: Desk):
    receipt = desk.post()
    now = fail(desk, receipt, UNSURE)
    desk.clock.move(hours=RULES.expire_after_hours, seconds=1)
    (timer,) = desk.timers()
    desk.settle(desk.delivery.in_doubt.reschedule_lookup(now, timer))
    assert (desk.timers(), desk.now(receipt).state) == ([], "unsure")


def test_where_nothing_can_be_looked_up_unsure_waits_for_the_report(desk: Desk):
    receipt = desk.post(mode=DisplayMode.FLASH)
    now = fail(desk, receipt, UNSURE)
    assert (now.state, desk.timers(), desk.in_outbox(), desk.charges()) == ("unsure", [], [], [])
    now = tell(desk, receipt, ProviderStatus.DELIVERED)
    assert (now.state, now.charge_fen, len(desk.charges())) == ("delivered", 10, 1)


def test_unsure_and_old_stays_unsure(desk: Desk):
    receipt = desk.post(state=ReceiptState.UNSURE, provider="courier")
    desk.clock.move(days=3)
    desk.begin(receipt)
    assert desk.now(receipt).state == "unsure"
    assert desk.in_outbox() == []


def test_what_a_dead_worker_was_sending_is_looked_up(desk: Desk):
    receipt = desk.post()
    desk.begin(receipt)
    (posted,) = desk.in_outbox()
    desk.settle(desk.delivery.mark_sending(desk.now(receipt), posted))
    now = desk.now(receipt)
    assert (now.state, now.note, now.attempts) == (
        "unsure", "unsure: its worker ended while sending", 1,
    )  # fmt: skip
    assert [timer.kind for timer in desk.timers()] == [LOOKUP]
    assert desk.in_outbox() == []


@FAILURES
@pytest.mark.parametrize("told", [ProviderStatus.UNDERWAY, *FINAL], ids=str)
def test_our_failure_says_nothing_against_news_that_came_meanwhile(
    desk: Desk, told: ProviderStatus, failure: ProviderError
):
    receipt = desk.post()
    posted = desk.begin(receipt)
    knows = tell(desk, receipt, told)
    desk.clock.move(seconds=9)
    desk.settle(desk.delivery.failed(knows, failure, posted))
    assert desk.now(receipt) == knows
    assert (desk.in_outbox(), desk.timers()) == ([], [])


@pytest.mark.parametrize("told", FINAL, ids=str)
def test_a_look_up_after_final_news_changes_nothing(desk: Desk, told: ProviderStatus):
    receipt = desk.post()
    fail(desk, receipt, UNSURE)
    knows = tell(desk, receipt, told)
    (timer,) = desk.timers()
    last = Timer(LOOKUP, ANNA, f"{receipt.id}/{len(RULES.look_after_seconds) - 1}")
    for change in (
        desk.delivery.lookup_found(knows, "SM9", timer),
        desk.delivery.in_doubt.lookup_missed(knows, last),
    ):
        assert (change.records, change.charges, change.outbox, change.timers) == ((), (), (), ())
        assert change.fired_timer is not None


# -- news --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told", [ProviderStatus.UNDERWAY, ProviderStatus.DELIVERED, ProviderStatus.UNDELIVERED], ids=str
)
def test_news_may_overtake_the_answer_to_our_own_request(desk: Desk, told: ProviderStatus):
    receipt = desk.post()
    posted = desk.begin(receipt)
    knows = tell(desk, receipt, told, ident="SM1")
    assert (knows.provider_id, knows.charge_fen, knows.sent_at) == ("SM1", 10, desk.clock.now())
    desk.clock.move(seconds=3)
    desk.settle(desk.delivery.accepted(knows, "SM1", posted))
    now = desk.now(receipt)
    assert (now.state, now.sent_at, now.done_at) == (knows.state, knows.sent_at, knows.done_at)
    assert [charge.fen for charge in desk.charges()] == [10]
    assert desk.in_outbox() == []


def test_what_failed_at_the_provider_is_not_charged_when_its_answer_comes_after(desk: Desk):
    receipt = desk.post()
    posted = desk.begin(receipt)
    failed = tell(desk, receipt, ProviderStatus.FAILED)
    assert (failed.state, failed.sent_at, failed.done_at) == (
        "undelivered", None, desk.clock.now(),
    )  # fmt: skip
    desk.settle(desk.delivery.accepted(failed, "SM1", posted))
    now = desk.now(receipt)
    assert (now.state, now.provider_id, now.charge_fen) == ("undelivered", "SM1", 0)
    assert desk.charges() == []


def test_repeated_news_changes_nothing(desk: Desk):
    receipt = desk.post()
    desk.begin(receipt)
    for told, word in (
        (ProviderStatus.UNDERWAY, "sent"),
        (ProviderStatus.UNKNOWN, "weird"),
        (ProviderStatus.DELIVERED, "delivered"),
    ):
        knows = tell(desk, receipt, told, word)
        desk.clock.move(seconds=1)
        assert tell(desk, receipt, told, word) == knows


def test_news_that_comes_late_is_kept_and_moves_nothing_back(desk: Desk):
    receipt = desk.post()
    desk.begin(receipt)
    final = tell(desk, receipt, ProviderStatus.DELIVERED)
    desk.clock.move(seconds=5)
    now = tell(desk, receipt, ProviderStatus.UNDERWAY, "sent")
    assert (now.state, now.done_at, now.sent_at) == ("delivered", final.done_at, final.sent_at)
    assert [(news.raw_status, news.at) for news in now.history] == [
        ("delivered", final.done_at),
        ("sent", desk.clock.now()),
    ]


def test_the_first_final_news_stands_and_a_contradiction_is_kept_for_staff(desk: Desk):
    receipt = desk.post()
    desk.begin(receipt)
    tell(desk, receipt, ProviderStatus.UNDELIVERED, "undelivered 30003")
    now = tell(desk, receipt, ProviderStatus.DELIVERED)
    assert now.state == "undelivered"
    assert [news.raw_status for news in now.history] == ["undelivered 30003", "delivered"]
    assert len(desk.charges()) == 1


def test_a_word_we_do_not_know_is_kept_raw_and_moves_nothing(desk: Desk):
    receipt = desk.post()
    desk.begin(receipt)
    now = tell(desk, receipt, ProviderStatus.UNKNOWN, "partially_delivered")
    assert (now.state, now.charge_fen, now.done_at) == ("sending", 0, None)
    assert [news.raw_status for news in now.history] == ["partially_delivered"]


def test_a_talkative_provider_does_not_fill_the_record(desk: Desk):
    receipt = desk.post()
    for turn in range(30):
        now = tell(desk, receipt, ProviderStatus.UNKNOWN, f"word {turn}")
    assert [news.raw_status for news in now.history] == [f"word {turn}" for turn in range(10, 30)]


@pytest.mark.parametrize(
    ("told", "state", "fen"),
    [
        (ProviderStatus.UNDERWAY, "sent", 10),
        (ProviderStatus.DELIVERED, "delivered", 10),
        (ProviderStatus.UNDELIVERED, "undelivered", 10),
        (ProviderStatus.FAILED, "expired", 0),
    ],
)
def test_silence_is_not_final(desk: Desk, told: ProviderStatus, state: str, fen: int):
    receipt = desk.post(state=ReceiptState.EXPIRED, done_at=desk.clock.now())
    desk.clock.move(hours=1)
    now = tell(desk, receipt, told)
    assert (now.state, now.charge_fen) == (state, fen)
    ended_at = {"sent": None, "expired": receipt.done_at}.get(state, desk.clock.now())
    assert now.done_at == ended_at


def test_news_of_a_second_attempt_counts_though_the_word_is_known(desk: Desk):
    receipt = desk.post()
    desk.begin(receipt)
    posted = desk.in_outbox()[0]
    tell(desk, receipt, ProviderStatus.UNKNOWN, "sent")
    desk.settle(desk.delivery.failed(desk.now(receipt), LATER, posted))
    assert tell(desk, receipt, ProviderStatus.UNDERWAY, "sent").state == "sent"


NEWS = {
    "underway": ProviderStatus.UNDERWAY,
    "delivered": ProviderStatus.DELIVERED,
    "undelivered": ProviderStatus.UNDELIVERED,
    "odd": ProviderStatus.UNKNOWN,
}


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(["answer", "failed", *NEWS]), min_size=1, max_size=8))
def test_in_whatever_order_it_is_told_a_receipt_is_charged_once_at_most(said: list[str]):
    judge = ReceiptLifecycle(Router(Courier("c", flash=False, lookup=True)), RULES, TestClock())
    receipt = Receipt(
        "5-1", ANNA, "t", DisplayMode.TEXT, Language.ZH, TestClock().now(),
        version=1, state=ReceiptState.SENDING, message_id="SM1", recipient=FRIEND, price_fen=10,
    )  # fmt: skip
    charges = []
    for word in said:
        told = NEWS.get(word, ProviderStatus.FAILED)
        change = (
            judge.accepted(receipt, "SM1", OutboxEntry(5, "1-1", "5-1"))
            if word == "answer"
            else judge.apply_status(receipt, told, word, "SM1")
        )
        charges += change.charges
        for moved in change.records:
            assert isinstance(moved, Receipt)
            assert moved.version == receipt.version + 1
            assert not (receipt.state in ENDED and moved.state is not receipt.state)
            receipt = moved
    finals = [word for word in said if word in {"delivered", "undelivered", "failed"}]
    if finals:
        assert receipt.state == ("delivered" if finals[0] == "delivered" else "undelivered")
    went_out = [word for word in said if word != "odd"]
    expected = 0 if not went_out or went_out[0] == "failed" else 10
    assert sum(charge.fen for charge in charges) == receipt.charge_fen == expected
