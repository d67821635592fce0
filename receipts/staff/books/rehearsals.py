"""Rehearsals of proposed rule books: all customers in steps, with a checkpoint after each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import structlog
from msgspec.structs import replace

from receipts.charging.simulation import BillHistogram, TariffComparison, Usage, simulate
from receipts.model.customer import Subscription
from receipts.model.rule_books import ProvinceBills, Rehearsal
from receipts.ports.book_store import BookStore
from receipts.ports.clock import Clock
from receipts.ports.receipt_history import ReceiptHistory
from receipts.ports.store import BulkReader, StoreUnavailableError
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import parse_rule_book
from receipts.rulebook.schema import RuleBook
from receipts.staff.books.usage import USAGES_AT_ONCE, usages_of
from receipts.subscriptions.policy import SubscriptionPolicy
from statemachines.subscription import HOLDING

K = TypeVar("K")

_log = structlog.get_logger()

#: Another worker continues a rehearsal without a step for so long.
LEASE_SECONDS = 15


class RehearsalJob:
    """Runs rehearsals in a worker; each step reads one batch of customers."""

    def __init__(
        self,
        books: BookStore,
        history: ReceiptHistory,
        archive: BulkReader,
        clock: Clock,
        policy: SubscriptionPolicy,
        rest: Callable[[], object] = lambda: None,
    ) -> None:
        """``rest`` is called again and again within a step, to leave time for others."""
        self._rest = rest
        self._books, self._history, self._archive = books, history, archive
        self._clock, self._policy = clock, policy
        self._parsed: dict[str, RuleBook | None] = {}

    def step(self, worker: str) -> bool:
        """Read one batch for the oldest rehearsal; False if there is none for this worker.

        Raises StoreUnavailableError.
        """
        waiting = self._books.waiting_rehearsals()
        if not waiting or not self._books.lease_rehearsals(worker, LEASE_SECONDS):
            return False
        rehearsal = self._books.rehearsal(waiting[0])
        if rehearsal is None or rehearsal.is_over:
            self._books.drop_rehearsal(waiting[0])
            return True
        # A checkpoint that another worker has overtaken is not saved: its batch counts once.
        self._books.save_rehearsal(self._advanced_or_failed(rehearsal))
        return True

    def _advanced_or_failed(self, rehearsal: Rehearsal) -> Rehearsal:
        try:
            return self._advanced(rehearsal)
        except StoreUnavailableError:
            raise
        except Exception:  # noqa: BLE001 - its rule books and customers may be any
            # It would fail again and again, and keep the rehearsals behind it waiting.
            _log.exception("a rehearsal failed", book=rehearsal.id)
            return replace(rehearsal, revision=rehearsal.revision + 1, failed=True)

    def _advanced(self, rehearsal: Rehearsal) -> Rehearsal:
        now, then = self._book(rehearsal.base), self._book(rehearsal.id)
        server, revision = self._archive.server_run_id(), rehearsal.revision + 1
        if now is None or then is None:
            return replace(rehearsal, revision=revision, failed=True)
        if rehearsal.server != server:
            # A cursor is valid for one run of the server, so the count begins again.
            rehearsal = replace(
                rehearsal, server=server, cursor=0, passed=0.0, customers=0, holders={}, bills={}
            )
        cursor, batch = next(iter(self._archive.customers(rehearsal.cursor)))
        usages = usages_of(batch, rehearsal.month, self._history, self._archive, self._policy)
        found = simulate(self._rested(usages), rehearsal.month, now, then)
        return replace(
            rehearsal,
            revision=revision,
            cursor=cursor,
            passed=self._archive.passed(cursor),
            customers=rehearsal.customers + sum(each.now.count for each in found.values()),
            holders=_added(rehearsal.holders, _holders(batch, self._policy)),
            bills=_merged(rehearsal.bills, found),
            finished_at=None if cursor else self._clock.now(),
        )

    def _rested(self, usages: Iterable[Usage]) -> Iterator[Usage]:
        for index, usage in enumerate(usages, start=1):
            yield usage
            if index % USAGES_AT_ONCE == 0:
                self._rest()

    def _book(self, book_id: str) -> RuleBook | None:
        if book_id not in self._parsed:
            text = self._books.text(book_id)
            try:
                self._parsed[book_id] = parse_rule_book(text, book_id) if text else None
            except RuleBookError as wrong:
                _log.error("a rehearsal cannot read its rule book", why=str(wrong))
                self._parsed[book_id] = None
        return self._parsed[book_id]


def comparisons(rehearsal: Rehearsal) -> dict[str, TariffComparison]:
    """The bills of a rehearsal, to be shown as a table and a chart."""
    return {
        code: TariffComparison(
            _histogram(each.now), _histogram(each.then), more=each.more, less=each.less
        )
        for code, each in rehearsal.bills.items()
    }


def _histogram(by_fen: Mapping[int, int]) -> BillHistogram:
    found = BillHistogram()
    found.by_fen.update(by_fen)
    return found


def _holders(batch: Sequence[Subscription], policy: SubscriptionPolicy) -> dict[str, int]:
    counts: dict[str, int] = {}
    for customer in batch:
        if customer.state in HOLDING:
            province = policy.service_area(customer).number_info.province or ""
            counts[province] = counts.get(province, 0) + 1
    return counts


def _merged(
    bills: Mapping[str, ProvinceBills], found: Mapping[str, TariffComparison]
) -> dict[str, ProvinceBills]:
    merged = dict(bills)
    for code, more in found.items():
        before = bills.get(code, ProvinceBills())
        merged[code] = ProvinceBills(
            _added(before.now, more.now.by_fen),
            _added(before.then, more.then.by_fen),
            before.more + more.more,
            before.less + more.less,
        )
    return merged


def _added(counts: Mapping[K, int], more: Mapping[K, int]) -> dict[K, int]:
    return {key: counts.get(key, 0) + more.get(key, 0) for key in {**counts, **more}}
