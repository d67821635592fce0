"""Receipts put straight into the outbox of a running service, and what became of them."""

import datetime as dt
import itertools
import time
from dataclasses import dataclass

from app.bootstrap import Container
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus
from statemachines.receipt import ReceiptState
from tests.journeys.faults.load import fresh
from tests.support.phones import Phones

_seeds = itertools.count(1)


@dataclass
class Desk:
    """Posts receipts without the doors; counts what the providers counted."""

    built: Container
    phones: Phones

    def post(
        self, count: int, mode: DisplayMode = DisplayMode.TEXT, age: float = 0
    ) -> list[Receipt]:
        """So many receipts of as many customers, of ten fen each and of some age in seconds."""
        made_at = self.built.clock.now() - dt.timedelta(seconds=age)
        made = [self._made(Msisdn(fresh()), mode, made_at) for _ in range(count)]
        self.put(made)
        return made

    def put(self, receipts: list[Receipt]) -> None:
        changes = [ChangeSet(r.number, records=(r,), outbox=(r.id,)) for r in receipts]
        ends = self.built.store.commit_all(changes)
        assert {end.status for end in ends} == {CommitStatus.COMMITTED}

    def _made(self, number: Msisdn, mode: DisplayMode, at: dt.datetime) -> Receipt:
        seed = next(_seeds)
        return Receipt(
            self.built.store.receipt_id(number, f"{seed:x}"), number, f"第{seed}条短信已送达",
            mode, Language.ZH, at, version=1, message_id=f"SM{seed}", tariff="SX-1", price_fen=10,
        )  # fmt: skip

    def now(self, receipts: list[Receipt]) -> list[Receipt]:
        """These receipts as they lie in the store."""
        found = self.built.store.receipts(r.id for r in receipts)
        return [receipt for receipt in found if receipt is not None]

    def states(self, receipts: list[Receipt]) -> set[ReceiptState]:
        return {receipt.state for receipt in self.now(receipts)}

    def all_are(self, receipts: list[Receipt], *states: ReceiptState, seconds: float = 30) -> None:
        """Returns once all of them are in one of these states."""
        deadline = time.monotonic() + seconds
        while not self.states(receipts) <= set(states):
            left = {(r.state, r.note) for r in self.now(receipts) if r.state not in states}
            assert time.monotonic() < deadline, f"not within {seconds:g} s {states}: {left}"
            time.sleep(0.05)

    def arrived(self, receipts: list[Receipt]) -> list[dict[str, object]]:
        """What the providers took of these, by arrival: one line a text, doubled ones twice."""
        bodies = {receipt.text for receipt in receipts}
        taken = [m for m in self.phones.get("messages")["messages"] if m["body"] in bodies]
        return sorted(taken, key=lambda message: message["created"])

    def each_once(self, receipts: list[Receipt]) -> list[dict[str, object]]:
        """What arrived, after a look that nothing was lost or doubled."""
        arrived = self.arrived(receipts)
        assert sorted(m["body"] for m in arrived) == sorted(r.text for r in receipts)
        return arrived

    def charged(self, receipts: list[Receipt]) -> list[int]:
        """The fen of every charge of these customers this month."""
        charges = [self.built.account.charges(number) for number in {r.number for r in receipts}]
        return [charge.fen for each in charges for charge in each]


def most_in_a_second(moments: list[float]) -> int:
    """The most that lie within any one second."""
    return max(sum(first <= each < first + 1 for each in moments) for first in moments)
