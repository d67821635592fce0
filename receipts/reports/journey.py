"""The journey of one text: found by number and friend, by message id, or by receipt id."""

import datetime as dt
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from receipts.charging.charges import credit_id, receipt_charge_id
from receipts.delivery.receipt_search import ReceiptFilter, ReceiptSearch
from receipts.delivery.results import FailureReader
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.charge import Charge
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.reported_time import TimePrecision
from receipts.model.vocabulary import Msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.ports.clock import Clock
from receipts.ports.receipt_history import ReceiptHistory
from receipts.ports.store import ReportQuery, Store
from receipts.ports.text_index import TextIndex
from receipts.reports.eligibility import Eligibility
from receipts.reports.journey_steps import (
    JourneyStep,
    sorted_steps,
    steps_of_charges,
    steps_of_receipt,
    steps_of_text,
)
from receipts.reports.message_trace import normalise_message_id
from receipts.reports.text_identity import texts_of
from receipts.rulebook.schema import RuleBook

#: Texts of one answer; with a time, those nearest to it.
MOST_TEXTS = 20

#: A text this near to a stated time is the one that is meant, unless another is as near.
_SAME = dt.timedelta(minutes=1)

_Text = tuple[Msisdn, Msisdn, str]


class Journey(Struct, frozen=True):
    """One text with all that came of it, or a text of ours that is about no text.

    ``trace`` is None once the reports have expired; ``receipts`` are then still kept.
    """

    number: Msisdn
    recipient: Msisdn | None
    message_id: str
    trace: MessageTrace | None
    receipts: tuple[Receipt, ...]
    charges: tuple[Charge, ...]
    steps: tuple[JourneyStep, ...]
    #: Kept without numbers, as a text of a sender without the service.
    of_stranger: bool = False
    #: Whether a receipt is from the archive.
    archived: bool = False

    @property
    def at(self) -> dt.datetime:
        """The time of the text: by the network, else the first that is known of it."""
        sent = self.trace.submitted if self.trace else None
        if sent is None and self.receipts:
            sent = self.receipts[0].text_sent
        if sent is not None and sent.precision is not TimePrecision.DAY:
            return sent.at
        if self.trace and self.trace.history:
            return self.trace.history[0].at
        return self.receipts[0].created_at if self.receipts else self.steps[0].at


