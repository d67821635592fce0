"""Receipts in doubt: their provider is queried before they are sent again."""

import datetime as dt

from msgspec.structs import replace

from receipts.delivery.end_of_life import is_too_old
from receipts.delivery.send_log import logged
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.clock import Clock
from receipts.rulebook.schema import SendingRules
from statemachines.receipt import RECEIPT, ReceiptEvent

#: Kind of the timer that looks a receipt up; its subject is ``receipt id/turn``.
LOOKUP = "look"


class InDoubtReceipts:
    """Schedules look-ups and decides on their results; sends no request itself."""

    def __init__(self, rules: SendingRules, clock: Clock) -> None:
        self._rules, self._clock = rules, clock

    def schedule_lookup(self, receipt: Receipt, turn: int = 0) -> Timer:
        """Timer of look-up number ``turn``, counted from 0."""
        at = self._clock.now() + dt.timedelta(seconds=self._rules.look_after_seconds[turn])
        return Timer(LOOKUP, receipt.number, f"{receipt.id}/{turn}", at)

    def lookups(self, receipt: Receipt) -> tuple[Timer, ...]:
        """The timers that a receipt's look-ups may have set."""
        turns = range(len(self._rules.look_after_seconds))
        return tuple(Timer(LOOKUP, receipt.number, f"{receipt.id}/{turn}") for turn in turns)

    def reschedule_lookup(self, receipt: Receipt, fired_timer: Timer) -> ChangeSet:
        """Repeat the same look-up after a temporary error, until the receipt is too old."""
        if is_too_old(receipt, self._clock.now(), self._rules.expire_after_hours):
            return ChangeSet(receipt.number, fired_timer=fired_timer)
        at = self._clock.now() + dt.timedelta(seconds=self._rules.look_after_seconds[-1])
        return ChangeSet(receipt.number, timers=(replace(fired_timer, at=at),))

    def lookup_missed(self, receipt: Receipt, fired_timer: Timer) -> ChangeSet:
        """Schedule the next look-up; after the last one, put the receipt back into the outbox."""
        change = ChangeSet(receipt.number, fired_timer=fired_timer)
        turn = int(fired_timer.subject.rpartition("/")[2]) + 1
        if turn < len(self._rules.look_after_seconds):
            return replace(change, timers=(self.schedule_lookup(receipt, turn),))
        transition = RECEIPT.fire(receipt.state, ReceiptEvent.NOT_FOUND)
        if transition.refused:
            return change
        version, note = receipt.version + 1, "not found at the provider"
        log = logged(receipt, ReceiptEvent.NOT_FOUND, self._clock.now(), note)
        moved = replace(receipt, version=version, state=transition.state, note=note, send_log=log)
        return replace(change, records=(moved,), outbox=(receipt.id,))
