"""Timers fire exactly once: order expiry, month end, retries, call summaries."""

import datetime as dt
from collections.abc import Callable

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.delivery import notifications
from receipts.delivery.in_doubt import LOOKUP
from receipts.model.calendar import next_month
from receipts.model.customer import CallLog, Order, Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.store import StoreUnavailableError
from receipts.subscriptions.decision import END, ORDER_EXPIRY
from receipts.worker.timers import TimerService
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.fixtures import audit, contents, standing
from tests.support.fixtures import notices as told
from tests.support.sending import Desk

ANNA = Msisdn(GUANGDONG)
Fire = Callable[[], list[str]]


@pytest.fixture
def service(built: Container) -> TimerService:
    return built.timer_service()


@pytest.fixture
def fire_due(service: TimerService) -> Fire:
    """Fire all due timers; their kinds."""

    def all_due() -> list[str]:
        timers = service.due_timers(100)
        assert all(service.fire(timer) for timer in timers)
        return [timer.kind for timer in timers]

    return all_due


def test_unconfirmed_order_expires_with_one_notification(
    network: Network, built: Container, clock: TestClock, fire_due: Fire, raw: "redis.Redis"
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=48, seconds=-1)
    assert fire_due() == []
    clock.move(seconds=1)
    assert fire_due() == [ORDER_EXPIRY]
    customer = standing(built, GUANGDONG)
    assert (customer.state, customer.order, customer.lapsed_at) == ("none", None, clock.now())
    (notice,) = built.store.receipts_of(ANNA, 9, MessageKind.NOTICE)
    assert (notice.mode, notice.price_fen, notice.state) == ("text", 0, "due")
    assert [entry["event"] for entry in audit(raw, GUANGDONG)][-1] == "time:lapse"
    assert fire_due() == []


def test_timer_fired_twice_sends_one_notification(
    network: Network, built: Container, clock: TestClock, service: TimerService
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=49)
    (timer,) = service.due_timers(5)
    service.fire(timer)
    service.fire(timer)
    assert len(told(built, GUANGDONG)) == 1


def test_confirmed_order_leaves_no_timer(network: Network, clock: TestClock, fire_due: Fire):
    network.open()
    clock.move(hours=49)
    assert fire_due() == []


def test_repeated_order_expires_from_its_own_time(
    network: Network, built: Container, clock: TestClock, fire_due: Fire
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=47)
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=2)
    assert fire_due() == []
    clock.move(hours=46)
    assert fire_due() == [ORDER_EXPIRY]
    assert len(told(built, GUANGDONG)) == 1


def test_order_repeated_while_its_timer_is_due_expires_later(
    network: Network, built: Container, clock: TestClock, service: TimerService, fire_due: Fire
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=48)
    (timer,) = service.due_timers(5)
    network.text(GUANGDONG, "开通短信回执")  # after the timer was fetched
    service.fire(timer)
    assert standing(built, GUANGDONG).state == "pending"
    clock.move(hours=48)
    assert fire_due() == [ORDER_EXPIRY]
    assert standing(built, GUANGDONG).state == "none"


def test_cancelled_service_ends_with_the_month_without_a_notification(
    network: Network, built: Container, clock: TestClock, fire_due: Fire
):
    network.open()
    network.text(GUANGDONG, "取消短信回执")
    customer = standing(built, GUANGDONG)
    assert (customer.state, customer.ends_at) == ("ending", next_month(clock.now()))
    clock.at = next_month(clock.now()) - dt.timedelta(microseconds=1)
    assert fire_due() == []
    clock.move(microseconds=1)
    assert fire_due() == [END]
    customer = standing(built, GUANGDONG)
    assert (customer.state, customer.ends_at) == ("none", None)
    assert (fire_due(), told(built, GUANGDONG)) == ([], [])


def test_service_reopened_before_the_month_end_stays_active(
    network: Network, built: Container, clock: TestClock, fire_due: Fire
):
    network.open()
    network.text(GUANGDONG, "取消短信回执")
    network.open()
    clock.move(days=20)
    assert fire_due() == []
    assert standing(built, GUANGDONG).state == "active"


@pytest.mark.parametrize("kind", [ORDER_EXPIRY, END])
def test_timer_without_a_subject_is_only_removed(
    built: Container, clock: TestClock, fire_due: Fire, raw: "redis.Redis", kind: str
):
    built.store.commit(ChangeSet(ANNA, timers=(Timer(kind, ANNA, "", clock.now()),)))
    assert fire_due() == [kind]
    assert fire_due() == []
    assert standing(built, GUANGDONG) == Subscription(ANNA)
    assert audit(raw, GUANGDONG) == []


