"""Pages of a customer's receipts by recipient and day, in bounded work for any number of them."""

import datetime as dt
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.calendar import SHANGHAI
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.receipt_history import ReceiptHistory
from receipts.ports.store import ReceiptWindow
from receipts.rulebook.schema import SendingRules

PAGE = 30

#: Entries of the first read, which mostly fill a page, and of the largest one. Each next read takes
#: so many times the entries of the one before: a compromise of entries and round trips.
_FIRST, _MOST, _GROWTH = 2 * PAGE, 2_500, 4

#: Entries that one page looks at, at about 5 µs each; the next page goes on behind them.
MAX_SEARCHED = 5_000

#: Entries that one step of the search for a day looks at: three steps for 30,000.
_PROBES = 32


class ReceiptFilter(Struct, frozen=True):
    """The texts that are wanted: the recipient's last digits, and their day in China."""

    ending: str = ""
    day: dt.date | None = None

    def __bool__(self) -> bool:
        return bool(self.ending or self.day)

    def fits(self, receipt: Receipt) -> bool:
        """Whether a receipt is about such a text."""
        if receipt.kind is not MessageKind.RECEIPT:
            return False
        number = receipt.recipient.national if receipt.recipient else ""
        return number.endswith(self.ending) and self.day in {None, text_day(receipt)}


class ReceiptPage(Struct, frozen=True):
    """Receipts, newest first, and the positions at which the pages beside this one begin."""

    receipts: tuple[Receipt, ...] = ()
    newer: int | None = None
    older: int | None = None
    #: The time down to which receipts were looked at, where older ones are left to be searched.
    searched_to: dt.datetime | None = None
    #: Whether the archive was read, which takes longer, and its months that cannot be read.
    archived: bool = False
    unreadable: tuple[str, ...] = ()


def text_day(receipt: Receipt) -> dt.date:
    """Day in China on which the customer's text was sent, else that of its receipt."""
    at = receipt.text_sent.at if receipt.text_sent else receipt.created_at
    return at.astimezone(SHANGHAI).date()


class ReceiptSearch:
    """Pages of receipts. Every method raises StoreUnavailableError."""

    def __init__(self, history: ReceiptHistory, rules: SendingRules) -> None:
        self._history = history
        #: The longest time from a text to its receipt.
        self._longest = dt.timedelta(hours=rules.validity_hours + rules.margin_hours, days=1)

    def page(self, number: Msisdn, wanted: ReceiptFilter, start: int | None = None) -> ReceiptPage:
        """The receipts from a position of the list to older ones, by default from the newest."""
        notes = _ArchiveNotes()
        return notes.on(self._page(number, wanted, start, notes))

    def _page(
        self, number: Msisdn, wanted: ReceiptFilter, start: int | None, notes: "_ArchiveNotes"
    ) -> ReceiptPage:
        found: list[Receipt] = []
        first = self._newest_of_day(number, wanted.day) if start is None else start
        position, searched_to = first or 0, None
        for position, receipt in self._older(number, first, notes):
            if receipt is None:
                continue
            if self._is_before(receipt, wanted.day):
                return _page(found, start)
            if wanted.fits(receipt):
                if len(found) == PAGE:
                    return _page(found, start, position)
                found.append(receipt)
            searched_to = receipt.created_at
        return _page(found, start, position - 1, searched_to)

    def newer_page(self, number: Msisdn, wanted: ReceiptFilter, start: int) -> ReceiptPage:
        """The receipts from a position of the list to newer ones; near the newest, the first page.

        They are listed newest first all the same.
        """
        notes = _ArchiveNotes()
        return notes.on(self._newer_page(number, wanted, start, notes))

    def _newer_page(
        self, number: Msisdn, wanted: ReceiptFilter, start: int, notes: "_ArchiveNotes"
    ) -> ReceiptPage:
        found: list[Receipt] = []
        position = start
        for position, receipt in self._newer(number, start, notes):
            if receipt is not None and wanted.fits(receipt):
                if len(found) == PAGE:
                    return ReceiptPage(tuple(found[::-1]), position, start - 1 or None)
                found.append(receipt)
            if position - start >= MAX_SEARCHED:
                return ReceiptPage(tuple(found[::-1]), position + 1, start - 1 or None)
        first = self._page(number, wanted, None, notes)
        if first.older is None or first.older < start:
            return first  # it shows all of these
        return ReceiptPage(tuple(found[::-1]), None, start - 1 or None)

    def _older(
        self, number: Msisdn, start: int | None, notes: "_ArchiveNotes"
    ) -> Iterator[tuple[int, Receipt | None]]:
        searched, position = 0, start
        for step in _steps():
            size = min(step, MAX_SEARCHED - searched)
            if position == 0 or size == 0:
                return
            window = notes.of(self._history.receipt_window(number, size, position))
            yield from _numbered(window)
            searched += size
            position = window.newest - len(window.entries)

    def _newer(
        self, number: Msisdn, start: int, notes: "_ArchiveNotes"
    ) -> Iterator[tuple[int, Receipt | None]]:
        position = start
        for size in _steps():
            last = position + size - 1
            window = notes.of(self._history.receipt_window(number, size, last))
            entries = [each for each in _numbered(window) if each[0] >= position]
            yield from reversed(entries)
            position = window.newest + 1
            if position > window.length:
                return

    def _is_before(self, receipt: Receipt, day: dt.date | None) -> bool:
        """Whether this receipt and all older ones are about texts of earlier days."""
        return day is not None and receipt.created_at.astimezone(SHANGHAI).date() < day

    def _newest_of_day(self, number: Msisdn, day: dt.date | None) -> int | None:
        """Position of the newest entry that may be about a text of the day; 0 for none."""
        if day is None:
            return None
        midnight = dt.datetime.combine(day, dt.time(), SHANGHAI)
        end = midnight + self._longest
        below, above = 0, self._history.receipt_window(number, 1).newest + 1
        while above - below > 1:
            # The positions between them, or as many as one step looks at.
            steps = range(1, min(_PROBES + 1, above - below))
            asked = [below + (above - below) * step // (steps.stop) for step in steps]
            for position, receipt in zip(
                asked, self._history.receipts_at(number, asked), strict=True
            ):
                if receipt is not None and receipt.created_at >= end:
                    above = position
                    break
                below = position
        return below


class _ArchiveNotes:
    """What the windows of one search tell of the archive."""

    def __init__(self) -> None:
        self._archived, self._unreadable = False, set[str]()

    def of(self, window: ReceiptWindow) -> ReceiptWindow:
        """Note a window."""
        self._archived = self._archived or window.archived > 0
        self._unreadable.update(window.unreadable)
        return window

    def on(self, page: ReceiptPage) -> ReceiptPage:
        """The page with the notes."""
        unreadable = tuple(sorted(self._unreadable))
        return replace(page, archived=self._archived, unreadable=unreadable)


def _steps() -> Iterator[int]:
    size = _FIRST
    while True:
        yield size
        size = min(_GROWTH * size, _MOST)


def _numbered(window: ReceiptWindow) -> Iterator[tuple[int, Receipt | None]]:
    for index, receipt in enumerate(window.entries):
        yield window.newest - index, receipt


def _page(
    found: list[Receipt],
    start: int | None,
    older: int = 0,
    searched_to: dt.datetime | None = None,
) -> ReceiptPage:
    newer = None if start is None else start + 1
    if older < 1:
        return ReceiptPage(tuple(found), newer)
    return ReceiptPage(tuple(found), newer, older, searched_to)
