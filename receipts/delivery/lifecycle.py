"""The only writer of receipts: born due, handed to a provider, moved by what providers say."""

import datetime as dt
import math
from collections.abc import Collection

from msgspec.structs import replace

from receipts.charging.charges import count_receipt, for_receipt
from receipts.delivery.in_doubt import InDoubtReceipts, is_too_old
from receipts.delivery.routing import Route, Router
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt, StatusEvent
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Deferred, OutboxEntry, Timer
from receipts.ports.clock import Clock
from receipts.ports.provider import (
    NoRouteError,
    OutboundMessage,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
)
from receipts.rulebook.schema import SendingRules
from statemachines.receipt import ENDED, RECEIPT, UNDER_WAY, ReceiptEvent, ReceiptState

#: Name of the timer that sends a receipt again.
RETRY = "retry"

#: News kept with a receipt; more than this is a vendor repeating itself.
_HISTORY = 20


_EVENT_OF: dict[ProviderStatus, ReceiptEvent | None] = {
    ProviderStatus.UNDERWAY: ReceiptEvent.TOLD_UNDERWAY,
    ProviderStatus.DELIVERED: ReceiptEvent.TOLD_DELIVERED,
    ProviderStatus.UNDELIVERED: ReceiptEvent.TOLD_UNDELIVERED,
    ProviderStatus.FAILED: ReceiptEvent.TOLD_FAILED,
    # A word we do not know is kept raw and moves nothing.
    ProviderStatus.UNKNOWN: None,
}


