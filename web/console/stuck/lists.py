"""Lists of stuck receipts: their counts, the oldest of each, and pages of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import Response, request
from werkzeug.exceptions import NotFound

from receipts.delivery.results import NO_CODE, failures_by_code
from receipts.model.receipt import Receipt
from receipts.model.staff import Right
from receipts.ports.stuck import StuckPage, StuckReceipt
from web.console.stuck.desk import DUE_AGE, StuckDesk
from web.staff.access import StaffRoute

#: Rows of a list on the first page, rows of a page of its own, and the pages of a list.
_FEW, _PAGE, _MOST_PAGES = 5, 50, 40

#: Codes on the first page, the most frequent first.
_CODES = 20

_LISTS = ("due", "unsure", "failed")


@dataclass(frozen=True, slots=True)
class StuckRow:
    """An entry of a list with its receipt, None once that is no longer kept."""

    entry: StuckReceipt
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class StuckList:
    """The rows of one page of a list, and the pages beside it."""

    name: str
    count: int
    rows: Sequence[StuckRow]
    newer: int | None = None
    older: int | None = None


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How many receipts and attempts failed by a provider's code."""

    provider: str
    code: str
    count: int


class StuckPages:
    """The first page with all lists, and one list on pages."""

    def __init__(self, desk: StuckDesk) -> None:
        self._desk = desk

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        right = Right.VIEW_STUCK
        yield StaffRoute("/stuck", "stuck", right, self.overview, in_navigation=True)
        yield StaffRoute("/stuck/list/<name>", "stuck_list", right, self.one_list)

    def overview(self, status: int = 200, done: str = "", wrong: str = "") -> Response:
        """The breakers, and the first rows of each list."""
        desk = self._desk
        done = done or self._done()
        return desk.page(
            "stuck.html",
            status,
            lists=[self._list(name, 1, _FEW) for name in _LISTS],
            codes=self._codes(),
            breakers=desk.breakers.states(),
            waiting=desk.waiting(),
            done=done,
            wrong=wrong,
        )

    def one_list(self, name: str) -> Response:
        """A page of one list. Raises NotFound."""
        number = request.args.get("page", "1")
        if name not in _LISTS or not number.isascii() or not number.isdigit():
            raise NotFound(name)
        page = int(number[:4])
        if not 1 <= page <= _MOST_PAGES:
            raise NotFound(number)
        found = self._list(name, page, _PAGE)
        codes = self._codes() if name == "failed" else []
        return self._desk.page("stuck_list.html", found=found, codes=codes)

    def _done(self) -> str:
        """The words for an act that has led here, from the address."""
        name, provider = request.args.get("done", ""), request.args.get("provider", "")
        key = f"breaker.done.{name}"
        known = provider in {each.provider for each in self._desk.breakers.states()}
        site = self._desk.site
        return site.text(key, provider=provider) if known and key in site.catalogue else ""

    def _list(self, name: str, page: int, size: int) -> StuckList:
        skip = (page - 1) * size
        found = self._read(name, skip, size)
        receipts = self._desk.store.receipts(each.receipt_id for each in found.receipts)
        pairs = zip(found.receipts, receipts, strict=True)
        has_more = found.count > skip + size and page < _MOST_PAGES
        return StuckList(
            name,
            found.count,
            [StuckRow(entry, receipt) for entry, receipt in pairs],
            page - 1 or None,
            page + 1 if has_more else None,
        )

    def _read(self, name: str, skip: int, size: int) -> StuckPage:
        desk = self._desk
        if name == "unsure":
            return desk.stuck.unsure(skip, size)
        if name == "due":
            providers = [each.provider for each in desk.breakers.states()]
            return desk.stuck.due(providers, desk.clock, DUE_AGE, skip, size)
        failed = desk.stuck.failed()
        return StuckPage(len(failed), failed[skip : skip + size])

    def _codes(self) -> list[CodeCount]:
        counted = failures_by_code(self._desk.counts())
        found = [CodeCount(provider, code, n) for (provider, code), n in counted.items()]
        found.sort(key=lambda each: (-each.count, each.provider, each.code == NO_CODE, each.code))
        return found[:_CODES]
