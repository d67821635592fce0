"""What time alone brings, each exactly once: stale orders, month ends, waits, summings-up."""

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
Ring = Callable[[], list[str]]


@pytest.fixture
def sweep(built: Container) -> TimerService:
    return built.timer_service()


@pytest.fixture
def ring(sweep: TimerService) -> Ring:
    """Ring all that is due; which kinds they were."""

    def all_due() -> list[str]:
        timers = sweep.due_timers(100)
        assert all(sweep.fire(timer) for timer in timers)
        return [timer.kind for timer in timers]

    return all_due


def test_an_order_nobody_answered_ends_and_the_customer_is_told_once(
    network: Network, built: Container, clock: TestClock, ring: Ring, raw: "redis.Redis"
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=48, seconds=-1)
    assert ring() == []
    clock.move(seconds=1)
    assert ring() == [ORDER_EXPIRY]
    customer = standing(built, GUANGDONG)
    assert (customer.state, customer.order, customer.lapsed_at) == ("none", None, clock.now())
    (notice,) = built.store.receipts_of(ANNA, 9, MessageKind.NOTICE)
    assert (notice.mode, notice.price_fen, notice.state) == ("text", 0, "due")
    assert [entry["event"] for entry in audit(raw, GUANGDONG)][-1] == "time:lapse"
    assert ring() == []


def test_two_sweeps_at_once_tell_the_customer_once(
    network: Network, built: Container, clock: TestClock, sweep: TimerService
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=49)
    (timer,) = sweep.due_timers(5)
    sweep.fire(timer)
    sweep.fire(timer)
    assert len(told(built, GUANGDONG)) == 1


def test_an_order_that_was_answered_leaves_nothing_to_ring(
    network: Network, clock: TestClock, ring: Ring
):
    network.open()
    clock.move(hours=49)
    assert ring() == []


def test_an_order_made_anew_is_waited_for_anew(
    network: Network, built: Container, clock: TestClock, ring: Ring
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=47)
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=2)
    assert ring() == []
    clock.move(hours=46)
    assert ring() == [ORDER_EXPIRY]
    assert len(told(built, GUANGDONG)) == 1


def test_an_order_renewed_just_as_its_timer_rings_still_ends_in_time(
    network: Network, built: Container, clock: TestClock, sweep: TimerService, ring: Ring
):
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=48)
    (timer,) = sweep.due_timers(5)
    network.text(GUANGDONG, "开通短信回执")  # between the sweep's look and its ring
    sweep.fire(timer)
    assert standing(built, GUANGDONG).state == "pending"
    clock.move(hours=48)
    assert ring() == [ORDER_EXPIRY]
    assert standing(built, GUANGDONG).state == "none"


def test_a_cancelled_service_ends_with_the_month_and_says_no_more(
    network: Network, built: Container, clock: TestClock, ring: Ring
):
    network.open()
    network.text(GUANGDONG, "取消短信回执")
    customer = standing(built, GUANGDONG)
    assert (customer.state, customer.ends_at) == ("ending", next_month(clock.now()))
    clock.at = next_month(clock.now()) - dt.timedelta(microseconds=1)
    assert ring() == []
    clock.move(microseconds=1)
    assert ring() == [END]
    customer = standing(built, GUANGDONG)
    assert (customer.state, customer.ends_at) == ("none", None)
    assert (ring(), told(built, GUANGDONG)) == ([], [])


def test_a_service_reopened_before_the_month_ends_goes_on(
    network: Network, built: Container, clock: TestClock, ring: Ring
):
    network.open()
    network.text(GUANGDONG, "取消短信回执")
    network.open()
    clock.move(days=20)
    assert ring() == []
    assert standing(built, GUANGDONG).state == "active"


@pytest.mark.parametrize("kind", [ORDER_EXPIRY, END])
def test_a_timer_without_a_matter_is_only_put_away(
    built: Container, clock: TestClock, ring: Ring, raw: "redis.Redis", kind: str
):
    built.store.commit(ChangeSet(ANNA, timers=(Timer(kind, ANNA, "", clock.now()),)))
    assert ring() == [kind]
    assert ring() == []
    assert standing(built, GUANGDONG) == Subscription(ANNA)
    assert audit(raw, GUANGDONG) == []


@pytest.mark.parametrize("kind", [ORDER_EXPIRY, END])
def test_a_timer_that_rings_too_early_is_set_for_its_moment(
    built: Container, clock: TestClock, sweep: TimerService, kind: str
):
    later = clock.now() + dt.timedelta(days=3)
    order = Order(Channel.TEXT, clock.now(), later, "GD-1")
    customer = Subscription(
        ANNA, version=1, state=SubscriptionState.ENDING, order=order, ends_at=later
    )
    early = Timer(kind, ANNA, "", clock.now())
    built.store.commit(ChangeSet(ANNA, records=(customer,), timers=(early,)))
    sweep.fire(early)
    assert standing(built, GUANGDONG) == customer
    assert sweep.due_timers(5) == []
    clock.at = later
    assert sweep.due_timers(5) == [replace(early, at=later)]


