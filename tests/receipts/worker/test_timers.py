"""Timers fire exactly once: order expiry, month end, retries, call summaries."""

import datetime as dt
from dataclasses import dataclass

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.delivery import notifications
from receipts.delivery.digest import DIGEST
from receipts.delivery.in_doubt import LOOKUP
from receipts.model.calendar import next_month
from receipts.model.customer import CallLog, Order, Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Timer
from receipts.ports.store import StoreUnavailableError
from receipts.subscriptions.decision import END, ORDER_EXPIRY, UNPAID
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.fixtures import audit, contents, notices, standing
from tests.support.months import Months
from tests.support.sending import Desk

ANNA = Msisdn(GUANGDONG)


@dataclass
class Sweep:
    """The timers of one customer, fired by hand."""

    built: Container
    network: Network
    clock: TestClock

    def __post_init__(self) -> None:
        self.store, self.service = self.built.store, self.built.timer_service()

    def fire_due(self) -> list[str]:
        """Fire all due timers; their kinds."""
        timers = self.service.due_timers(100)
        assert all(self.service.fire(timer) for timer in timers)
        return [timer.kind for timer in timers]

    def customer(self) -> Subscription:
        return standing(self.built, GUANGDONG)

    def notices(self) -> list[str]:
        return notices(self.built, GUANGDONG)


@pytest.fixture
def sweep(built: Container, network: Network, clock: TestClock) -> Sweep:
    return Sweep(built, network, clock)


def test_unconfirmed_order_expires_with_one_notification(sweep: Sweep, raw: "redis.Redis"):
    sweep.network.text(GUANGDONG, "开通短信回执")
    sweep.clock.move(hours=48, seconds=-1)
    assert sweep.fire_due() == []
    sweep.clock.move(seconds=1)
    assert sweep.fire_due() == [ORDER_EXPIRY]
    customer = sweep.customer()
    assert (customer.state, customer.order, customer.lapsed_at) == ("none", None, sweep.clock.now())
    (notice,) = sweep.store.receipts_of(ANNA, 9, MessageKind.NOTICE)
    assert (notice.mode, notice.price_fen, notice.state) == ("text", 0, "due")
    assert [entry["event"] for entry in audit(raw, GUANGDONG)][-1] == "time:lapse"
    assert sweep.fire_due() == []


def test_digest_timers_alone_are_due_ahead_of_their_time(sweep: Sweep):
    now, lead = sweep.clock.now(), dt.timedelta(seconds=0.2)
    soon = [Timer(kind, ANNA, "a", now + lead) for kind in (DIGEST, LOOKUP)]
    overdue, later = (
        Timer(DIGEST, ANNA, each, now + sign * 2 * lead) for each, sign in (("b", -1), ("c", 1))
    )
    sweep.store.commit(ChangeSet(ANNA, timers=(*soon, overdue, later)))
    assert sweep.service.due_timers(5, lead) == [overdue, soon[0]]
    assert sweep.service.due_timers(5) == [overdue]


def test_timer_fired_twice_sends_one_notification(sweep: Sweep):
    sweep.network.text(GUANGDONG, "开通短信回执")
    sweep.clock.move(hours=49)
    (timer,) = sweep.service.due_timers(5)
    sweep.service.fire(timer)
    sweep.service.fire(timer)
    assert len(sweep.notices()) == 1


def test_confirmed_order_leaves_no_timer(sweep: Sweep):
    sweep.network.open()
    sweep.clock.move(hours=49)
    assert sweep.fire_due() == []


def test_repeated_order_expires_from_its_own_time(sweep: Sweep):
    sweep.network.text(GUANGDONG, "开通短信回执")
    sweep.clock.move(hours=47)
    sweep.network.text(GUANGDONG, "开通短信回执")
    sweep.clock.move(hours=2)
    assert sweep.fire_due() == []
    sweep.clock.move(hours=46)
    assert sweep.fire_due() == [ORDER_EXPIRY]
    assert len(sweep.notices()) == 1


