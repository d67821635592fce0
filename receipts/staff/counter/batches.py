"""Batches: one act for a list of numbers, done once a second person has approved it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from msgspec.structs import replace

from receipts.model.counter import Batch, BatchAct
from receipts.model.staff import StaffAct, StaffMember
from receipts.model.vocabulary import Msisdn
from receipts.ports.batch_store import BatchStore
from receipts.ports.clock import Clock
from receipts.ports.store import ContentionError, ReplayedEventError
from receipts.staff.counter.listed_acts import ListedAct, ListedActs
from statemachines.approval import APPROVAL, ApprovalEvent, ApprovalState

#: Numbers of one batch: what one request can carry out while its browser waits.
MAX_NUMBERS = 1000

#: A batch that was not decided for so long can no longer be approved.
EXPIRES_AFTER = dt.timedelta(days=3)

#: Numbers acted for between two checkpoints.
_STEP = 100

_ATTEMPTS = 10


class BatchRefusedError(Exception):
    """An act on a batch is refused; ``reason`` is the key of its sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Batches:
    """Acts on batches of a shop. Methods raise StoreUnavailableError and BatchRefusedError."""

    batches: BatchStore
    acts: ListedActs
    clock: Clock

    def propose(
        self, act: BatchAct, numbers: Sequence[Msisdn], by: StaffMember, reason: str, nonce: str
    ) -> Batch:
        """A new batch, of which nothing is done yet; the same nonce gives the same one."""
        batch_id = blake2b(f"{by.name}|{nonce}".encode(), digest_size=8).hexdigest()
        earlier = self.batches.batch(batch_id)
        if earlier is not None:
            return earlier
        if not 0 < len(numbers) <= MAX_NUMBERS:
            raise BatchRefusedError("count")
        batch = Batch(
            batch_id, act, len(numbers), digest(act, numbers), by.name, by.shop,
            self.clock.now(), reason,
        )  # fmt: skip
        if not self.batches.save(batch, self._line(by, "batch_proposed", batch, reason), numbers):
            return self._found(batch_id, by)
        return batch

    def latest(self, by: StaffMember, limit: int) -> list[Batch]:
        """The newest batches of the person's shop; those that waited too long as expired."""
        return [self._aged(each) for each in self.batches.latest(limit) if each.shop == by.shop]

    def show(self, batch_id: str, by: StaffMember) -> Batch:
        """A batch of the person's shop."""
        return self._aged(self._found(batch_id, by))

    def approve(self, batch_id: str, by: StaffMember) -> Batch:
        """Approve a batch and act for its numbers."""
        batch = self._found(batch_id, by)
        if batch.is_running or (batch.decided_by == by.name and batch.done == batch.count):
            return self.run(batch_id, by)  # the form was sent twice
        event = ApprovalEvent.APPROVE_OWN if batch.by == by.name else ApprovalEvent.APPROVE
        self._decide(batch_id, by, event, "batch_approved")
        return self.run(batch_id, by)

    def reject(self, batch_id: str, by: StaffMember, reason: str) -> Batch:
        """Refuse a batch."""
        return self._decide(batch_id, by, ApprovalEvent.REJECT, "batch_rejected", reason)

    def withdraw(self, batch_id: str, by: StaffMember) -> Batch:
        """Take the own batch back."""
        if self._found(batch_id, by).by != by.name:
            raise BatchRefusedError("not_owner")
        return self._decide(batch_id, by, ApprovalEvent.WITHDRAW, "batch_withdrawn")

    def run(self, batch_id: str, by: StaffMember) -> Batch:
        """Act for the numbers that are left of an approved batch; each is acted for once."""
        batch = self._found(batch_id, by)
        numbers = self.batches.numbers(batch_id)
        while batch.is_running:
            if numbers is None or digest(batch.act, numbers) != batch.digest:
                raise BatchRefusedError("list_changed")
            step = numbers[batch.done : batch.done + _STEP]
            changed = sum(self._act(batch, number) for number in step)
            is_last = batch.done + len(step) == batch.count
            line = self._line(by, "batch_done", batch, "") if is_last else None
            # Of two browsers that run it, one saves the step; both acted with the same keys.
            later = replace(
                batch, revision=batch.revision + 1, done=batch.done + len(step),
                changed=batch.changed + changed,
            )  # fmt: skip
            self.batches.save(later, line)
            batch = self._found(batch_id, by)
        return batch

    def _act(self, batch: Batch, number: Msisdn) -> bool:
        """Whether the customer was changed, now or by an earlier attempt."""
        listed = ListedAct(batch.id, batch.act, batch.by, batch.decided_by, batch.shop)
        try:
            return self.acts.run(number, listed)
        except ReplayedEventError:
            return True  # its claim has expired, and only changes are remembered longer

    def _found(self, batch_id: str, by: StaffMember) -> Batch:
        batch = self.batches.batch(batch_id)
        if batch is None or batch.shop != by.shop:
            raise BatchRefusedError("unknown")
        return batch

    def _decide(
        self, batch_id: str, by: StaffMember, event: ApprovalEvent, act: str, reason: str = ""
    ) -> Batch:
        for _ in range(_ATTEMPTS):
            batch = self._found(batch_id, by)
            ended = APPROVAL.fire(self._aged(batch).state, event)
            if ended.reason is not None:
                raise BatchRefusedError(ended.reason)
            decided = replace(
                batch, revision=batch.revision + 1, state=ended.state, decided_by=by.name,
                decided_at=self.clock.now(), decision=reason,
            )  # fmt: skip
            if self.batches.save(decided, self._line(by, act, batch, reason)):
                return decided
        raise ContentionError("the batch was changed by others again and again")

    def _aged(self, batch: Batch) -> Batch:
        """The batch, expired if it waited too long."""
        is_waiting = batch.state is ApprovalState.WAITING
        if is_waiting and self.clock.now() - batch.at > EXPIRES_AFTER:
            return replace(batch, state=APPROVAL.fire(batch.state, ApprovalEvent.EXPIRE).state)
        return batch

    def _line(self, by: StaffMember, act: str, batch: Batch, reason: str) -> StaffAct:
        subject = f"{batch.act} {batch.count} {batch.digest} {batch.id}"
        return StaffAct(self.clock.now(), by.name, act, subject, reason, by.shop)


def digest(act: BatchAct, numbers: Sequence[Msisdn]) -> str:
    """The digest of a list by which its approval knows it again."""
    return blake2b("\n".join((act, *numbers)).encode(), digest_size=16).hexdigest()
