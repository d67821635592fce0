import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from app import bootstrap
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.rulebook.schema import SendingRules
from receipts.worker.worker import Worker
from tests.conftest import TestClock
from tests.support.sending import Courier, Desk, dispatching

Until = Callable[[Callable[[], object]], None]
Hire = Callable[..., Worker]
AtWork = Callable[[Worker], AbstractContextManager[Worker]]


@pytest.fixture
def courier() -> Courier:
    """An ordinary carrier that can look things up and cannot flash."""
    return Courier("courier", flash=False, lookup=True)


@pytest.fixture
def flasher() -> Courier:
    """A carrier that can flash and cannot look anything up."""
    return Courier("flasher", flash=True, lookup=False)


@pytest.fixture
def desk(built: bootstrap.Container, courier: Courier, flasher: Courier, clock: TestClock) -> Desk:
    delivery = ReceiptLifecycle(Router(courier, flasher), SendingRules(), clock)
    return Desk(built.store, built.clients.outbox, delivery, clock)


@pytest.fixture
def shown(built: bootstrap.Container) -> Callable[[str], list[Receipt]]:
    """A customer's receipts, newest first, without notices."""
    return lambda number: built.store.receipts_of(Msisdn(number), 100, MessageKind.RECEIPT)


@pytest.fixture
def until() -> Until:
    """Wait for something that a thread brings about."""

    def wait(happened: Callable[[], object]) -> None:
        by = time.monotonic() + 10
        while not happened():
            assert time.monotonic() < by, "it did not happen"
            time.sleep(0.01)

    return wait


@pytest.fixture
def at_work() -> AtWork:
    """A worker that works in a thread, and is stopped and waited for."""

    @contextmanager
    def work(worker: Worker) -> Iterator[Worker]:
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield worker
        finally:
            worker.stop()
            thread.join(timeout=30)
            assert not thread.is_alive()

    return work


@pytest.fixture
def hire(built: bootstrap.Container, desk: Desk) -> Hire:
    """Make workers by name, with the two providers of the desk."""

    def make(name: str = "one", threads: int = 4) -> Worker:
        outbox = built.clients.outbox
        sweep = built.timer_service(desk.delivery)
        dispatch = dispatching(name, built.clients, desk.delivery, built.clock)
        return Worker(name, built.store, outbox, desk.delivery, sweep, dispatch, threads)

    return make
