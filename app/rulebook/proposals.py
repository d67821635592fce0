"""Proposals of rule books with this process's file behind them."""

from pathlib import Path

from app.bootstrap import Container
from app.settings import Settings
from receipts.model.plain_file import read_plain_file
from receipts.rulebook.errors import RuleBookError, Violation
from receipts.rulebook.loader import MAX_BOOK_BYTES, SHIPPED, parse_rule_book
from receipts.staff.books.proposals import BookProposals


def book_proposals(services: Container) -> BookProposals:
    """Acts on rule books."""
    settings = services.settings
    return BookProposals(services.books, services.clock, lambda: file_text(settings))


def kept_file(settings: Settings) -> Path:
    """The copy of the last valid rule book."""
    return settings.data_dir / "rulebook.good.toml"


def file_text(settings: Settings) -> bytes:
    """The contents of the file, or of the last valid one. Raises RuleBookError."""
    file = settings.rule_book or SHIPPED
    for each in (file, kept_file(settings)):
        try:
            text = read_plain_file(each, MAX_BOOK_BYTES)
            parse_rule_book(text, str(each))
        except (OSError, RuleBookError):
            continue
        return text
    raise RuleBookError(file, "", [Violation((), "cannot be read", "correct the file")])
