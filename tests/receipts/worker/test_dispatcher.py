"""Dispatcher: routes, send slots, the backlog, and receipts released from it."""

import datetime as dt
import itertools
import time
from collections import Counter
from collections.abc import Callable

import pytest

from app.bootstrap import Container
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import TemporaryError
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.schema import SendingRules
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.worker import dispatcher as dispatcher_module
from receipts.worker.dispatcher import Dispatcher, SendTask
from receipts.worker.rate_limit import RateLimit
from tests.conftest import TestClock
from tests.support.sending import Desk, ProviderDouble, dispatching

RULES = SendingRules(demote_after=2, probe_after_seconds=(5,))
Make = Callable[..., Dispatcher]


@pytest.fixture
def make(
    built: Container, clock: TestClock, desk: Desk, courier: ProviderDouble, flasher: ProviderDouble
) -> Make:
    """Make a dispatcher over the providers of these names, in price order."""

    def make(*names: str, per_second: int = 0, **more: object) -> Dispatcher:
        limits = {}
        if per_second:
            limits = {name: RateLimit(f"{name}:7500", per_second) for name in names}
        order = [{"courier": courier, "flasher": flasher}[name] for name in names]
        routes = Router(order, [each for each in order if each.capabilities.flash], **more)
        desk.delivery = ReceiptLifecycle(routes, RULES, clock)
        return dispatching("one", built.clients, desk.delivery, clock, limits)

    return make


def tasks(desk: Desk, dispatcher: Dispatcher) -> list[SendTask]:
    """Send tasks of one round."""
    return dispatcher.next_tasks(desk.outbox.fetch("one", 1600, 0), 32)


def providers(found: list[SendTask]) -> list[tuple[str, str]]:
    return [(task.receipt.id, task.route.provider.name) for task in found]


def backlog(desk: Desk) -> dict[str, int]:
    found = Counter[str]()
    for each in desk.outbox.backlog(["flasher", "courier"]):
        found[each.queue] += each.count
    return dict(found)


def trip(dispatcher: Dispatcher, *names: str) -> None:
    """Open the circuit breakers of these providers."""
    for name in names:
        for _ in range(RULES.demote_after):
            dispatcher.breakers.record_failure(name, TemporaryError("busy"))


def test_cheapest_available_provider_is_chosen_and_recorded(make: Make, desk: Desk):
    dispatcher = make("flasher", "courier")
    first = desk.post()
    assert providers(tasks(desk, dispatcher)) == [(first.id, "flasher")]
    assert (desk.now(first).state, desk.now(first).provider) == ("sending", "flasher")
    trip(dispatcher, "flasher")
    second = desk.post(mode=DisplayMode.FLASH)
    assert providers(tasks(desk, dispatcher)) == [(second.id, "courier")]
    note = "no flash by flasher just now: sent as ordinary by courier"
    assert (desk.now(second).sent_as, desk.now(second).note) == (DisplayMode.TEXT, note)


def test_without_an_available_provider_receipts_wait_and_one_is_the_trial(make: Make, desk: Desk):
    dispatcher = make("courier")
    trip(dispatcher, "courier")
    posted = [desk.post() for _ in range(3)]
    assert tasks(desk, dispatcher) == []
    assert (backlog(desk), desk.in_outbox()) == ({"courier": 3}, [])
    assert {desk.now(receipt).attempts for receipt in posted} == {0}
    desk.clock.move(seconds=5)
    (task,) = tasks(desk, dispatcher)
    assert (task.route.trial, backlog(desk)) == (True, {"courier": 2})
    dispatcher.breakers.record_success("courier", trial=True)
    assert len(tasks(desk, dispatcher)) == 2
    assert backlog(desk) == {}


def test_fetch_takes_a_whole_surge_while_a_backlog_waits(make: Make, desk: Desk):
    dispatcher = make("courier", per_second=1)
    assert dispatcher.fetch_limit(20) == 20
    for _ in range(3):
        desk.post()
    assert len(tasks(desk, dispatcher)) == 1
    assert dispatcher.fetch_limit(20) == 1000


