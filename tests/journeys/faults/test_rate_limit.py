"""Two workers share what a provider takes in a second; a backlog drains by age."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode
from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.outbox import Desk, most_in_a_second
from tests.support.product import Running

pytestmark = pytest.mark.faults

_S = ReceiptState
OUT = (_S.SENT, _S.DELIVERED)
PACE = 20


@pytest.fixture(scope="module")
def service(serve: Serve) -> Running:
    running = serve(TWILIO_PACE=str(PACE), KANNEL_PACE="5")
    running.start("network", "doors")
    return running


@contextmanager
def workers(service: Running, count: int = 2) -> Iterator[None]:
    """So many workers, killed in the end."""
    names = [f"worker {place}" for place in range(count)]
    for name in names:
        service.employ(name)
    try:
        yield
    finally:
        service.kill(*names)


def test_two_workers_never_send_more_in_any_second_than_the_provider_takes(
    service: Running, desk: Desk
) -> None:
    posted = desk.post(6 * PACE)
    with workers(service):
        desk.all_are(posted, *OUT)
    moments = [float(m["created"]) for m in desk.each_once(posted)]
    assert most_in_a_second(moments) <= PACE
    # And hardly less than it takes: nine in ten places are used.
    assert moments[-1] - moments[0] < 6 * 1.1 * 1.25
    assert desk.charged(posted) == [10] * len(posted)


def test_a_backlog_drains_the_oldest_first_and_fresh_ones_keep_a_share(
    service: Running, desk: Desk
) -> None:
    # The order of the outbox is not the order of age.
    groups: dict[int, list[Receipt]] = {100: [], 200: [], 300: []}
    for age in [100, 200, 300] * PACE:
        groups[age] += desk.post(1, age=age)
    young, middle, old = groups.values()
    with workers(service):
        desk.all_are(old[:5], *OUT)
        fresh = desk.post(5)
        desk.all_are(fresh, *OUT)
        # While most of the backlog still waits, the fresh ones are through.
        assert len(desk.arrived(young)) < PACE
        desk.all_are([*young, *middle, *old], *OUT)
    arrived = [m["body"] for m in desk.each_once([*young, *middle, *old])]
    # Workers that have just begun send a few of what they take first; then age rules.
    first, last = arrived[: PACE + 10], arrived[-PACE:]
    assert {r.text for r in old} <= set(first)
    assert len({r.text for r in young} & set(last)) >= PACE - 5


def test_each_provider_has_a_pace_of_its_own(service: Running, desk: Desk) -> None:
    flash, text = desk.post(15, DisplayMode.FLASH), desk.post(PACE)
    with workers(service):
        desk.all_are(text, *OUT)
        assert _S.DUE in desk.states(flash)
        desk.all_are(flash, *OUT)
    moments = [float(m["created"]) for m in desk.each_once(flash)]
    assert most_in_a_second(moments) <= 5
    assert {receipt.provider for receipt in desk.now(flash)} == {"kannel"}
