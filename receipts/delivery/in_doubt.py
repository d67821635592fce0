"""Receipts in doubt: looked up at their provider before they are ever sent again."""

import datetime as dt

from msgspec.structs import replace

from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.clock import Clock
from receipts.rulebook.schema import SendingRules
from statemachines.receipt import RECEIPT, ReceiptEvent

#: Name of the timer that looks a receipt up.
LOOKUP = "look"


def is_too_old(receipt: Receipt, now: dt.datetime, expire_after_hours: int) -> bool:
    """Whether a receipt is of no use any more."""
    if receipt.expires_at is not None:
        return now > receipt.expires_at
    return now - receipt.created_at > dt.timedelta(hours=expire_after_hours)


class InDoubtReceipts:
    """Schedules look-ups. Each method returns a change set or a timer; none asks the provider."""

    def __init__(self, rules: SendingRules, clock: Clock) -> None:
        self._rules, self._clock = rules, clock

    def schedule_lookup(self, receipt: Receipt, turn: int = 0) -> Timer:
        """The timer of a look-up; ``turn`` counts the look-ups before it."""
        seconds = self._rules.look_after_seconds[turn]
        at = self._clock.now() + dt.timedelta(seconds=seconds)
        return Timer(LOOKUP, receipt.number, f"{receipt.id}/{turn}", at)

    def reschedule_lookup(self, receipt: Receipt, fired_timer: Timer) -> ChangeSet:
        """The provider could not say: the same look-up once more, while the receipt is of use."""
        now = self._clock.now()
        if is_too_old(receipt, now, self._rules.expire_after_hours):
            return ChangeSet(receipt.number, fired_timer=fired_timer)
        turn = int(fired_timer.subject.rpartition("/")[2])
        at = now + dt.timedelta(seconds=self._rules.look_after_seconds[-1])
        timer = Timer(LOOKUP, receipt.number, f"{receipt.id}/{turn}", at)
        return ChangeSet(receipt.number, timers=(timer,))

    def lookup_missed(self, receipt: Receipt, fired_timer: Timer) -> ChangeSet:
        """A look-up found no text: look once more, and after the last look-up send it again."""
        turn = int(fired_timer.subject.rpartition("/")[2]) + 1
        if turn < len(self._rules.look_after_seconds):
            timer = self.schedule_lookup(receipt, turn)
            return ChangeSet(receipt.number, fired_timer=fired_timer, timers=(timer,))
        outcome = RECEIPT.fire(receipt.state, ReceiptEvent.NOT_FOUND)
        if outcome.refused:
            return ChangeSet(receipt.number, fired_timer=fired_timer)
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=outcome.state,
            note="not found at the provider",
        )
        return ChangeSet(
            receipt.number, records=(moved,), outbox=(receipt.id,), fired_timer=fired_timer
        )
