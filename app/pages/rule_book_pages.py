"""The console's pages of the rule book."""

from collections.abc import Iterable

from app.bootstrap import Container
from app.rulebook.proposals import book_proposals
from web.console.books.desk import RuleBookDesk
from web.console.rulebook import RuleBookPages
from web.console.rulebook_messages import MessagePages
from web.console.rulebook_proposals import ProposalPages
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite


def rule_book_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """All pages of the rule book."""
    proposals, clock = book_proposals(container), container.clock
    desk = RuleBookDesk(site, proposals, container.books, clock, container.book)
    return RuleBookPages(desk), ProposalPages(desk), MessagePages(desk)