def test_order_repeated_while_its_timer_is_due_expires_later(sweep: Sweep):
    sweep.network.text(GUANGDONG, "开通短信回执")
    sweep.clock.move(hours=48)
    (timer,) = sweep.service.due_timers(5)
    sweep.network.text(GUANGDONG, "开通短信回执")  # after the timer was fetched
    sweep.service.fire(timer)
    assert sweep.customer().state == "pending"
    sweep.clock.move(hours=48)
    assert sweep.fire_due() == [ORDER_EXPIRY]
    assert sweep.customer().state == "none"


def test_cancelled_service_ends_with_the_month_without_a_notification(sweep: Sweep):
    sweep.network.open()
    sweep.network.text(GUANGDONG, "取消短信回执")
    customer = sweep.customer()
    assert (customer.state, customer.ends_at) == ("ending", next_month(sweep.clock.now()))
    sweep.clock.at = next_month(sweep.clock.now()) - dt.timedelta(microseconds=1)
    assert sweep.fire_due() == []
    sweep.clock.move(microseconds=1)
    assert sweep.fire_due() == [END]
    customer = sweep.customer()
    assert (customer.state, customer.ends_at) == ("none", None)
    assert (sweep.fire_due(), sweep.notices()) == ([], [])


def test_service_reopened_before_the_month_end_stays_active(sweep: Sweep):
    sweep.network.open()
    sweep.network.text(GUANGDONG, "取消短信回执")
    sweep.network.open()
    sweep.clock.move(days=20)
    assert sweep.fire_due() == []
    assert sweep.customer().state == "active"


@pytest.mark.parametrize("kind", [ORDER_EXPIRY, END])
def test_timer_without_a_subject_is_only_removed(sweep: Sweep, raw: "redis.Redis", kind: str):
    sweep.store.commit(ChangeSet(ANNA, timers=(Timer(kind, ANNA, "", sweep.clock.now()),)))
    assert sweep.fire_due() == [kind]
    assert sweep.fire_due() == []
    assert sweep.customer() == Subscription(ANNA)
    assert audit(raw, GUANGDONG) == []


@pytest.mark.parametrize("kind", [ORDER_EXPIRY, END])
def test_timer_fired_too_early_is_rescheduled(sweep: Sweep, kind: str):
    later = sweep.clock.now() + dt.timedelta(days=3)
    order = Order(Channel.TEXT, sweep.clock.now(), later, "GD-1")
    customer = Subscription(
        ANNA, version=1, state=SubscriptionState.ENDING, order=order, ends_at=later
    )
    early = Timer(kind, ANNA, "", sweep.clock.now())
    sweep.store.commit(ChangeSet(ANNA, records=(customer,), timers=(early,)))
    sweep.service.fire(early)
    assert sweep.customer() == customer
    assert sweep.service.due_timers(5) == []
    sweep.clock.at = later
    assert sweep.service.due_timers(5) == [replace(early, at=later)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [(END, SubscriptionState.ACTIVE), (ORDER_EXPIRY, SubscriptionState.SUSPENDED)],
)
def test_timer_that_finds_another_state_changes_no_subscription(
    sweep: Sweep, kind: str, state: SubscriptionState
):
    now = sweep.clock.now()
    order = Order(Channel.TEXT, now, now, "GD-1") if kind == ORDER_EXPIRY else None
    ends_at = now if kind == END else None
    customer = Subscription(ANNA, version=1, state=state, order=order, ends_at=ends_at)
    timer = Timer(kind, ANNA, "", now)
    sweep.store.commit(ChangeSet(ANNA, records=(customer,), timers=(timer,)))
    assert (sweep.fire_due(), sweep.fire_due()) == ([kind], [])
    assert (sweep.customer(), sweep.notices()) == (customer, [])


@pytest.mark.fixed_day
@pytest.mark.parametrize("known", ["before", "after"], ids=["read before", "read after"])
def test_second_suspension_ends_the_service_though_the_first_timer_fires(
    sweep: Sweep, months: Months, monkeypatch: pytest.MonkeyPatch, known: str
):
    """The customer pays and fails again while a worker fires the timer of the first suspension."""
    sweep.network.open()
    months.collected(GUANGDONG, "2026-11", paid=False)
    sweep.clock.at = next_month(next_month(sweep.clock.now()))
    (first,) = sweep.service.due_timers(5)
    before = sweep.store.load(ANNA)
    months.collected(GUANGDONG, "2026-11", paid=True)
    months.collected(GUANGDONG, "2027-01", paid=False)
    if known == "before":
        with monkeypatch.context() as patch:
            patch.setattr(type(sweep.store), "load", lambda *_: before)
            sweep.service.fire(first)
    else:
        sweep.service.fire(first)
    assert sweep.customer().state == "suspended"
    sweep.clock.at = next_month(next_month(sweep.clock.now())) - dt.timedelta(microseconds=1)
    assert sweep.fire_due() == []
    sweep.clock.move(microseconds=1)
    assert sweep.fire_due() == [UNPAID]
    assert sweep.customer().state == "none"


