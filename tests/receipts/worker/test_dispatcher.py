"""What a worker takes next: by whom it goes, what is put aside, and what comes back."""

import datetime as dt
import itertools
from collections.abc import Callable

import pytest

from app.bootstrap import Container
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import TemporaryError
from receipts.rulebook.schema import SendingRules
from receipts.worker import dispatcher as room
from receipts.worker.dispatcher import Dispatcher, SendTask
from receipts.worker.rate_limit import RateLimit
from tests.conftest import TestClock
from tests.support.sending import Courier, Desk, dispatching

RULES = SendingRules(demote_after=2, probe_after_seconds=(5,))
BUSY = TemporaryError("busy")


@pytest.fixture
def working(built: Container, clock: TestClock, desk: Desk) -> Callable[..., Dispatcher]:
    """A worker's dispatch over these routes."""

    def make(*order: Courier, pace: int = 0, **more: object) -> Dispatcher:
        paces = {each.name: RateLimit(f"{each.name}:7500", pace) for each in order} if pace else {}
        routes = Router(order, [each for each in order if each.abilities.flash], **more)
        desk.delivery = ReceiptLifecycle(routes, RULES, clock)
        memory = built.memory
        return dispatching("one", memory, desk.delivery, clock, paces)

    return make


def taken(desk: Desk, dispatch: Dispatcher, room: int = 32) -> list[SendTask]:
    """One round."""
    return dispatch.next_tasks(desk.outbox.fetch("one", 1600, 0), room)


def names(loads: list[SendTask]) -> list[tuple[str, str]]:
    return [(load.receipt.id, load.route.provider.name) for load in loads]


def waiting(desk: Desk) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in desk.outbox.backlog(["flasher", "courier"]):
        found[each.queue] = found.get(each.queue, 0) + each.count
    return found


def test_the_cheapest_in_use_carries_it_and_the_record_says_so(
    working: Callable[..., Dispatcher], desk: Desk, courier: Courier, flasher: Courier
):
    dispatch = working(flasher, courier)
    first = desk.post()
    assert names(taken(desk, dispatch)) == [(first.id, "flasher")]
    assert (desk.now(first).state, desk.now(first).provider) == ("sending", "flasher")
    for _ in range(2):
        dispatch.breakers.record_failure("flasher", BUSY)
    second = desk.post(mode=DisplayMode.FLASH)
    assert names(taken(desk, dispatch)) == [(second.id, "courier")]
    note = "no flash by flasher just now: sent as ordinary by courier"
    assert (desk.now(second).sent_as, desk.now(second).note) == (DisplayMode.TEXT, note)


def test_with_nobody_in_use_all_wait_and_one_tries_after_a_while(
    working: Callable[..., Dispatcher], desk: Desk, courier: Courier
):
    dispatch = working(courier)
    for _ in range(2):
        dispatch.breakers.record_failure("courier", BUSY)
    posted = [desk.post() for _ in range(3)]
    assert taken(desk, dispatch) == []
    assert (waiting(desk), desk.in_outbox()) == ({"courier": 3}, [])
    assert {desk.now(receipt).attempts for receipt in posted} == {0}
    desk.clock.move(seconds=5)
    (load,) = taken(desk, dispatch)
    assert (load.route.trial, waiting(desk)) == (True, {"courier": 2})
    dispatch.breakers.record_success("courier", trial=True)
    assert len(taken(desk, dispatch)) == 2
    assert waiting(desk) == {}


def test_what_waited_moves_to_another_once_there_is_one(
    working: Callable[..., Dispatcher], desk: Desk, courier: Courier, flasher: Courier
):
    dispatch = working(flasher, courier)
    for name in ("flasher", "courier"):
        for _ in range(2):
            dispatch.breakers.record_failure(name, BUSY)
    receipt = desk.post()
    assert taken(desk, dispatch) == []
    assert waiting(desk) == {"flasher": 1}
    desk.clock.move(seconds=5)
    assert dispatch.breakers.try_half_open("courier")
    dispatch.breakers.record_success("courier", trial=True)
    assert dispatch.breakers.try_half_open("flasher")
    assert names(taken(desk, dispatch)) == [(receipt.id, "courier")]


def test_what_waits_for_a_provider_no_longer_in_the_settings_is_not_forgotten(
    working: Callable[..., Dispatcher], desk: Desk, courier: Courier
):
    receipt = desk.post()
    desk.settle(desk.delivery.defer(receipt, desk.take(), "flasher"))
    dispatch = working(courier, former=("flasher", "courier"))
    dispatch.refresh_backlog()
    assert names(taken(desk, dispatch)) == [(receipt.id, "courier")]


def test_beyond_the_pace_the_oldest_leave_first_but_for_the_share_of_the_fresh(
    working: Callable[..., Dispatcher], desk: Desk, courier: Courier
):
    dispatch = working(courier, pace=40)  # ten places in a quarter of a second
    old = [
        desk.post(created_at=desk.clock.now() - dt.timedelta(hours=hours)) for hours in range(1, 15)
    ]
    first = taken(desk, dispatch)
    assert len(first) < len(old)
    assert [load.receipt.created_at for load in first] == sorted(
        load.receipt.created_at for load in first
    )
    assert len(first) + waiting(desk)["courier"] == len(old)
    moments = [load.send_at for load in first]
    assert moments == sorted(moments)
    assert min(b - a for a, b in itertools.pairwise(moments)) > 1 / 40


def test_what_waited_until_it_is_old_news_is_let_go_though_nobody_is_in_use(
    working: Callable[..., Dispatcher], desk: Desk, courier: Courier
):
    dispatch = working(courier)
    for _ in range(2):
        dispatch.breakers.record_failure("courier", BUSY)
    receipt = desk.post()
    assert taken(desk, dispatch) == []
    desk.clock.move(hours=RULES.expire_after_hours, seconds=1)
    dispatch.refresh_backlog()
    assert taken(desk, dispatch) == []
    now: Receipt = desk.now(receipt)
    assert (now.state, now.note, now.charge_fen) == ("expired", "too old to be of use", 0)
    assert (waiting(desk), desk.in_outbox(), desk.charges()) == ({}, [], [])


def test_a_backlog_is_looked_at_more_often_than_an_empty_outbox(
    working: Callable[..., Dispatcher], desk: Desk, courier: Courier
):
    dispatch = working(courier)
    assert dispatch.poll_timeout(0.5) == 0.5
    desk.settle(desk.delivery.defer(desk.post(), desk.take(), "courier"))
    dispatch.refresh_backlog()
    assert dispatch.poll_timeout(0.5) == room._BUSY_POLL_SECONDS  # noqa: SLF001
    for _ in range(2):
        dispatch.breakers.record_failure("courier", BUSY)
    assert dispatch.poll_timeout(0.5) == 0.5  # nothing can be done about it