class Journeys:
    """Finds journeys in a bounded number of round trips. Raises StoreUnavailableError."""

    def __init__(
        self,
        store: Store,
        index: TextIndex,
        book: RuleBook,
        plan: NumberingPlan,
        clock: Clock,
        read_failure: FailureReader,
        history: ReceiptHistory,
    ) -> None:
        self._store, self._index, self._clock = store, index, clock
        self._history = history
        self._in_store = dt.timedelta(days=book.retention.receipts_in_store_days)
        self._search = ReceiptSearch(history, book.sending)
        self._eligibility = Eligibility(store, book, plan, clock)
        self._read_failure = read_failure

    def of_pair(
        self, sender: Msisdn, recipient: Msisdn, around: dt.datetime | None = None
    ) -> list[Journey]:
        """Texts of a pair, newest first; with a time, the nearest first, one if it is clear."""
        # A text whose id was used again has an entry for each time.
        indexed = self._index.texts_between(sender, recipient, around, 2 * MOST_TEXTS)
        ids = [text.message_id for text in indexed]
        day = around.astimezone(SHANGHAI).date() if around else None
        page = self._search.page(sender, ReceiptFilter(recipient.national, day))
        ids += [r.message_id for r in page.receipts if r.message_id and r.recipient == recipient]
        found = self._read(
            dict.fromkeys((sender, recipient, each) for each in _distinct(ids)), page.receipts
        )
        if around is None:
            return sorted(found, key=lambda journey: journey.at, reverse=True)
        found.sort(key=lambda journey: abs(journey.at - around))
        near = [journey for journey in found if abs(journey.at - around) <= _SAME]
        return near if len(near) == 1 else found

    def of_text(
        self,
        sender: Msisdn,
        recipient: Msisdn,
        message_id: str,
        around: dt.datetime | None = None,
    ) -> list[Journey]:
        """The texts of one id between two numbers, those of a sender without the service too.

        With a time, the nearest one alone.
        """
        if not _is_unicode(message_id):
            return []
        found = self._read([(sender, recipient, message_id)])
        if around is None:
            return found
        return sorted(found, key=lambda journey: abs(journey.at - around))[:1]

    def of_id(self, name: str) -> list[Journey]:
        """The text of a receipt id, or the texts of a message id in any spelling."""
        if not _is_unicode(name):
            return []
        receipt_id = name.strip().lower()
        receipt = self._history.receipts([receipt_id]).by_id.get(receipt_id)
        if receipt is not None:
            return self._of_receipt(receipt)
        pairs = self._index.numbers_of(name, self._clock.wall_clock().date())
        return self._read([(*pair, name) for pair in pairs])

    def _of_receipt(self, receipt: Receipt) -> list[Journey]:
        if receipt.message_id is None or receipt.recipient is None:
            return [self._about_no_text(receipt)]
        text = (receipt.number, receipt.recipient, receipt.message_id)
        found = self._read([text], [receipt])
        mine = [each for each in found if receipt.id in {r.id for r in each.receipts}]
        return mine or [self._about_no_text(receipt)]

    def _about_no_text(self, receipt: Receipt) -> Journey:
        """The journey of a notice, a digest or a passcode."""
        about = (receipt.number, receipt.recipient, receipt.message_id or "")
        charges = self._charges([receipt])
        return self._noted([self._journey(*about, None, [receipt], charges)])[0]

    def _read(self, texts: Iterable[_Text], known: Sequence[Receipt] = ()) -> list[Journey]:
        """The journeys of some texts, as many as one answer has."""
        wanted = list(texts)[:MOST_TEXTS]
        snapshots = self._store.load_many([ReportQuery(*text) for text in wanted])
        traces: list[tuple[_Text, MessageTrace, bool]] = []
        for text, snapshot in zip(wanted, snapshots, strict=True):
            trace = snapshot.known_trace
            kept = texts_of(trace) if trace else [MessageTrace(text[2], text[0], text[1])]
            stranger = trace is not None and snapshot.trace is None
            traces += [(text, each, stranger) for each in kept[::-1]]
        ids = [self._receipt_ids(trace) for _, trace, _ in traces]
        receipts = self._receipts([each for pair in ids for each in pair], known)
        charges = self._charges(receipts.values())
        found: list[Journey] = []
        for (text, stored, stranger), pair in zip(traces, ids, strict=True):
            own = [receipts[each] for each in pair if each in receipts]
            trace = _with_archived(stored, own)
            if trace.history or own:
                told = trace if trace.history else None
                about = (*text, told, own, charges, receipts)
                found.append(self._journey(*about, of_stranger=stranger))
        return self._noted(found)

    def _noted(self, found: Sequence[Journey]) -> list[Journey]:
        """The journeys, those noted that have a receipt which is not in the store."""
        before = self._clock.now() - self._in_store  # younger ones are all there
        old = [r.id for each in found for r in each.receipts if r.created_at < before]
        read = zip(old, self._store.receipts(old), strict=True) if old else ()
        archived = {name for name, receipt in read if receipt is None}
        return [replace(j, archived=any(r.id in archived for r in j.receipts)) for j in found]

    def _receipt_ids(self, trace: MessageTrace) -> tuple[str, str]:
        name = self._eligibility.receipt_id
        return name(trace, answered=False), trace.receipt_id or name(trace, answered=True)

    def _receipts(self, ids: Sequence[str], known: Sequence[Receipt]) -> dict[str, Receipt]:
        """Receipts by id, with the digests that they are part of."""
        found = {receipt.id: receipt for receipt in known}
        missing = [each for each in dict.fromkeys(ids) if each not in found]
        found |= self._history.receipts(missing).by_id
        digests = dict.fromkeys(r.digest for r in found.values() if r.digest)
        if digests:
            found |= self._history.receipts(digests).by_id
        return found

    def _charges(self, receipts: Iterable[Receipt]) -> dict[str, Charge]:
        """Charges and credits of receipts, by id."""
        wanted: dict[Msisdn, list[tuple[str, str]]] = {}
        for receipt in receipts:
            ids = wanted.setdefault(receipt.number, [])
            if receipt.sent_at is not None:
                ids.append((month_of(receipt.sent_at), receipt_charge_id(receipt)))
            if receipt.done_at is not None:
                ids.append((month_of(receipt.done_at), credit_id(receipt)))
        found = (self._store.charges_by_id(number, ids) for number, ids in wanted.items() if ids)
        return {charge.id: charge for charges in found for charge in charges}

    def _journey(
        self,
        number: Msisdn,
        recipient: Msisdn | None,
        message_id: str,
        trace: MessageTrace | None,
        receipts: Sequence[Receipt],
        charges: dict[str, Charge],
        others: dict[str, Receipt] | None = None,
        *,
        of_stranger: bool = False,
    ) -> Journey:
        named = {name for r in receipts for name in (receipt_charge_id(r), credit_id(r))}
        mine = tuple(charge for name, charge in charges.items() if name in named)
        steps: list[JourneyStep] = [*steps_of_charges(mine)]
        if trace is not None:
            steps += steps_of_text(trace)
        for receipt in receipts:
            digest = (others or {}).get(receipt.digest or "")
            steps += steps_of_receipt(receipt, digest or receipt, self._read_failure)
        return Journey(
            number, recipient, trace.message_id if trace else message_id, trace,
            tuple(receipts), mine, sorted_steps(steps), of_stranger,
        )  # fmt: skip


def _with_archived(trace: MessageTrace, receipts: Sequence[Receipt]) -> MessageTrace:
    """The trace, or the one that an archived receipt of the text holds."""
    if trace.history:
        return trace
    return next(filter(None, (receipt.full_text_trace for receipt in receipts)), trace)


def _is_unicode(name: str) -> bool:
    """Whether a name has no half of a surrogate pair, which no stored id has."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _distinct(ids: Iterable[str]) -> list[str]:
    """Ids in their order, one spelling of each."""
    found: dict[str, str] = {}
    for message_id in ids:
        found.setdefault(normalise_message_id(message_id), message_id)
    return list(found.values())
