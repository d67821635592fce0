"""A proposed rule book beside the one that it was compared with, and the issues of it."""

import datetime as dt
from dataclasses import dataclass, field

from receipts.model.calendar import SHANGHAI
from receipts.model.rule_books import BookProposal, Rehearsal
from receipts.ports.book_store import BookStore
from receipts.ports.clock import Clock
from receipts.rulebook.diff import BookIssue, book_issues, removed_provinces
from receipts.rulebook.loader import parse_rule_book
from receipts.rulebook.schema import RuleBook
from statemachines.approval import ApprovalState

#: The age of a rehearsal that still tells that a province has no customers.
_FRESH = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ProposedBook:
    """A proposal with both books; the proposed one is None if its text is no longer kept."""

    proposal: BookProposal
    old: RuleBook | None
    new: RuleBook | None
    issues: list[BookIssue] = field(default_factory=list)
    rehearsal: Rehearsal | None = None

    @property
    def may_come_into_force(self) -> bool:
        """Whether no issue stands against it."""
        return self.new is not None and not any(each.refused for each in self.issues)


class BookReviews:
    """Reads proposals with their books."""

    def __init__(self, books: BookStore, clock: Clock) -> None:
        self._books, self._clock = books, clock

    def of(self, proposal: BookProposal) -> ProposedBook:
        """A proposal with both books. Raises StoreUnavailableError."""
        old, new = self._read(proposal.base), self._read(proposal.id)
        if old is None or new is None or proposal.state is not ApprovalState.WAITING:
            return ProposedBook(proposal, old, new, [], self._books.rehearsal(proposal.id))
        rehearsal = self._books.rehearsal(proposal.id)
        issues = self._issues(old, new, rehearsal)
        if self._books.in_force().number != proposal.base_number:
            issues.insert(0, BookIssue("stale", {}, refused=True))
        return ProposedBook(proposal, old, new, issues, rehearsal)

    def _issues(self, old: RuleBook, new: RuleBook, rehearsal: Rehearsal | None) -> list[BookIssue]:
        """Issues of the books, and provinces that may still have customers."""
        today = self._clock.now().astimezone(SHANGHAI).date()
        found = [each for each in book_issues(old, new, today) if each.key != "province_removed"]
        finished = rehearsal.finished_at if rehearsal else None
        is_fresh = finished is not None and self._clock.now() - finished < _FRESH
        for code in removed_provinces(old, new):
            held = rehearsal.holders.get(code, 0) if rehearsal else 0
            if held:
                params = {"province": code, "count": str(held)}
                found.insert(0, BookIssue("province_held", params, refused=True))
            else:
                removed = BookIssue("province_removed", {"province": code}, refused=not is_fresh)
                found.insert(0, removed)
        return found

    def _read(self, book_id: str) -> RuleBook | None:
        text = self._books.text(book_id)
        return parse_rule_book(text, book_id) if text is not None else None
