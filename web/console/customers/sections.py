"""Sections of a customer's life, each a bounded read of rows, newest first."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from receipts.charging.charges import months_kept
from receipts.delivery.receipt_search import ReceiptFilter, ReceiptSearch
from receipts.model.calendar import SHANGHAI
from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import CallLog
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.receipt_history import ReceiptHistory
from receipts.ports.store import BulkReader, ReceiptWindow, Store
from receipts.ports.text_index import TextIndex
from receipts.rulebook.schema import RuleBook

#: Rows of a section beside the others, and on a page of its own.
FEW, MANY = 10, 50

#: Months of charges that one page reads.
_MONTHS = 6


class Section(StrEnum):
    """A kind of events in a customer's life."""

    REQUESTS = "requests"
    RECEIPTS = "receipts"
    NOTICES = "notices"
    CHARGES = "charges"
    TEXTS = "texts"
    CALLS = "calls"
    LOOKS = "looks"


@dataclass(frozen=True, slots=True)
class LifeRow:
    """An event: time, what it was, its details, who or what it came from, and a text's id."""

    at: str
    what: str
    detail: str = ""
    origin: str = ""
    text_id: str = ""


@dataclass(frozen=True, slots=True)
class SectionTable:
    """Rows of a section, and the position at which older ones begin."""

    section: Section
    rows: list[LifeRow]
    older: int | None = None
    #: Whether rows are from the archive, and its months that cannot be read.
    archived: bool = False
    unreadable: tuple[str, ...] = ()


#: A text of the page by its key.
Text = Callable[..., str]


@dataclass(frozen=True, slots=True)
class LifeReader:
    """Reads sections. Every method raises StoreUnavailableError."""

    store: Store
    history: ReceiptHistory
    reader: BulkReader
    index: TextIndex
    book: Callable[[], RuleBook]
    now: Callable[[], dt.datetime]

    def table(
        self, section: Section, number: Msisdn, text: Text, limit: int, start: int = 0
    ) -> SectionTable:
        """Rows of a section behind the newest ``start``."""
        read: dict[Section, Callable[[Msisdn, Text, int, int], SectionTable]] = {
            Section.REQUESTS: self._requests,
            Section.RECEIPTS: self._receipts,
            Section.NOTICES: self._notices,
            Section.CHARGES: self._charges,
            Section.TEXTS: self._texts,
            Section.CALLS: self._calls,
            Section.LOOKS: self._looks,
        }
        return read[section](number, text, limit, start)

    def search(self, number: Msisdn, text: Text, wanted: ReceiptFilter) -> SectionTable:
        """Receipts by recipient and day, as far back as one search looks."""
        search = ReceiptSearch(self.history, self.book().sending)
        page = search.page(number, wanted)
        rows = [_receipt_row(each, text) for each in page.receipts]
        return SectionTable(Section.RECEIPTS, rows, None, page.archived, page.unreadable)

    def _requests(self, number: Msisdn, text: Text, limit: int, start: int) -> SectionTable:
        entries = self.store.history(number, limit + 1, start)
        rows = [_request_row(each, text) for each in entries[:limit]]
        return SectionTable(Section.REQUESTS, rows, _after(entries, limit, start))

    def _receipts(self, number: Msisdn, text: Text, limit: int, start: int) -> SectionTable:
        window = self.history.receipt_window(number, limit, start or None)
        found = _kept(window)
        rows = [_receipt_row(each, text) for each in found if each.kind is MessageKind.RECEIPT]
        return _listed(Section.RECEIPTS, rows, window)

    def _notices(self, number: Msisdn, text: Text, limit: int, start: int) -> SectionTable:
        window = self.history.receipt_window(number, limit, start or None)
        rows = [
            LifeRow(
                moment(each.created_at),
                each.text,
                text(f"journey.state.{each.state}"),
                each.note or "",
            )
            for each in _kept(window)
            if each.kind not in {MessageKind.RECEIPT, MessageKind.RELAY}
        ]
        return _listed(Section.NOTICES, rows, window)

    def _charges(self, number: Msisdn, text: Text, limit: int, start: int) -> SectionTable:
        charges = self._newest_charges(number, limit + 1, start)
        rows = [_charge_row(each, text) for each in charges[:limit]]
        return SectionTable(Section.CHARGES, rows, _after(charges, limit, start))

    def _newest_charges(self, number: Msisdn, limit: int, skip: int) -> list[Charge]:
        """Charges behind the newest ``skip``; months of newer ones are counted, not read."""
        kept = months_kept(self.book(), self.now())[::-1]
        months = self.store.charged_months(number, kept)[:_MONTHS]
        for sums in self.store.month_sums(number, months) if skip else ():
            if skip < sums.count:
                break
            skip, months = skip - sums.count, months[1:]
        newest, older = months[:1], months[1:]
        ledgers = self.store.ledgers(number, newest, limit, skip)
        ledgers += self.store.ledgers(number, older, limit)
        return [charge for ledger in ledgers for charge in ledger.charges][:limit]

    def _texts(self, number: Msisdn, text: Text, limit: int, start: int) -> SectionTable:
        found = self.index.newest_texts_of(number, limit + 1, start)
        rows = [
            LifeRow(
                moment(each.begun),
                text("text_to", friend=each.recipient.national),
                each.message_id,
                text_id=each.message_id,
            )
            for each in found[:limit]
        ]
        return SectionTable(Section.TEXTS, rows, _after(found, limit, start))

    def _calls(self, number: Msisdn, text: Text, limit: int, start: int) -> SectionTable:
        calls = self.reader.calls_of(number)[::-1]
        rows = [
            LifeRow(
                "", text("call"), ", ".join(text(f"act.{key}") for key, _ in each.acts), each.sid
            )
            for each in calls[start : start + limit]
        ]
        return SectionTable(Section.CALLS, rows, _after(calls[start:], limit, start))

    def _looks(self, number: Msisdn, text: Text, limit: int, start: int) -> SectionTable:
        looks = self.reader.lookups_of(number, start + limit + 1)[::-1][start:]
        rows = [
            LifeRow(moment(each.at), text("look", command=each.command), each.reason, each.clerk)
            for each in looks[:limit]
        ]
        return SectionTable(Section.LOOKS, rows, _after(looks, limit, start))


