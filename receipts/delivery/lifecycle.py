"""The only writer of receipts: born due, handed to a provider, moved by what providers say."""

import datetime as dt
import math
from collections.abc import Collection

from msgspec.structs import replace

from receipts.charging.charges import counted, for_receipt
from receipts.delivery.in_doubt import InDoubtReceipts, is_too_old
from receipts.delivery.routing import Choice, Routes
from receipts.model.customer import Subscription
from receipts.model.receipt import Kind, News, Receipt
from receipts.model.vocabulary import Language, Mode, Msisdn
from receipts.ports.changes import Change, Parked, Posted, Timer
from receipts.ports.clock import Clock
from receipts.ports.provider import Never, NotHere, Parcel, SendingFailure, Told, TryLater
from receipts.rulebook.schema import Sending
from statemachines.receipt import ENDED, RECEIPT, UNDER_WAY, ReceiptEvent, ReceiptState

#: Name of the timer that sends a receipt again.
RETRY = "retry"

#: News kept with a receipt; more than this is a vendor repeating itself.
_HISTORY = 20


_EVENT_OF: dict[Told, ReceiptEvent | None] = {
    Told.UNDERWAY: ReceiptEvent.TOLD_UNDERWAY,
    Told.DELIVERED: ReceiptEvent.TOLD_DELIVERED,
    Told.UNDELIVERED: ReceiptEvent.TOLD_UNDELIVERED,
    Told.FAILED: ReceiptEvent.TOLD_FAILED,
    # A word we do not know is kept raw and moves nothing.
    Told.UNKNOWN: None,
}


