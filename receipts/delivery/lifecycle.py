"""Lifecycle of a receipt: the only writer of receipt records, as pure change sets."""

import math
from collections.abc import Collection

from msgspec.structs import replace

from receipts.delivery.end_of_life import as_of, ended_at, is_too_old, text_after_sending
from receipts.delivery.in_doubt import InDoubtReceipts
from receipts.delivery.never_sent import why_never_sent
from receipts.delivery.restored import perhaps_sent
from receipts.delivery.results import FailureReader, unread, with_cause, with_result
from receipts.delivery.routing import Route, Router
from receipts.delivery.send_log import logged
from receipts.delivery.sent_receipts import mark_sent
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.reported_time import StatusEvent
from receipts.ports.changes import ChangeSet, Deferred, OutboxEntry, Timer
from receipts.ports.clock import Clock
from receipts.ports.provider import (
    FoundMessage,
    NoRouteError,
    OutboundMessage,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
)
from receipts.ports.restore_gap import RestoreGap
from receipts.rulebook.schema import SendingRules
from statemachines.receipt import ENDED, RECEIPT, UNDER_WAY, ReceiptEvent, ReceiptState

#: Kind of the timer that requeues a receipt after its retry delay.
RETRY = "retry"

#: Subscription with the usage count that prices a receipt.
_Owner = Subscription | None

#: Status updates kept per receipt; older ones are dropped.
_MAX_HISTORY = 20

#: UNKNOWN fires no event: a status outside the provider's list is kept raw.
_EVENT_OF: dict[ProviderStatus, ReceiptEvent | None] = {
    ProviderStatus.UNDERWAY: ReceiptEvent.TOLD_UNDERWAY,
    ProviderStatus.DELIVERED: ReceiptEvent.TOLD_DELIVERED,
    ProviderStatus.UNDELIVERED: ReceiptEvent.TOLD_UNDELIVERED,
    ProviderStatus.FAILED: ReceiptEvent.TOLD_FAILED,
    ProviderStatus.UNKNOWN: None,
}
_FINAL = frozenset({ProviderStatus.DELIVERED, ProviderStatus.UNDELIVERED, ProviderStatus.FAILED})