def test_fetch_takes_a_whole_surge_while_a_rate_limit_is_used_up(
    make: Make, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dispatcher_module, "_USED_UP_SECONDS", -1.0)
    dispatcher = make("courier", per_second=5)  # the second slot is a fifth of a second away
    for expected in (20, 1000):
        desk.post()
        assert len(tasks(desk, dispatcher)) == 1
        assert (dispatcher.fetch_limit(20), backlog(desk)) == (expected, {})
    time.sleep(0.5)
    desk.post()
    assert len(tasks(desk, dispatcher)) == 1
    assert dispatcher.fetch_limit(20) == 20


def test_backlog_moves_to_another_provider_once_one_is_available(make: Make, desk: Desk):
    dispatcher = make("flasher", "courier")
    trip(dispatcher, "flasher", "courier")
    receipt = desk.post()
    assert tasks(desk, dispatcher) == []
    assert backlog(desk) == {"flasher": 1}
    desk.clock.move(seconds=5)
    assert dispatcher.breakers.try_half_open("courier")
    dispatcher.breakers.record_success("courier", trial=True)
    assert dispatcher.breakers.try_half_open("flasher")
    assert providers(tasks(desk, dispatcher)) == [(receipt.id, "courier")]


def test_backlog_of_a_provider_removed_from_the_settings_is_sent(make: Make, desk: Desk):
    receipt = desk.post()
    desk.settle(desk.delivery.defer(receipt, desk.take(), "flasher"))
    dispatcher = make("courier", former=("flasher", "courier"))
    dispatcher.refresh_backlog()
    assert providers(tasks(desk, dispatcher)) == [(receipt.id, "courier")]


def test_beyond_the_rate_limit_the_oldest_are_sent_in_order_with_token_spacing(
    make: Make, desk: Desk
):
    dispatcher = make("courier", per_second=40)  # ten slots in a quarter of a second
    now = desk.clock.now()
    old = [desk.post(created_at=now - dt.timedelta(hours=hours)) for hours in range(1, 15)]
    first = tasks(desk, dispatcher)
    assert len(first) < len(old)
    ages = [task.receipt.created_at for task in first]
    assert ages == sorted(ages)
    assert len(first) + backlog(desk)["courier"] == len(old)
    times = [task.send_at for task in first]
    assert min(b - a for a, b in itertools.pairwise(times)) > 1 / 40


def test_missed_slot_is_asked_for_again_after_an_outage(
    make: Make, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    def gone(*_: object) -> None:
        raise StoreUnavailableError("gone")

    dispatcher = make("courier", per_second=40)
    desk.post()
    (task,) = tasks(desk, dispatcher)
    with monkeypatch.context() as patch:
        patch.setattr(RedisRateLimiter, "reserve", gone)
        assert dispatcher.next_slot(task) is None
    assert dispatcher.next_slot(task) is not None


def test_deferred_receipt_past_its_age_limit_expires_without_an_available_provider(
    make: Make, desk: Desk
):
    dispatcher = make("courier")
    trip(dispatcher, "courier")
    receipt = desk.post()
    assert tasks(desk, dispatcher) == []
    desk.clock.move(hours=RULES.expire_after_hours, seconds=1)
    dispatcher.refresh_backlog()
    assert tasks(desk, dispatcher) == []
    now = desk.now(receipt)
    assert (now.state, now.note, now.charge_fen) == ("expired", "too old to be of use", 0)
    assert (backlog(desk), desk.in_outbox(), desk.charges()) == ({}, [], [])


def test_backlog_that_can_be_sent_shortens_the_poll_time_out(make: Make, desk: Desk):
    dispatcher = make("courier")
    assert dispatcher.poll_timeout(0.5) == 0.5
    desk.settle(desk.delivery.defer(desk.post(), desk.take(), "courier"))
    dispatcher.refresh_backlog()
    assert dispatcher.poll_timeout(0.5) == dispatcher_module._BUSY_POLL_SECONDS  # noqa: SLF001
    trip(dispatcher, "courier")
    assert dispatcher.poll_timeout(0.5) == 0.5