class ReceiptLifecycle:
    """What happens to a receipt, step by step. Every step is a Change for the store."""

    def __init__(self, routes: Router, sending: SendingRules, clock: Clock) -> None:
        self.router, self.rules, self._clock = routes, sending, clock
        self.in_doubt = InDoubtReceipts(sending, clock)

    def build_notification(
        self, receipt_id: str, number: Msisdn, text: str, mode: DisplayMode, language: Language
    ) -> Receipt:
        """Word about the customer's own order, due now; never charged."""
        return Receipt(
            receipt_id,
            number,
            text,
            mode,
            language,
            self._clock.now(),
            version=1,
            kind=MessageKind.NOTICE,
        )

    def mark_sending(
        self, receipt: Receipt, entry: OutboxEntry, choice: Route | None = None
    ) -> ChangeSet:
        """Take a receipt out of the outbox to be sent, or say why it will not be.

        ``choice`` is who carries it, where it is known to be wanted; else who would if all were
        well.
        """
        if choice is None:
            unwanted, choice = self.skip_reason(receipt, entry), self.router.choose(receipt)
            if unwanted is not None or choice is None:
                return unwanted or self.defer(receipt, entry, self.router.queue_for(receipt))
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=RECEIPT.fire(receipt.state, ReceiptEvent.SEND).state,
            provider=choice.provider.name,
            sent_as=choice.sent_as,
            attempts=receipt.attempts + 1,
            requested_at=self._clock.wall_clock(),
            note=choice.fallback_reason,
        )
        # The entry stays in the outbox: if we die now, another worker finds it here.
        return ChangeSet(receipt.number, records=(moved,))

    def skip_reason(self, receipt: Receipt, entry: OutboxEntry) -> ChangeSet | None:
        """What becomes of a receipt that is not to be sent; None when it is."""
        too_old = is_too_old(receipt, self._clock.now(), self.rules.expire_after_hours)
        outcome = RECEIPT.fire(
            receipt.state, ReceiptEvent.TOO_OLD if too_old else ReceiptEvent.SEND
        )
        if outcome.reason == UNDER_WAY:
            return self._mark_in_doubt(receipt, "its worker ended while sending", entry)
        if outcome.refused:
            return ChangeSet(receipt.number, acked=(entry,))
        if too_old:
            return self._transition(receipt, outcome.state, entry, note="too old to be of use")
        return None

    @staticmethod
    def defer(receipt: Receipt, entry: OutboxEntry, queue: str) -> ChangeSet:
        """Put a receipt aside until a line has room for it, in the order of age."""
        parked = Deferred(receipt.id, receipt.version, queue, receipt.created_at)
        return ChangeSet(receipt.number, deferred=(parked,), acked=(entry,))

    @staticmethod
    def outbound_message(receipt: Receipt, deadline: float = math.inf) -> OutboundMessage:
        """What a provider needs to know of a receipt, to be sent by a moment if at all."""
        mode = receipt.sent_as or receipt.mode
        return OutboundMessage(receipt.id, receipt.number, receipt.text, mode, deadline)

    def accepted(
        self,
        receipt: Receipt,
        provider_id: str,
        entry: OutboxEntry | None,
        owner: Subscription | None = None,
    ) -> ChangeSet:
        """The provider took it: it is sent, and charged if it has a price.

        ``owner`` is needed where the tariff gives some receipts free (``charges.needs_owner``).
        """
        return self._apply_acceptance(
            receipt, ReceiptEvent.ACCEPTED, provider_id, entry, owner=owner
        )

    def lookup_found(
        self,
        receipt: Receipt,
        provider_id: str,
        fired_timer: Timer,
        owner: Subscription | None = None,
    ) -> ChangeSet:
        """The provider turned out to have taken it after all."""
        change = self._apply_acceptance(
            receipt, ReceiptEvent.FOUND, provider_id, None, fired_timer, owner
        )
        # Two receipts of the same words may look at the same moment: one of them finds this one.
        idempotency_key = f"found:{receipt.provider}:{provider_id}"
        return replace(change, idempotency_key=idempotency_key) if change.records else change

    def _apply_acceptance(
        self,
        receipt: Receipt,
        event: ReceiptEvent,
        provider_id: str,
        entry: OutboxEntry | None,
        fired_timer: Timer | None = None,
        owner: Subscription | None = None,
    ) -> ChangeSet:
        outcome = RECEIPT.fire(receipt.state, event)
        done = (entry,) if entry else ()
        if outcome.refused:
            return ChangeSet(receipt.number, fired_timer=fired_timer, acked=done)
        # News of its failure may have come before the answer to our own request.
        failed = outcome.state is ReceiptState.UNDELIVERED
        taken = replace(receipt, provider_id=provider_id)
        left = self._mark_sent(taken, outcome.state, owner, failed=failed)
        return replace(left, fired_timer=fired_timer, acked=done)

    def failed(
        self,
        receipt: Receipt,
        failure: ProviderError,
        entry: OutboxEntry,
        closed: Collection[str] = (),
    ) -> ChangeSet:
        """The one judge of what a provider's failure means; ``closed`` are the demoted ones."""
        if isinstance(failure, TemporaryError):
            return self._retry_later(receipt, failure, entry, closed)
        if isinstance(failure, NoRouteError) and receipt.provider:
            receipt = replace(receipt, refused_by=(*receipt.refused_by, receipt.provider))
            if self.router.has_alternative(receipt):
                return self._reroute(receipt, failure, entry)
        if isinstance(failure, PermanentError):
            return self._apply_failure(receipt, ReceiptEvent.NEVER, entry, failure.detail)
        return self._mark_in_doubt(receipt, failure.detail, entry)

    def _retry_later(
        self, receipt: Receipt, failure: TemporaryError, entry: OutboxEntry, closed: Collection[str]
    ) -> ChangeSet:
        if receipt.provider in closed:
            # The provider's fault, not the receipt's: it has as many tries as ever.
            return self._reroute(receipt, failure, entry)
        if receipt.attempts >= self.rules.max_attempts:
            note = f"given up: {failure.detail}"
            return self._apply_failure(receipt, ReceiptEvent.GIVE_UP, entry, note)
        wait = self.rules.delay(receipt.attempts)
        timer = Timer(RETRY, receipt.number, receipt.id, self._clock.now() + wait)
        return self._apply_failure(receipt, ReceiptEvent.TRY_LATER, entry, failure.detail, (timer,))

    def _reroute(self, receipt: Receipt, failure: ProviderError, entry: OutboxEntry) -> ChangeSet:
        """Back into the outbox at once: it goes to the next provider, or waits for this one."""
        change = self._apply_failure(receipt, ReceiptEvent.TRY_LATER, entry, failure.detail)
        return replace(change, outbox=(receipt.id,)) if change.records else change

    def _mark_in_doubt(self, receipt: Receipt, why: str, entry: OutboxEntry) -> ChangeSet:
        """It may have gone out: look before it is ever sent again, or leave it to staff."""
        provider = self.router.by_name(receipt.provider)
        timers: tuple[Timer, ...] = ()
        if provider is not None and provider.abilities.lookup:
            timers = (self.in_doubt.schedule_lookup(receipt),)
        return self._apply_failure(
            receipt, ReceiptEvent.LOST_SIGHT, entry, f"unsure: {why}", timers
        )

    def _apply_failure(
        self,
        receipt: Receipt,
        event: ReceiptEvent,
        entry: OutboxEntry,
        note: str,
        timers: tuple[Timer, ...] = (),
    ) -> ChangeSet:
        """What we make of a failure, unless news of the same receipt knew better meanwhile."""
        outcome = RECEIPT.fire(receipt.state, event)
        if outcome.refused:
            return ChangeSet(receipt.number, acked=(entry,))
        return self._transition(receipt, outcome.state, entry, note, timers)

    @staticmethod
    def requeue(receipt: Receipt, fired_timer: Timer) -> ChangeSet:
        """The wait is over: back into the outbox."""
        ready = not RECEIPT.fire(receipt.state, ReceiptEvent.SEND).refused
        post = (receipt.id,) if ready else ()
        return ChangeSet(receipt.number, outbox=post, fired_timer=fired_timer)

    def apply_status(
        self,
        receipt: Receipt,
        status: ProviderStatus,
        raw_status: str,
        provider_id: str | None,
        owner: Subscription | None = None,
    ) -> ChangeSet:
        """A provider's news of a receipt. Final stays final; the news is kept all the same."""
        event = _EVENT_OF[status]
        outcome = RECEIPT.fire(receipt.state, event) if event else None
        # After a second attempt the same word can be news again; else it is a repeat.
        moves = outcome is not None and outcome.state is not receipt.state
        if not moves and raw_status in {news.raw_status for news in receipt.history}:
            return ChangeSet(receipt.number)
        news = StatusEvent(self._clock.now(), raw_status)
        kept = replace(
            receipt,
            history=(*receipt.history, news)[-_HISTORY:],
            provider_id=receipt.provider_id or provider_id,
        )
        if outcome is None or outcome.refused:
            return ChangeSet(receipt.number, records=(replace(kept, version=receipt.version + 1),))
        return self._mark_sent(kept, outcome.state, owner, failed=status is ProviderStatus.FAILED)

    def _mark_sent(
        self,
        receipt: Receipt,
        state: ReceiptState,
        owner: Subscription | None,
        *,
        failed: bool = False,
    ) -> ChangeSet:
        """A receipt that went out; it is charged here, once, whoever said so first."""
        now = self._clock.now()
        first = receipt.sent_at is None and not failed
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=state,
            text=_text_after(receipt),
            sent_at=now if first else receipt.sent_at,
            done_at=_ended_at(receipt, state, now),
        )
        if not first or receipt.price_fen == 0:
            return ChangeSet(receipt.number, records=(moved,))
        one_more, used = count_receipt(owner, now) if receipt.free_receipts else (None, 0)
        charge = for_receipt(receipt, used, now)
        records = (replace(moved, charge_fen=charge.fen), *((one_more,) if one_more else ()))
        return ChangeSet(receipt.number, records=records, charges=(charge,))

    def _transition(
        self,
        receipt: Receipt,
        state: ReceiptState,
        entry: OutboxEntry,
        note: str,
        timers: tuple[Timer, ...] = (),
    ) -> ChangeSet:
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=state,
            text=_text_after(receipt) if state in ENDED else receipt.text,
            note=note,
            done_at=_ended_at(receipt, state, self._clock.now()),
        )
        return ChangeSet(receipt.number, records=(moved,), timers=timers, acked=(entry,))


def _text_after(receipt: Receipt) -> str:
    """What is kept of a text that will not be sent again: of a code, nothing."""
    return "" if receipt.kind is MessageKind.CODE else receipt.text


def _ended_at(receipt: Receipt, state: ReceiptState, now: dt.datetime) -> dt.datetime | None:
    """When a receipt ended, if it has; a later word about the same end moves no time."""
    if state not in ENDED:
        return None
    return receipt.done_at if state is receipt.state else now
