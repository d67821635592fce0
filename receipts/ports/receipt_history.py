"""A customer's receipts of store and archive as one list, newest first."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

from msgspec import Struct

from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.receipt_archive import ArchivedList, ArchivedReceipts, ReceiptArchive
from receipts.ports.store import ReceiptWindow, Store

#: Entries of the first read of the list's end, where older receipts stay that have not ended, and
#: of each later one.
_FIRST, _NEXT = 10, 500

#: Receipts that one read of a whole list takes at a time.
_AT_ONCE = 500


class ReceiptList(Struct, frozen=True):
    """Receipts, whether some are from the archive, and the months that could not be read."""

    receipts: list[Receipt]
    archived: bool = False
    unreadable: tuple[str, ...] = ()


class _Merged(Struct, frozen=True):
    """The archive of a customer, and the store's receipts that lie between its own.

    ``places`` are their positions in the merged list. ``passed`` counts the entries at the end of
    the store's list, of ``stored``, that lie there or are in the archive too.
    """

    archive: ArchivedList
    between: list[Receipt]
    places: list[int]
    passed: int
    stored: int

    @property
    def mixed(self) -> int:
        """The length of the part of the list that the archive has a share in."""
        return self.archive.length + len(self.between)

    @property
    def length(self) -> int:
        """The length of the whole list."""
        return self.mixed + self.stored - self.passed

    def older(self, position: int, limit: int) -> tuple[list[Receipt | None], int]:
        """Up to ``limit`` entries of the mixed part; the number of those from the archive."""
        index, limit = bisect_right(self.places, position), min(limit, position)
        archived = iter(self.archive.window(position - index, limit))
        entries: list[Receipt | None] = []
        for place in range(position, position - limit, -1):
            if index and self.places[index - 1] == place:
                index -= 1
                entries.append(self.between[index])
            else:
                entries.append(next(archived, None))
        kept = {id(each) for each in self.between}
        return entries, sum(each is not None and id(each) not in kept for each in entries)


class ReceiptHistory:
    """Receipts of the store, and behind them those of the archive, which take longer.

    Positions count from the oldest receipt, 1: one that moves to the archive keeps its position.
    Every method raises StoreUnavailableError.
    """

    def __init__(self, store: Store, archive: ReceiptArchive) -> None:
        self._store, self.archive = store, archive

    def receipt_window(self, number: Msisdn, limit: int, start: int | None = None) -> ReceiptWindow:
        """Up to ``limit`` listed receipts and notices, from ``start`` to older ones."""
        merged = self._merged(number)
        if merged is None:
            return self._store.receipt_window(number, limit, start)
        return self._window(number, merged, limit, start)

    def receipts_at(self, number: Msisdn, positions: Sequence[int]) -> list[Receipt | None]:
        """The listed receipts and notices at some positions, counted from the oldest."""
        merged = self._merged(number)
        if merged is None:
            return self._store.receipts_at(number, positions)
        young = [each for each in positions if each > merged.mixed]
        stored = [each - merged.mixed + merged.passed for each in young]
        found = self._store.receipts_at(number, stored) if stored else []
        by_position = dict(zip(young, found, strict=True))
        return [
            by_position[each] if each in by_position else merged.older(each, 1)[0][0]
            for each in positions
        ]

    def receipts_of(
        self, number: Msisdn, limit: int | None, kind: MessageKind | None, skip: int = 0
    ) -> ReceiptList:
        """A customer's receipts of one kind or all kinds, newest first; all without a limit."""
        merged = self._merged(number)
        if merged is None:
            return ReceiptList(self._store.receipts_of(number, limit, kind, skip))
        end = None if limit is None else skip + limit
        found, archived, start = list[Receipt](), 0, merged.length
        while start > 0 and (end is None or len(found) < end):
            size = _AT_ONCE if end is None else min(_AT_ONCE, end - len(found))
            window = self._window(number, merged, size, start)
            found += [r for r in window.entries if r is not None and kind in {None, r.kind}]
            archived, start = archived + window.archived, start - size
        unreadable = merged.archive.unreadable if start < merged.mixed or start <= 0 else ()
        return ReceiptList(found[skip:end], bool(archived), unreadable)

    def recent_by_customer(self, numbers: Sequence[Msisdn], limit: int) -> list[list[Receipt]]:
        """The newest receipts of each of several customers that are in the store."""
        return self._store.recent_by_customer(numbers, limit)

    def receipts(self, ids: Iterable[str]) -> ArchivedReceipts:
        """Receipts by id."""
        wanted = list(dict.fromkeys(ids))
        pairs = zip(wanted, self._store.receipts(wanted), strict=True)
        found = {name: receipt for name, receipt in pairs if receipt is not None}
        missing = [name for name in wanted if name not in found]
        older = self.archive.find(missing) if missing else ArchivedReceipts({})
        return ArchivedReceipts(found | older.by_id, older.unreadable)

    def _window(
        self, number: Msisdn, merged: _Merged, limit: int, start: int | None
    ) -> ReceiptWindow:
        newest = merged.length if start is None else min(start, merged.length)
        entries: list[Receipt | None] = []
        if newest > merged.mixed:
            index = newest - merged.mixed + merged.passed
            window = self._store.receipt_window(number, limit, index)
            entries += window.entries[: index - merged.passed]
        archived, unreadable = 0, tuple[str, ...]()
        if len(entries) < limit:
            older, archived = merged.older(min(newest, merged.mixed), limit - len(entries))
            entries += older
            unreadable = merged.archive.unreadable
        return ReceiptWindow(newest, tuple(entries), merged.length, archived, unreadable)

    def _merged(self, number: Msisdn) -> _Merged | None:
        """The customer's archive and its place in the list; None if it has no receipt of theirs."""
        archive = self.archive.of(number)
        if archive is None or not (archive.length or archive.unreadable):
            return None
        newest_at, passed, old = archive.newest_at, 0, list[Receipt]()
        for size in chain([_FIRST], repeat(_NEXT)):
            window = self._store.receipt_window(number, size, passed + size)
            older = _taken(window.entries[::-1], newest_at)
            old += filter(None, older)
            passed += len(older)
            if len(older) < size:
                break
        archived = archive.find(each.id for each in old) if old else {}
        between = sorted((each for each in old if each.id not in archived), key=_time)
        ranks = (archive.not_after(each.created_at) for each in between)
        places = [rank + index for index, rank in enumerate(ranks, 1)]
        return _Merged(archive, between, places, passed, window.length)


def _time(receipt: Receipt) -> float:
    return receipt.created_at.timestamp()


def _taken(entries: Sequence[Receipt | None], until: float | None) -> list[Receipt | None]:
    """The first entries, oldest first, that are no younger than a time or have expired."""
    taken: list[Receipt | None] = []
    for each in entries:
        if until is None or (each is not None and _time(each) > until):
            break
        taken.append(each)
    return taken
