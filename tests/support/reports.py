"""Anna's texts as the network tells of them, and what she is sent about them."""

from dataclasses import dataclass

from msgspec.structs import replace

from app import bootstrap
from app.bootstrap import Services
from receipts.model.message import Fate, Report, Trail
from receipts.model.receipt import Kind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Change
from receipts.ports.store import Wanted
from receipts.worker.timers import Sweep
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, ZHEJIANG

ANNA, FRIEND = Msisdn(GUANGDONG), Msisdn(ZHEJIANG)

#: Validity and margin of the rule book, in hours.
PATIENCE = 50


def stand(built: Services, state: str = "active", number: str = ANNA, **more: object) -> None:
    held = built.store.read(Msisdn(number)).subscription
    now = replace(held, version=held.version + 1, state=SubscriptionState(state), **more)
    built.store.commit(Change(held.number, records=(now,)))


@dataclass
class Tell:
    """The network, which tells of Anna's texts, by default of those to an on-net friend."""

    built: Services

    def __call__(
        self, word: str, fate: Fate, message: str = "1", part: int = 1, parts: int = 1, **who: str
    ) -> None:
        sender, friend = Msisdn(who.get("sender", ANNA)), Msisdn(who.get("friend", FRIEND))
        at = self.built.clock.now()
        report = Report(message, sender, friend, fate, word, at, part, parts)
        bootstrap.reports(self.built).take(report)


def sweeper(built: Services) -> Sweep:
    return bootstrap.sweep(built, bootstrap.delivery(built))


def swept(built: Services) -> int:
    """One round of the sweep: how many timers rang."""
    sweep = sweeper(built)
    due = sweep.due(100)
    return sum(sweep.ring(timer) for timer in due)


def told(built: Services, kind: Kind = Kind.RECEIPT, number: str = ANNA) -> list[Receipt]:
    """What the customer is sent, oldest first."""
    return built.store.receipts_of(Msisdn(number), 100, kind)[::-1]


def outcomes(built: Services, number: str = ANNA) -> list[str]:
    return [str(receipt.outcome) for receipt in told(built, number=number)]


def trail(built: Services, message: str = "1", friend: str = FRIEND) -> Trail:
    found = built.store.read_all([Wanted(ANNA, Msisdn(friend), message)])[0].trail
    assert found is not None
    return found