def moment(at: dt.datetime) -> str:
    """A time in China to the second."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _after(found: Sequence[object], limit: int, start: int) -> int | None:
    return start + limit if len(found) > limit else None


def _kept(window: ReceiptWindow) -> list[Receipt]:
    return [each for each in window.entries if each is not None]


def _listed(section: Section, rows: list[LifeRow], window: ReceiptWindow) -> SectionTable:
    """Rows of a window; positions count from the oldest entry."""
    older = window.newest - len(window.entries)
    archived = bool(window.archived)
    return SectionTable(section, rows, older if older > 0 else None, archived, window.unreadable)


def _acts(call: CallLog, text: Text) -> str:
    return ", ".join(text(f"act.{key}") for key, _ in call.acts)


def _request_row(entry: AuditEntry, text: Text) -> LifeRow:
    origin = ", ".join(
        filter(None, (entry.channel, entry.shop, entry.clerk, entry.identity, entry.serial))
    )
    states = f"{entry.state_before} → {entry.state_after}"
    heard = text("heard", words=entry.reply_text) if entry.reply_text else ""
    detail = " ".join(filter(None, (states, entry.tariff, heard, entry.shown_text)))
    return LifeRow(moment(entry.at), text(f"act.{entry.action or entry.event}"), detail, origin)


def _receipt_row(receipt: Receipt, text: Text) -> LifeRow:
    friend = receipt.recipient.national if receipt.recipient else ""
    outcome = text(f"journey.status.{receipt.outcome}") if receipt.outcome else ""
    progress = text(f"journey.state.{receipt.state}")
    fen = text("yuan", fen=receipt.charge_fen) if receipt.charge_fen else ""
    detail = " ".join(filter(None, (progress, receipt.provider or "", fen, receipt.note or "")))
    what = text("receipt", friend=friend, outcome=outcome)
    return LifeRow(moment(receipt.created_at), what, detail, receipt.id, receipt.id)


def _charge_row(charge: Charge, text: Text) -> LifeRow:
    kind = text(f"charge.{charge.kind}", month=charge.month)
    return LifeRow(
        moment(charge.at), kind, text("yuan", fen=charge.fen), f"{charge.reason} {charge.id}"
    )
