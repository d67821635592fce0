"""Two workers share the rate limit of a provider; a backlog drains by age."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode
from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.outbox import Outbox, keeps_the_rate
from tests.support.product import Service

pytestmark = pytest.mark.faults

_S = ReceiptState
OUT = (_S.SENT, _S.DELIVERED)
PACE = 20


@pytest.fixture(scope="module")
def service(serve: Serve) -> Service:
    running = serve(TWILIO_PACE=str(PACE), KANNEL_PACE="5")
    running.start("network", "doors")
    return running


@contextmanager
def workers(service: Service, count: int = 2) -> Iterator[None]:
    """Run so many workers while the block runs, then kill them."""
    names = [f"worker {index}" for index in range(count)]
    service.start(*names)
    try:
        yield
    finally:
        service.kill(*names)


def test_two_workers_keep_the_rate_limit_in_every_second(service: Service, outbox: Outbox):
    posted = outbox.post(6 * PACE)
    with workers(service):
        outbox.all_are(posted, *OUT)
    moments = [float(m["created"]) for m in outbox.each_once(posted)]
    assert keeps_the_rate(moments, PACE)
    # Nine in ten send slots are used.
    assert moments[-1] - moments[0] < 6 * 1.1 * 1.25
    assert outbox.charged(posted) == [10] * len(posted)


def test_backlog_drains_oldest_first_beside_fresh_receipts(service: Service, outbox: Outbox):
    # The order of the outbox is not the order of age.
    groups: dict[int, list[Receipt]] = {100: [], 200: [], 300: []}
    for age in [100, 200, 300] * PACE:
        groups[age] += outbox.post(1, age=age)
    young, middle, old = groups.values()
    with workers(service):
        outbox.all_are(old[:5], *OUT)
        fresh = outbox.post(5)
        outbox.all_are(fresh, *OUT)
        # Most of the backlog still waits.
        assert len(outbox.arrived(young)) < PACE
        outbox.all_are([*young, *middle, *old], *OUT)
    arrived = [m["body"] for m in outbox.each_once([*young, *middle, *old])]
    # New workers send a few entries in fetch order before age decides.
    first, last = arrived[: PACE + 10], arrived[-PACE:]
    assert {r.text for r in old} <= set(first)
    assert len({r.text for r in young} & set(last)) >= PACE - 5


def test_each_provider_has_its_own_rate_limit(service: Service, outbox: Outbox):
    flash, text = outbox.post(15, DisplayMode.FLASH), outbox.post(PACE)
    with workers(service):
        outbox.all_are(text, *OUT)
        assert _S.DUE in outbox.states(flash)
        outbox.all_are(flash, *OUT)
    moments = [float(m["created"]) for m in outbox.each_once(flash)]
    assert keeps_the_rate(moments, 5)
    assert {receipt.provider for receipt in outbox.now(flash)} == {"kannel"}
