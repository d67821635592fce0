"""What all pages of the rule book share: services, wording, times and rights."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Response

from receipts.model.calendar import SHANGHAI
from receipts.model.rule_books import BookVersion
from receipts.model.staff import Right
from receipts.model.vocabulary import Language
from receipts.ports.book_store import BookStore
from receipts.ports.clock import Clock
from receipts.rulebook.diff import BookIssue
from receipts.rulebook.errors import RuleBookError, Violation
from receipts.rulebook.schema import RuleBook
from receipts.staff.books.proposals import BookProposals, CurrentBook
from receipts.staff.rights import has_right
from statemachines.approval import ApprovalState
from web.console.books.checker_words import CheckerWords
from web.console.books.terms import BookTerms
from web.staff.access import signed_in
from web.staff.rendering import StaffSite, page_language

#: Look of a state's badge.
_BADGES = {ApprovalState.WAITING: "warn", ApprovalState.APPROVED: "good"}


@dataclass(frozen=True, slots=True)
class RuleBookDesk:
    """Services of the pages; ``book`` is the one in force in this process."""

    site: StaffSite
    proposals: BookProposals
    books: BookStore
    clock: Clock
    book: RuleBook

    def text(self, key: str, **params: object) -> str:
        """A text of these pages in the language of the request."""
        return self.site.text(f"rulebook.{key}", **params)

    def terms(self, book: RuleBook) -> BookTerms:
        """The words for a book's fields."""
        return BookTerms(self.site.catalogue, page_language(), book)

    @property
    def today(self) -> dt.date:
        """The day in China."""
        return self.clock.now().astimezone(SHANGHAI).date()

    def current(self) -> CurrentBook | None:
        """The book in force with its file; None if the file cannot be read."""
        try:
            return self.proposals.current()
        except RuleBookError:
            return None

    def shown(self) -> tuple[BookVersion, RuleBook, bool]:
        """Version and book in force, and whether its file can be read."""
        current = self.current()
        if current is None:
            return self.books.in_force(), self.book, False
        return current.version, current.book, True

    def page(self, template: str, status: int = 200, **context: object) -> Response:
        """A template with the words and functions of these pages."""
        issue_text: Callable[[BookIssue], str] = self._issue_text
        return self.site.page(
            f"console/{template}",
            status,
            r=self.text,
            moment=moment,
            count=lambda number: f"{number:,}",
            state_class=lambda state: _BADGES.get(state, ""),
            issue_text=issue_text,
            may_propose=may(Right.PROPOSE_RULE_BOOK),
            may_approve=may(Right.APPROVE_RULE_BOOK),
            **context,
        )

    def violation_rows(self, violations: Iterable[Violation]) -> list[dict[str, object]]:
        """Violations as the pages list them, in the language of the request."""
        is_chinese = page_language() is Language.ZH
        words = CheckerWords(self.site.catalogue).chinese if is_chinese else str
        return [
            {
                "line": each.line,
                "path": ".".join(step for step in each.where if isinstance(step, str)),
                "problem": words(each.problem),
                "fix": words(each.fix),
            }
            for each in violations
        ]

    def _issue_text(self, issue: BookIssue) -> str:
        params = dict(issue.params)
        terms = self.terms(self.book)
        if code := params.get("province"):
            params["province"] = terms.province(code)
        if issue.key in {"doors_removed", "languages_removed"}:
            field = issue.key.removesuffix("_removed")
            params["value"] = terms.value((field,), (params["value"],))
        return self.text(f"issue.{issue.key}", **params)


def may(right: Right) -> bool:
    """Whether the signed-in person has a right."""
    return has_right(signed_in().role, right)


def moment(at: dt.datetime | None) -> str:
    """A time in China, to the minute; empty for None."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if at else ""