class ReceiptLifecycle:
    """Decides each step of a receipt; every method returns a change set for the store."""

    def __init__(
        self,
        routes: Router,
        sending: SendingRules,
        clock: Clock,
        read_failure: FailureReader = unread,
        trial_people: Collection[str] = (),
        gap: RestoreGap | None = None,
    ) -> None:
        """``gap`` is that of the store's last restore."""
        self._gap = gap
        self.router, self.rules, self.clock = routes, sending, clock
        self._read_failure = read_failure
        #: Numbers of trial people; notices to them say that it is a trial.
        self.trial_people = trial_people
        self.in_doubt = InDoubtReceipts(sending, clock)

    def mark_sending(self, receipt: Receipt, route: Route, state: ReceiptState) -> ChangeSet:
        """Mark a receipt as being sent by ``route``; ``send_or_skip`` has told its next state."""
        marked = replace(
            as_of(receipt, self.clock.now()),
            version=receipt.version + 1,
            state=state,
            provider=route.provider.name,
            sent_as=route.sent_as,
            attempts=receipt.attempts + 1,
            requested_at=self.clock.wall_clock(),
            note=route.fallback_reason,
        )
        # The entry stays in the outbox: if this worker dies, another one reclaims it.
        return ChangeSet(receipt.number, records=(marked,))

    def send_or_skip(self, receipt: Receipt, entry: OutboxEntry) -> ReceiptState | ChangeSet:
        """Next state of a receipt that may be sent; change set of one that must not be sent."""
        too_old = is_too_old(receipt, self.clock.now(), self.rules.expire_after_hours)
        event = ReceiptEvent.TOO_OLD if too_old else ReceiptEvent.SEND
        transition = RECEIPT.fire(receipt.state, event)
        if transition.reason == UNDER_WAY:
            return self._mark_in_doubt(receipt, "its worker ended while sending", entry)
        if transition.refused or too_old:
            return self._fire(receipt, event, entry, "too old to be of use")
        if reason := why_never_sent(receipt, self.trial_people):
            return self._fire(receipt, ReceiptEvent.GIVE_UP, entry, reason)
        return transition.state

    def perhaps_sent(self, receipt: Receipt) -> bool:
        """Whether a due receipt was perhaps sent before the store was restored."""
        return self._gap is not None and perhaps_sent(receipt, self._gap)

    def doubt_after_restore(
        self, receipt: Receipt, entry: OutboxEntry, route: Route, state: ReceiptState
    ) -> ChangeSet | None:
        """Change set of a receipt that was perhaps sent before the store was restored, else None.

        It is in doubt as if a worker had ended while sending it, in ``state``.
        """
        if self._gap is None or not perhaps_sent(receipt, self._gap):
            return None
        marked = replace(
            receipt,
            state=state,
            provider=route.provider.name,
            sent_as=route.sent_as,
            requested_at=self._gap.since,
        )
        return self._mark_in_doubt(marked, "perhaps sent before the store was restored", entry)

    @staticmethod
    def defer(receipt: Receipt, entry: OutboxEntry, queue: str) -> ChangeSet:
        """Move a receipt from the outbox to the backlog of ``queue``, sorted by age."""
        deferred = Deferred(receipt.id, receipt.version, queue, receipt.created_at)
        return ChangeSet(receipt.number, deferred=(deferred,), acked=(entry,))

    @staticmethod
    def outbound_message(receipt: Receipt, deadline: float = math.inf) -> OutboundMessage:
        """Message for a provider; ``deadline`` is in monotonic seconds."""
        mode, to = receipt.sent_as or receipt.mode, receipt.number
        if receipt.kind is MessageKind.RELAY and receipt.recipient is not None:
            to = receipt.recipient
        return OutboundMessage(receipt.id, to, receipt.text, mode, deadline, receipt.trace)

    def accepted(
        self, receipt: Receipt, provider_id: str, entry: OutboxEntry, owner: _Owner = None
    ) -> ChangeSet:
        """Mark a receipt as accepted by its provider and charge its price.

        ``owner`` is required if ``charges.needs_usage_count`` holds for the receipt.
        """
        change = self._mark_accepted(receipt, ReceiptEvent.ACCEPTED, provider_id, owner)
        return replace(change, acked=(entry,))

    def lookup_found(
        self, receipt: Receipt, found: FoundMessage, fired_timer: Timer, owner: _Owner = None
    ) -> ChangeSet:
        """Mark an in-doubt receipt as accepted, because its provider lists the message.

        A final status there counts as reported: that report may be lost.
        """
        in_doubt = not RECEIPT.fire(receipt.state, ReceiptEvent.FOUND).refused
        if in_doubt and found.status in _FINAL:
            change = self.apply_status(receipt, found.status, found.raw_status, found.id, owner)
        else:
            change = self._mark_accepted(receipt, ReceiptEvent.FOUND, found.id, owner)
        # Concurrent look-ups of two receipts with equal text may both find this message.
        key = f"found:{receipt.provider}:{found.id}" if change.records else None
        return replace(change, fired_timer=fired_timer, idempotency_key=key)

    def _mark_accepted(
        self, receipt: Receipt, event: ReceiptEvent, provider_id: str, owner: _Owner
    ) -> ChangeSet:
        transition = RECEIPT.fire(receipt.state, event)
        if transition.refused:
            return ChangeSet(receipt.number)
        # A status update with the failure may arrive before the provider's response.
        failed = transition.state is ReceiptState.UNDELIVERED
        log = receipt.send_log
        if event is ReceiptEvent.FOUND:
            log = logged(receipt, event, self.clock.now(), provider_id)
        taken = replace(receipt, provider_id=provider_id, send_log=log)
        return mark_sent(taken, transition.state, owner, self.clock.now(), failed=failed)

    def failed(
        self,
        receipt: Receipt,
        failure: ProviderError,
        entry: OutboxEntry,
        unavailable: Collection[str] = (),
    ) -> ChangeSet:
        """Judge a provider's error; ``unavailable`` are the providers with an open breaker."""
        if isinstance(failure, TemporaryError):
            if receipt.provider in unavailable:
                # An open breaker is the provider's fault; ``max_attempts`` does not apply.
                return self._reroute(receipt, failure, entry)
            return self._retry_later(receipt, failure, entry)
        if isinstance(failure, NoRouteError) and receipt.provider:
            receipt = replace(receipt, refused_by=(*receipt.refused_by, receipt.provider))
            if self.router.has_alternative(receipt):
                return self._reroute(receipt, failure, entry)
        if isinstance(failure, PermanentError):
            return self._refused(receipt, ReceiptEvent.NEVER, entry, failure)
        return self._mark_in_doubt(receipt, failure.detail, entry)

    def _retry_later(
        self, receipt: Receipt, failure: TemporaryError, entry: OutboxEntry
    ) -> ChangeSet:
        if receipt.attempts >= self.rules.max_attempts:
            return self._refused(receipt, ReceiptEvent.GIVE_UP, entry, failure, "given up: ")
        at = self.clock.now() + self.rules.delay(receipt.attempts)
        timer = Timer(RETRY, receipt.number, receipt.id, at)
        return self._refused(receipt, ReceiptEvent.TRY_LATER, entry, failure, "", timer)

    def _reroute(self, receipt: Receipt, failure: ProviderError, entry: OutboxEntry) -> ChangeSet:
        """Requeue at once: the next round chooses another provider or defers."""
        change = self._refused(receipt, ReceiptEvent.TRY_LATER, entry, failure)
        return replace(change, outbox=(receipt.id,)) if change.records else change

    def _refused(
        self,
        receipt: Receipt,
        event: ReceiptEvent,
        entry: OutboxEntry,
        failure: ProviderError,
        prefix: str = "",
        *timers: Timer,
    ) -> ChangeSet:
        """Fire the event of a provider's refusal, with its meaning noted and its code counted."""
        code, cause = self._read_failure(receipt.provider or "", failure.detail)
        note = prefix + with_cause(failure.detail, cause)
        change = self._fire(receipt, event, entry, note, *timers, detail=failure.detail)
        state = RECEIPT.fire(receipt.state, event).state
        return with_result(change, receipt, state, self.clock.now(), code)

    def _mark_in_doubt(self, receipt: Receipt, reason: str, entry: OutboxEntry) -> ChangeSet:
        """Mark the outcome as unknown, with a look-up timer if the provider has look-ups."""
        provider = self.router.by_name(receipt.provider)
        has_lookup = provider is not None and provider.capabilities.lookup
        timers = (self.in_doubt.schedule_lookup(receipt),) if has_lookup else ()
        note = f"unsure: {reason}"
        return self._fire(receipt, ReceiptEvent.LOST_SIGHT, entry, note, *timers)

    def _fire(
        self,
        receipt: Receipt,
        event: ReceiptEvent,
        entry: OutboxEntry,
        note: str,
        *timers: Timer,
        detail: str = "",
    ) -> ChangeSet:
        """Fire ``event``; a status update that already moved the receipt takes precedence.

        ``detail`` is the provider's own answer, for the log of sending.
        """
        transition = RECEIPT.fire(receipt.state, event)
        if transition.refused:
            return ChangeSet(receipt.number, acked=(entry,))
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=transition.state,
            text=text_after_sending(receipt) if transition.state in ENDED else receipt.text,
            note=note,
            done_at=ended_at(receipt, transition.state, self.clock.now()),
            send_log=logged(receipt, event, self.clock.now(), detail or note),
        )
        return ChangeSet(receipt.number, records=(moved,), timers=timers, acked=(entry,))

    @staticmethod
    def requeue(receipt: Receipt, fired_timer: Timer) -> ChangeSet:
        """Put a receipt back into the outbox, unless it has moved on since."""
        due = not RECEIPT.fire(receipt.state, ReceiptEvent.SEND).refused
        outbox = (receipt.id,) if due else ()
        return ChangeSet(receipt.number, outbox=outbox, fired_timer=fired_timer)

    def apply_status(
        self,
        receipt: Receipt,
        status: ProviderStatus,
        raw_status: str,
        provider_id: str | None,
        owner: _Owner = None,
    ) -> ChangeSet:
        """Apply a provider's status update; a final state stays, the history grows."""
        event = _EVENT_OF[status]
        transition = RECEIPT.fire(receipt.state, event) if event else None
        # After another attempt, the same raw status is new; otherwise it is a duplicate.
        moves = transition is not None and transition.state is not receipt.state
        if not moves and raw_status in {update.raw_status for update in receipt.history}:
            return ChangeSet(receipt.number)
        update = StatusEvent(self.clock.now(), raw_status)
        kept = replace(
            receipt,
            history=(*receipt.history, update)[-_MAX_HISTORY:],
            provider_id=receipt.provider_id or provider_id,
        )
        if transition is None or transition.refused:
            return ChangeSet(receipt.number, records=(replace(kept, version=receipt.version + 1),))
        code = ""
        if transition.state is ReceiptState.UNDELIVERED:
            code, cause = self._read_failure(receipt.provider or "", raw_status)
            kept = replace(kept, note=with_cause(raw_status, cause))
        failed = status is ProviderStatus.FAILED
        change = mark_sent(kept, transition.state, owner, self.clock.now(), failed=failed)
        return with_result(change, receipt, transition.state, self.clock.now(), code)
