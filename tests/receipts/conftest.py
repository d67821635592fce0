import threading
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
from tests.support import product
from tests.support.sending import Desk, ProviderDouble, dispatching, timing

Until = Callable[[Callable[[], object]], None]
Hire = Callable[..., Worker]
AtWork = Callable[[Worker], AbstractContextManager[Worker]]


@pytest.fixture
def courier() -> ProviderDouble:
    """A provider with message look-up and without flash."""
    return ProviderDouble("courier", flash=False, lookup=True)


@pytest.fixture
def flasher() -> ProviderDouble:
    """A provider with flash and without message look-up."""
    return ProviderDouble("flasher", flash=True, lookup=False)


@pytest.fixture
def desk(
    built: bootstrap.Container, courier: ProviderDouble, flasher: ProviderDouble, clock: TestClock
) -> Desk:
    delivery = ReceiptLifecycle(Router([courier], [flasher]), SendingRules(), clock)
    return Desk(built.store, built.clients.outbox, delivery, clock)


@pytest.fixture
def shown(built: bootstrap.Container) -> Callable[[str], list[Receipt]]:
    """A customer's receipts without notices, newest first."""
    return lambda number: built.store.receipts_of(Msisdn(number), 100, MessageKind.RECEIPT)


@pytest.fixture
def until() -> Until:
    """Wait for a condition that a thread fulfils."""
    return product.until


@pytest.fixture
def at_work() -> AtWork:
    """Run a worker in a thread; stop and join it at the end."""

    @contextmanager
    def run(worker: Worker) -> Iterator[Worker]:
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield worker
        finally:
            worker.stop()
            thread.join(product.PATIENCE_SECONDS)
            assert not thread.is_alive()

    return run


@pytest.fixture
def hire(built: bootstrap.Container, desk: Desk) -> Hire:
    """Create workers by name, with the two providers of the desk."""

    def create(name: str = "one", threads: int = 4) -> Worker:
        delivery, outbox = desk.delivery, built.clients.outbox
        timers = timing(built, delivery)
        dispatcher = dispatching(name, built.clients, delivery, built.clock)
        return Worker(name, built.store, outbox, delivery, timers, dispatcher, threads)

    return create