@pytest.mark.parametrize("kind", [ORDER_EXPIRY, END])
def test_timer_fired_too_early_is_rescheduled(
    built: Container, clock: TestClock, service: TimerService, kind: str
):
    later = clock.now() + dt.timedelta(days=3)
    order = Order(Channel.TEXT, clock.now(), later, "GD-1")
    customer = Subscription(
        ANNA, version=1, state=SubscriptionState.ENDING, order=order, ends_at=later
    )
    early = Timer(kind, ANNA, "", clock.now())
    built.store.commit(ChangeSet(ANNA, records=(customer,), timers=(early,)))
    service.fire(early)
    assert standing(built, GUANGDONG) == customer
    assert service.due_timers(5) == []
    clock.at = later
    assert service.due_timers(5) == [replace(early, at=later)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [(END, SubscriptionState.ACTIVE), (ORDER_EXPIRY, SubscriptionState.SUSPENDED)],
)
def test_timer_that_finds_another_state_changes_no_subscription(
    built: Container, clock: TestClock, fire_due: Fire, kind: str, state: SubscriptionState
):
    now = clock.now()
    order = Order(Channel.TEXT, now, now, "GD-1") if kind == ORDER_EXPIRY else None
    ends_at = now if kind == END else None
    customer = Subscription(ANNA, version=1, state=state, order=order, ends_at=ends_at)
    timer = Timer(kind, ANNA, "", now)
    built.store.commit(ChangeSet(ANNA, records=(customer,), timers=(timer,)))
    assert (fire_due(), fire_due()) == ([kind], [])
    assert (standing(built, GUANGDONG), told(built, GUANGDONG)) == (customer, [])


def test_retry_timer_requeues_its_receipt(desk: Desk, fire_due: Fire, clock: TestClock):
    receipt = desk.post()
    desk.take()
    timer = Timer("retry", desk.now(receipt).number, receipt.id, clock.now())
    gone = Timer("retry", ANNA, desk.store.receipt_id(ANNA, "ff"), clock.now())
    desk.settle(ChangeSet(receipt.number, timers=(timer, gone)))
    assert fire_due() == ["retry", "retry"]
    assert fire_due() == []
    assert desk.take().receipt_id == receipt.id


def test_call_without_a_reported_end_is_summarised_by_its_timer(
    built: Container, clock: TestClock, fire_due: Fire
):
    call = CallLog("CA1", ANNA, Language.ZH, version=1, acts=(("now_text", _params(built)),))
    timer = Timer(notifications.CALL, ANNA, "CA1", clock.now())
    built.store.commit(ChangeSet(ANNA, records=(call,), timers=(timer,)))
    assert fire_due() == [notifications.CALL]
    assert len(told(built, GUANGDONG)) == 1
    more = replace(call, version=3, acts=(("now_flash", _params(built)),))
    built.store.commit(ChangeSet(ANNA, records=(more,), timers=(timer,)))
    assert fire_due() == [notifications.CALL], "the same call had another change"
    assert len(told(built, GUANGDONG)) == 2
    built.store.commit(ChangeSet(ANNA, timers=(timer,)))
    assert fire_due() == [notifications.CALL]
    assert len(told(built, GUANGDONG)) == 2, "no change since"


def _params(built: Container) -> dict[str, str]:
    return built.policy.template_params(Subscription(ANNA), Language.ZH)


def test_timer_kind_without_a_handler_is_refused(service: TimerService, raw: "redis.Redis"):
    before = contents(raw)
    assert service.fire(Timer(LOOKUP, ANNA, "5-1/0")) is False
    assert contents(raw) == before


def test_timer_that_loses_a_race_stays_due(
    network: Network, built: Container, clock: TestClock, service: TimerService,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=49)
    (timer,) = service.due_timers(5)
    real = built.store.commit

    def overtaken(change: ChangeSet) -> object:
        monkeypatch.undo()
        network.text(GUANGDONG, "ENGLISH")  # the customer's own text commits first
        return real(change)

    monkeypatch.setattr(type(built.store), "commit", lambda _, change: overtaken(change))
    service.fire(timer)
    assert told(built, GUANGDONG) == []
    service.fire(timer)
    assert len(told(built, GUANGDONG)) == 1


def test_store_outage_is_raised(service: TimerService, monkeypatch: pytest.MonkeyPatch):
    def gone(*_: object, **__: object) -> Receipt:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(service._store, "load", gone)  # noqa: SLF001 - cut just here
    with pytest.raises(StoreUnavailableError):
        service.fire(Timer(ORDER_EXPIRY, ANNA, ""))