def test_a_month_end_that_finds_another_state_changes_nothing(
    built: Container, clock: TestClock, ring: Ring
):
    customer = Subscription(ANNA, version=1, state=SubscriptionState.ACTIVE, ends_at=clock.now())
    timer = Timer(END, ANNA, "", clock.now())
    built.store.commit(ChangeSet(ANNA, records=(customer,), timers=(timer,)))
    assert (ring(), ring()) == ([END], [])
    assert standing(built, GUANGDONG) == customer


def test_a_lapse_that_finds_another_state_changes_nothing(
    built: Container, clock: TestClock, ring: Ring
):
    order = Order(Channel.TEXT, clock.now(), clock.now(), "GD-1")
    customer = Subscription(ANNA, version=1, state=SubscriptionState.SUSPENDED, order=order)
    timer = Timer(ORDER_EXPIRY, ANNA, "", clock.now())
    built.store.commit(ChangeSet(ANNA, records=(customer,), timers=(timer,)))
    assert (ring(), ring()) == ([ORDER_EXPIRY], [])
    assert standing(built, GUANGDONG) == customer
    assert told(built, GUANGDONG) == []


def test_a_wait_that_is_over_puts_a_receipt_back_into_the_outbox(
    desk: Desk, ring: Ring, clock: TestClock
):
    receipt = desk.post()
    desk.take()
    timer = Timer("retry", desk.now(receipt).number, receipt.id, clock.now())
    gone = Timer("retry", ANNA, desk.store.receipt_id(ANNA, "ff"), clock.now())
    desk.settle(ChangeSet(receipt.number, timers=(timer, gone)))
    assert ring() == ["retry", "retry"]
    assert ring() == []
    assert desk.take().receipt_id == receipt.id


def test_a_call_whose_end_nobody_told_is_summed_up_in_time(
    built: Container, clock: TestClock, ring: Ring
):
    call = CallLog("CA1", ANNA, Language.ZH, version=1, acts=(("now_text", _facts(built)),))
    timer = Timer(notifications.CALL, ANNA, "CA1", clock.now())
    built.store.commit(ChangeSet(ANNA, records=(call,), timers=(timer,)))
    assert ring() == [notifications.CALL]
    assert len(told(built, GUANGDONG)) == 1
    more = replace(call, version=3, acts=(("now_flash", _facts(built)),))
    built.store.commit(ChangeSet(ANNA, records=(more,), timers=(timer,)))
    assert ring() == [notifications.CALL], "the same call went on, and changed more"
    assert len(told(built, GUANGDONG)) == 2
    built.store.commit(ChangeSet(ANNA, timers=(timer,)))
    assert ring() == [notifications.CALL]
    assert len(told(built, GUANGDONG)) == 2, "nothing was done since"


def _facts(built: Container) -> dict[str, str]:
    return built.policy.template_params(Subscription(ANNA), Language.ZH)


def test_a_timer_of_a_kind_that_others_ring_is_left_to_them(
    sweep: TimerService, raw: "redis.Redis"
):
    before = contents(raw)
    assert sweep.fire(Timer(LOOKUP, ANNA, "5-1/0")) is False
    assert contents(raw) == before


def test_a_ring_that_loses_a_race_is_left_for_the_next_sweep(
    network: Network, built: Container, clock: TestClock, sweep: TimerService,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    network.text(GUANGDONG, "开通短信回执")
    clock.move(hours=49)
    (timer,) = sweep.due_timers(5)
    real = built.store.commit

    def overtaken(change: ChangeSet) -> object:
        monkeypatch.undo()
        network.text(GUANGDONG, "ENGLISH")  # the customer's own text is quicker
        return real(change)

    monkeypatch.setattr(type(built.store), "commit", lambda _, change: overtaken(change))
    sweep.fire(timer)
    assert told(built, GUANGDONG) == []
    sweep.fire(timer)
    assert len(told(built, GUANGDONG)) == 1


def test_a_store_out_of_reach_is_said_aloud(sweep: TimerService, monkeypatch: pytest.MonkeyPatch):
    def gone(*_: object, **__: object) -> Receipt:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(sweep._store, "load", gone)  # noqa: SLF001 - cut just here
    with pytest.raises(StoreUnavailableError):
        sweep.fire(Timer(ORDER_EXPIRY, ANNA, ""))