class Delivery:
    """What happens to a receipt, step by step. Every step is a Change for the store."""

    def __init__(self, routes: Routes, sending: Sending, clock: Clock) -> None:
        self.routes, self.rules, self._clock = routes, sending, clock
        self.in_doubt = InDoubtReceipts(sending, clock)

    def notice(
        self, receipt_id: str, number: Msisdn, text: str, mode: Mode, language: Language
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
            kind=Kind.NOTICE,
        )

    def begin(self, receipt: Receipt, posted: Posted, choice: Choice | None = None) -> Change:
        """Take a receipt out of the outbox to be sent, or say why it will not be.

        ``choice`` is who carries it, where it is known to be wanted; else who would if all were
        well.
        """
        if choice is None:
            unwanted, choice = self.unwanted(receipt, posted), self.routes.choose(receipt)
            if unwanted is not None or choice is None:
                return unwanted or self.park(receipt, posted, self.routes.lane(receipt))
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=RECEIPT.fire(receipt.state, ReceiptEvent.SEND).state,
            provider=choice.provider.name,
            sent_as=choice.sent_as,
            attempts=receipt.attempts + 1,
            asked_at=self._clock.outside(),
            note=choice.fell_back,
        )
        # The entry stays in the outbox: if we die now, another worker finds it here.
        return Change(receipt.number, records=(moved,))

    def unwanted(self, receipt: Receipt, posted: Posted) -> Change | None:
        """What becomes of a receipt that is not to be sent; None when it is."""
        too_old = is_too_old(receipt, self._clock.now(), self.rules.expire_after_hours)
        outcome = RECEIPT.fire(
            receipt.state, ReceiptEvent.TOO_OLD if too_old else ReceiptEvent.SEND
        )
        if outcome.reason == UNDER_WAY:
            return self._lost_sight(receipt, "its worker ended while sending", posted)
        if outcome.refused:
            return Change(receipt.number, done=(posted,))
        if too_old:
            return self._moved(receipt, outcome.state, posted, note="too old to be of use")
        return None

    @staticmethod
    def park(receipt: Receipt, posted: Posted, lane: str) -> Change:
        """Put a receipt aside until a line has room for it, in the order of age."""
        parked = Parked(receipt.id, receipt.version, lane, receipt.created_at)
        return Change(receipt.number, park=(parked,), done=(posted,))

    @staticmethod
    def parcel(receipt: Receipt, by: float = math.inf) -> Parcel:
        """What a provider needs to know of a receipt, to be sent by a moment if at all."""
        mode = receipt.sent_as or receipt.mode
        return Parcel(receipt.id, receipt.number, receipt.text, mode, by)

    def accepted(
        self,
        receipt: Receipt,
        provider_id: str,
        posted: Posted | None,
        owner: Subscription | None = None,
    ) -> Change:
        """The provider took it: it is sent, and charged if it has a price.

        ``owner`` is needed where the tariff gives some receipts free (``charges.needs_owner``).
        """
        return self._sent(receipt, ReceiptEvent.ACCEPTED, provider_id, posted, owner=owner)

    def found(
        self,
        receipt: Receipt,
        provider_id: str,
        fired: Timer,
        owner: Subscription | None = None,
    ) -> Change:
        """The provider turned out to have taken it after all."""
        change = self._sent(receipt, ReceiptEvent.FOUND, provider_id, None, fired, owner)
        # Two receipts of the same words may look at the same moment: one of them finds this one.
        claim = f"found:{receipt.provider}:{provider_id}"
        return replace(change, claim=claim) if change.records else change

    def _sent(
        self,
        receipt: Receipt,
        event: ReceiptEvent,
        provider_id: str,
        posted: Posted | None,
        fired: Timer | None = None,
        owner: Subscription | None = None,
    ) -> Change:
        outcome = RECEIPT.fire(receipt.state, event)
        done = (posted,) if posted else ()
        if outcome.refused:
            return Change(receipt.number, fired=fired, done=done)
        # News of its failure may have come before the answer to our own request.
        failed = outcome.state is ReceiptState.UNDELIVERED
        taken = replace(receipt, provider_id=provider_id)
        left = self._left_us(taken, outcome.state, owner, failed=failed)
        return replace(left, fired=fired, done=done)

    def failed(
        self,
        receipt: Receipt,
        failure: SendingFailure,
        posted: Posted,
        closed: Collection[str] = (),
    ) -> Change:
        """The one judge of what a provider's failure means; ``closed`` are the demoted ones."""
        if isinstance(failure, TryLater):
            return self._later(receipt, failure, posted, closed)
        if isinstance(failure, NotHere) and receipt.provider:
            receipt = replace(receipt, refused_by=(*receipt.refused_by, receipt.provider))
            if self.routes.others(receipt):
                return self._elsewhere(receipt, failure, posted)
        if isinstance(failure, Never):
            return self._judged(receipt, ReceiptEvent.NEVER, posted, failure.detail)
        return self._lost_sight(receipt, failure.detail, posted)

    def _later(
        self, receipt: Receipt, failure: TryLater, posted: Posted, closed: Collection[str]
    ) -> Change:
        if receipt.provider in closed:
            # The provider's fault, not the receipt's: it has as many tries as ever.
            return self._elsewhere(receipt, failure, posted)
        if receipt.attempts >= self.rules.max_attempts:
            note = f"given up: {failure.detail}"
            return self._judged(receipt, ReceiptEvent.GIVE_UP, posted, note)
        wait = self.rules.delay(receipt.attempts)
        timer = Timer(RETRY, receipt.number, receipt.id, self._clock.now() + wait)
        return self._judged(receipt, ReceiptEvent.TRY_LATER, posted, failure.detail, (timer,))

    def _elsewhere(self, receipt: Receipt, failure: SendingFailure, posted: Posted) -> Change:
        """Back into the outbox at once: it goes to the next provider, or waits for this one."""
        change = self._judged(receipt, ReceiptEvent.TRY_LATER, posted, failure.detail)
        return replace(change, post=(receipt.id,)) if change.records else change

    def _lost_sight(self, receipt: Receipt, why: str, posted: Posted) -> Change:
        """It may have gone out: look before it is ever sent again, or leave it to staff."""
        provider = self.routes.named(receipt.provider)
        timers: tuple[Timer, ...] = ()
        if provider is not None and provider.abilities.lookup:
            timers = (self.in_doubt.schedule_lookup(receipt),)
        return self._judged(receipt, ReceiptEvent.LOST_SIGHT, posted, f"unsure: {why}", timers)

    def _judged(
        self,
        receipt: Receipt,
        event: ReceiptEvent,
        posted: Posted,
        note: str,
        timers: tuple[Timer, ...] = (),
    ) -> Change:
        """What we make of a failure, unless news of the same receipt knew better meanwhile."""
        outcome = RECEIPT.fire(receipt.state, event)
        if outcome.refused:
            return Change(receipt.number, done=(posted,))
        return self._moved(receipt, outcome.state, posted, note, timers)

    @staticmethod
    def again(receipt: Receipt, fired: Timer) -> Change:
        """The wait is over: back into the outbox."""
        ready = not RECEIPT.fire(receipt.state, ReceiptEvent.SEND).refused
        post = (receipt.id,) if ready else ()
        return Change(receipt.number, post=post, fired=fired)

    def told(
        self,
        receipt: Receipt,
        told: Told,
        word: str,
        provider_id: str | None,
        owner: Subscription | None = None,
    ) -> Change:
        """A provider's news of a receipt. Final stays final; the news is kept all the same."""
        event = _EVENT_OF[told]
        outcome = RECEIPT.fire(receipt.state, event) if event else None
        # After a second attempt the same word can be news again; else it is a repeat.
        moves = outcome is not None and outcome.state is not receipt.state
        if not moves and word in {news.word for news in receipt.history}:
            return Change(receipt.number)
        news = News(self._clock.now(), word)
        kept = replace(
            receipt,
            history=(*receipt.history, news)[-_HISTORY:],
            provider_id=receipt.provider_id or provider_id,
        )
        if outcome is None or outcome.refused:
            return Change(receipt.number, records=(replace(kept, version=receipt.version + 1),))
        return self._left_us(kept, outcome.state, owner, failed=told is Told.FAILED)

    def _left_us(
        self,
        receipt: Receipt,
        state: ReceiptState,
        owner: Subscription | None,
        *,
        failed: bool = False,
    ) -> Change:
        """A receipt that went out; it is charged here, once, whoever said so first."""
        now = self._clock.now()
        first = receipt.sent_at is None and not failed
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=state,
            text=_words_after(receipt),
            sent_at=now if first else receipt.sent_at,
            done_at=_ended_at(receipt, state, now),
        )
        if not first or receipt.price_fen == 0:
            return Change(receipt.number, records=(moved,))
        one_more, used = counted(owner, now) if receipt.free_receipts else (None, 0)
        charge = for_receipt(receipt, used, now)
        records = (replace(moved, charge_fen=charge.fen), *((one_more,) if one_more else ()))
        return Change(receipt.number, records=records, charges=(charge,))

    def _moved(
        self,
        receipt: Receipt,
        state: ReceiptState,
        posted: Posted,
        note: str,
        timers: tuple[Timer, ...] = (),
    ) -> Change:
        moved = replace(
            receipt,
            version=receipt.version + 1,
            state=state,
            text=_words_after(receipt) if state in ENDED else receipt.text,
            note=note,
            done_at=_ended_at(receipt, state, self._clock.now()),
        )
        return Change(receipt.number, records=(moved,), timers=timers, done=(posted,))


def _words_after(receipt: Receipt) -> str:
    """What is kept of a text that will not be sent again: of a code, nothing."""
    return "" if receipt.kind is Kind.CODE else receipt.text


def _ended_at(receipt: Receipt, state: ReceiptState, now: dt.datetime) -> dt.datetime | None:
    """When a receipt ended, if it has; a later word about the same end moves no time."""
    if state not in ENDED:
        return None
    return receipt.done_at if state is receipt.state else now