def test_timer_set_to_later_after_it_was_fetched_stays_set(sweep: Sweep):
    fetched = Timer(END, ANNA, "", sweep.clock.now())
    later = replace(fetched, at=sweep.clock.now() + dt.timedelta(days=1))
    sweep.store.commit(ChangeSet(ANNA, timers=(fetched,)))
    (due,) = sweep.service.due_timers(5)
    sweep.store.commit(ChangeSet(ANNA, timers=(later,)))
    status = sweep.store.commit(ChangeSet(ANNA, fired_timer=due)).status
    assert status is CommitStatus.CONFLICT
    sweep.clock.move(days=1)
    assert sweep.service.due_timers(5) == [later]


def test_retry_timer_requeues_its_receipt(sweep: Sweep, desk: Desk):
    receipt = desk.post()
    desk.take()
    timer = Timer("retry", desk.now(receipt).number, receipt.id, sweep.clock.now())
    gone = Timer("retry", ANNA, desk.store.receipt_id(ANNA, "ff"), sweep.clock.now())
    desk.settle(ChangeSet(receipt.number, timers=(timer, gone)))
    assert sweep.fire_due() == ["retry", "retry"]
    assert sweep.fire_due() == []
    assert desk.take().receipt_id == receipt.id


def test_call_without_a_reported_end_is_summarised_by_its_timer(sweep: Sweep):
    params = sweep.built.policy.template_params(Subscription(ANNA), Language.ZH)
    call = CallLog("CA1", ANNA, Language.ZH, version=1, acts=(("now_text", params),))
    timer = Timer(notifications.CALL, ANNA, "CA1", sweep.clock.now())
    sweep.store.commit(ChangeSet(ANNA, records=(call,), timers=(timer,)))
    assert sweep.fire_due() == [notifications.CALL]
    assert len(sweep.notices()) == 1
    more = replace(call, version=3, acts=(("now_flash", params),))
    sweep.store.commit(ChangeSet(ANNA, records=(more,), timers=(timer,)))
    assert sweep.fire_due() == [notifications.CALL], "the same call had another change"
    assert len(sweep.notices()) == 2
    sweep.store.commit(ChangeSet(ANNA, timers=(timer,)))
    assert sweep.fire_due() == [notifications.CALL]
    assert len(sweep.notices()) == 2, "no change since"


def test_timer_kind_without_a_handler_is_refused(sweep: Sweep, raw: "redis.Redis"):
    before = contents(raw)
    assert sweep.service.fire(Timer(LOOKUP, ANNA, "5-1/0")) is False
    assert contents(raw) == before


def test_timer_that_loses_a_race_stays_due(sweep: Sweep, monkeypatch: pytest.MonkeyPatch):
    sweep.network.text(GUANGDONG, "开通短信回执")
    sweep.clock.move(hours=49)
    (timer,) = sweep.service.due_timers(5)
    real = sweep.store.commit

    def overtaken(change: ChangeSet) -> object:
        monkeypatch.undo()
        sweep.network.text(GUANGDONG, "ENGLISH")  # the customer's own text commits first
        return real(change)

    monkeypatch.setattr(type(sweep.store), "commit", lambda _, change: overtaken(change))
    sweep.service.fire(timer)
    assert sweep.notices() == []
    sweep.service.fire(timer)
    assert len(sweep.notices()) == 1


def test_store_outage_is_raised(sweep: Sweep, monkeypatch: pytest.MonkeyPatch):
    def gone(*_: object, **__: object) -> Receipt:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(sweep.service._store, "load", gone)  # noqa: SLF001 - cut just here
    with pytest.raises(StoreUnavailableError):
        sweep.service.fire(Timer(ORDER_EXPIRY, ANNA, ""))
