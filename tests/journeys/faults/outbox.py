"""Receipts put directly into the outbox of a running service, and their results."""

import datetime as dt
import itertools
from dataclasses import dataclass

from app.bootstrap import Container
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus
from statemachines.receipt import ReceiptState
from tests.journeys.faults.load import fresh
from tests.support.phones import Phones
from tests.support.product import PATIENCE_SECONDS, until

_seeds = itertools.count(1)

#: Seconds by which a busy machine may delay a message between the worker and the provider.
_LATE = 0.2


@dataclass
class Outbox:
    """Posts receipts without the webhooks; counts the messages that the providers took."""

    built: Container
    phones: Phones

    def post(
        self, count: int, mode: DisplayMode = DisplayMode.TEXT, age: float = 0
    ) -> list[Receipt]:
        """Post receipts of ten fen, each of another customer and of some age in seconds."""
        created_at = self.built.clock.now() - dt.timedelta(seconds=age)
        receipts = [self._receipt(Msisdn(fresh()), mode, created_at) for _ in range(count)]
        changes = [ChangeSet(r.number, records=(r,), outbox=(r.id,)) for r in receipts]
        results = self.built.store.commit_all(changes)
        assert {result.status for result in results} == {CommitStatus.COMMITTED}
        return receipts

    def _receipt(self, number: Msisdn, mode: DisplayMode, at: dt.datetime) -> Receipt:
        seed = next(_seeds)
        return Receipt(
            self.built.store.receipt_id(number, f"{seed:x}"), number, f"第{seed}条短信已送达",
            mode, Language.ZH, at, version=1, message_id=f"SM{seed}", tariff="SX-1", price_fen=10,
        )  # fmt: skip

    def now(self, receipts: list[Receipt]) -> list[Receipt]:
        found = self.built.store.receipts(r.id for r in receipts)
        return [receipt for receipt in found if receipt is not None]

    def states(self, receipts: list[Receipt]) -> set[ReceiptState]:
        return {receipt.state for receipt in self.now(receipts)}

    def all_are(
        self, receipts: list[Receipt], *states: ReceiptState, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Return once each of them is in one of these states."""
        try:
            until(lambda: self.states(receipts) <= set(states), seconds)
        except AssertionError as late:
            left = {(r.state, r.note) for r in self.now(receipts) if r.state not in states}
            raise AssertionError(f"{late} {states}: {left}") from None

    def arrived(self, receipts: list[Receipt]) -> list[dict[str, object]]:
        """Return the messages that providers took for these, by arrival, duplicates included."""
        bodies = {receipt.text for receipt in receipts}
        taken = [m for m in self.phones.get("messages")["messages"] if m["body"] in bodies]
        return sorted(taken, key=lambda message: message["created"])

    def each_once(self, receipts: list[Receipt]) -> list[dict[str, object]]:
        """Assert that none of these was lost or doubled; return their messages."""
        arrived = self.arrived(receipts)
        assert sorted(m["body"] for m in arrived) == sorted(r.text for r in receipts)
        return arrived

    def charged(self, receipts: list[Receipt]) -> list[int]:
        """Return the fen of each charge of these customers this month."""
        charges = [self.built.account.charges(number) for number in {r.number for r in receipts}]
        return [charge.fen for each in charges for charge in each]


def keeps_the_rate(moments: list[float], a_second: int) -> bool:
    """Whether a rate limit was kept, by the times of arrival: a message may be late on its way."""
    return all(
        sum(first <= each < first + seconds for each in moments) <= a_second * (seconds + _LATE)
        for first in moments
        for seconds in (1, 3)
    )
