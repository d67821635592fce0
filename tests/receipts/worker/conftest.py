from collections.abc import Callable
from dataclasses import dataclass

import pytest

from receipts.delivery.notifications import build_notification
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet
from receipts.ports.provider import OutboundMessage
from receipts.ports.store import StoreUnavailableError
from receipts.store.redis_store import RedisStore
from receipts.worker import worker as worker_module
from receipts.worker.worker import Worker
from tests.receipts.conftest import AtWork, Hire, Until
from tests.support.months import months
from tests.support.sending import Desk, ProviderDouble

__all__ = ["months"]


SHORT_LEASE_SECONDS = 1.5


@dataclass
class Rig:
    """Workers in threads on the real store, two test providers, and receipts moved by hand."""

    desk: Desk
    courier: ProviderDouble
    flasher: ProviderDouble
    hire: Hire
    at_work: AtWork
    until: Until
    monkeypatch: pytest.MonkeyPatch

    def state(self, receipt: Receipt) -> str:
        return self.desk.now(receipt).state

    def run_until(self, done: Callable[[], object], threads: int = 4) -> None:
        with self.at_work(self.hire(threads=threads)):
            self.until(done)

    def run_until_state(self, state: str, *receipts: Receipt) -> None:
        self.run_until(lambda: {self.state(receipt) for receipt in receipts} == {state})

    @staticmethod
    def finish(worker: Worker) -> None:
        worker.stop()
        worker.run()

    def notification(self, number: str, text: str = "t", *, queued: bool = True) -> Receipt:
        """A receipt of another customer, committed and by default in the outbox."""
        store, to = self.desk.store, Msisdn(number)
        receipt = build_notification(store, self.desk.delivery, to, "", text, Language.ZH)
        outbox = (receipt.id,) if queued else ()
        self.desk.settle(ChangeSet(to, records=(receipt,), outbox=outbox))
        return receipt

    def before_send(self, action: Callable[[], object]) -> None:
        """Run ``action`` before each send of the courier, in the thread that sends."""
        real = self.courier.send

        def send(parcel: OutboundMessage) -> str:
            action()
            return real(parcel)

        self.monkeypatch.setattr(self.courier, "send", send)

    def outage(
        self,
        method: str,
        times: int = 1,
        after: Callable[[], object] = lambda: True,
        on: type = RedisStore,
    ) -> list[StoreUnavailableError]:
        """Fail the next calls of a store method made while ``after`` holds; those left."""
        left = [StoreUnavailableError("gone") for _ in range(times)]
        real = getattr(on, method)

        def call(store: object, *args: object, **kwargs: object) -> object:
            if left and after():
                raise left.pop()
            return real(store, *args, **kwargs)

        self.monkeypatch.setattr(on, method, call)
        return left


@pytest.fixture
def rig(
    desk: Desk, courier: ProviderDouble, flasher: ProviderDouble, hire: Hire, at_work: AtWork,
    until: Until, monkeypatch: pytest.MonkeyPatch,
) -> Rig:  # fmt: skip
    return Rig(desk, courier, flasher, hire, at_work, until, monkeypatch)


@pytest.fixture
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of tenths of a second, and a lease that outlasts a pause of a busy machine."""
    monkeypatch.setattr(worker_module, "LEASE_SECONDS", SHORT_LEASE_SECONDS)
    monkeypatch.setattr(worker_module, "HEARTBEAT_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(worker_module, "TIMER_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(worker_module, "POLL_TIMEOUT_SECONDS", 0.05)
