"""Roots computed from the store: those to sign, and those to compare with kept ones."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from receipts.charging.charges import oldest_billable
from receipts.model.calendar import month_before, month_start, months_between
from receipts.model.vocabulary import Msisdn
from receipts.rulebook.schema import RuleBook
from receipts.store.bulk import RedisBulkReader
from receipts.subscriptions.consent_roots import (
    DayRoot,
    EntryProof,
    MonthTrees,
    last_settled_day,
)

NO_ROOT = "no root to compare"


@dataclass(slots=True)
class RootComparison:
    """The result of comparing the store with kept roots."""

    #: The day of the last root that was compared.
    until: dt.date | None = None
    #: Sentences; none if the store gives all kept roots.
    differences: list[str] = field(default_factory=list)
    #: The first day whose own entries are not those of its root.
    different_day: dt.date | None = None
    #: Days of roots whose entries have expired.
    expired: list[dt.date] = field(default_factory=list)
    #: The roots of all days from the first compared to ``until``, as the store gives them.
    computed: list[DayRoot] = field(default_factory=list)
    #: Entries of one customer, as the audit log has them, with their proofs.
    entries: list[EntryProof] = field(default_factory=list)

    @property
    def result(self) -> str:
        """The result as a sentence."""
        if self.until is None:
            return NO_ROOT
        if self.differences:
            return f"differs: {'; '.join(self.differences)}"
        return f"intact against the root of {self.until}"


class ConsentLog:
    """The consent entries of all customers, read a month at a time in batches."""

    def __init__(self, archive: RedisBulkReader, book: RuleBook, now: dt.datetime) -> None:
        self._archive, self._now = archive, now
        #: Entries of older months may have expired.
        self._oldest_kept = oldest_billable(book, now)

    def roots_to_sign(self, month: str) -> list[DayRoot]:
        """The roots of a month's settled days; empty before the first entry.

        The hash at a month's end is noted in the store, so that later roots still name it when
        the month has expired. Kept roots prove the note: no other hash leads to them.
        Raises StoreUnavailableError.
        """
        settled = last_settled_day(self._now)
        roots: list[DayRoot] = []
        months, previous = self._months_to_read(month)
        for each in months:
            roots = list(self._trees(each).roots(previous))
            previous = roots[-1].hash
            if roots[-1].day <= settled and self._note(each) is None:
                self._archive.checkpoint(_note_name(each), previous)
        return [root for root in roots if root.day <= settled]

    def _months_to_read(self, month: str) -> tuple[list[str], str]:
        """The month and those before it back to a noted hash, and this hash."""
        if month_start(month) > self._now:
            return [], ""
        first, previous = self._beginning(month)
        if first is None or first > month:
            return [], ""
        months = _months(first, month)
        for index in range(len(months) - 1, 0, -1):
            if noted := self._note(months[index - 1]):
                return months[index:], noted
        return months, previous

    def _beginning(self, until: str) -> tuple[str | None, str]:
        """The month from which roots are computed, and the noted hash of expired months before.

        A later note is no beginning: it tells of months that must be there, so that the days of
        a removed month count as empty, and differ.
        """
        if noted := self._note(month_before(self._oldest_kept)):
            return self._oldest_kept, noted
        return self._archive.first_audit_month(_months(self._oldest_kept, until)), ""

    def compare(
        self,
        kept: Sequence[DayRoot],
        number: Msisdn | None = None,
        proved_days: Collection[dt.date] = (),
    ) -> RootComparison:
        """Compare the entries of all days up to the last kept root with the kept roots.

        Collects the entries of ``number``, with proofs on ``proved_days``.
        Raises StoreUnavailableError.
        """
        oldest = month_start(self._oldest_kept).date()
        comparison = RootComparison(expired=[root.day for root in kept if root.day < oldest])
        comparable = [root for root in kept if root.day >= oldest]
        if not comparable:
            return comparison
        comparison.until = comparable[-1].day
        end = _month_of_day(comparison.until)
        first, previous = self._beginning(end)
        first_kept = _month_of_day(comparable[0].day)
        first = min(first or first_kept, first_kept)
        for month in _months(first, end):
            trees = self._trees(month, number, proved_days)
            roots = list(trees.roots(previous))
            previous = roots[-1].hash
            comparison.computed += [root for root in roots if root.day <= comparison.until]
            comparison.entries += [one for one in trees.proofs() if one.day <= comparison.until]
        _find_differences(comparison, comparable)
        return comparison

    def _trees(
        self, month: str, number: Msisdn | None = None, proved_days: Collection[dt.date] = ()
    ) -> MonthTrees:
        trees = MonthTrees(month, number, proved_days)
        for batch in self._archive.audit(month):
            trees.add(batch)
        return trees

    def _note(self, month: str) -> str | None:
        return self._archive.checkpoint(_note_name(month))


def _find_differences(comparison: RootComparison, kept: Sequence[DayRoot]) -> None:
    """Tell of the first day with other entries, or else of the first root with other days before.

    A forged entry changes the hashes of later ones of its chain, so later days tell little.
    """
    by_day = {root.day: root for root in comparison.computed}
    for root in kept:
        ours = by_day[root.day]
        if (ours.entries, ours.tree) != (root.entries, root.tree):
            comparison.different_day = root.day
            comparison.differences.append(
                f"the entries kept of {root.day} ({ours.entries}) are not those that its root "
                f"covers ({root.entries})"
            )
            return
    changed = next((root for root in kept if root.hash != by_day[root.day].hash), None)
    if changed:
        comparison.differences.append(
            f"an entry before {changed.day} was changed, added or removed"
        )


def _month_of_day(day: dt.date) -> str:
    return day.isoformat()[:7]


def _months(first: str, last: str) -> list[str]:
    return months_between(month_start(first), month_start(last))


def _note_name(month: str) -> str:
    return f"consent-root:{month}"
