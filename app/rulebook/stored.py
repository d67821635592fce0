"""The rule book that the console put in force, read from the store."""

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from receipts.model.rule_books import BookVersion
from receipts.ports.book_store import BookStore
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.errors import RuleBookError, Violation
from receipts.rulebook.loader import load_rule_book, parse_rule_book
from receipts.rulebook.schema import RuleBook
from receipts.store.connection import RedisConnection, connected
from receipts.store.local_server import running_server_url
from receipts.store.staff.book_store import RedisBookStore

#: Seconds between two looks at the version in force, and after one that found no store: it may
#: have waited for the store's time-out.
_EVERY = 0.5
_EVERY_OUTAGE = 5.0


@dataclass(frozen=True, slots=True)
class StoredBook:
    """A version of the console with the contents of its file; None if the store lost them."""

    version: BookVersion
    text: bytes | None

    def parse(self) -> RuleBook:
        """The rule book. Raises RuleBookError."""
        name = f"console book {self.version.number}"
        if self.text is None:
            problem, fix = "is not in the store", "put a rule book in force in the console"
            raise RuleBookError(Path(name), "", [Violation((), problem, fix)])
        return parse_rule_book(self.text, name)


def stored_book(books: BookStore) -> StoredBook | None:
    """The book that the console put in force; None if processes follow their files.

    Raises StoreUnavailableError.
    """
    version = books.in_force()
    return StoredBook(version, books.text(version.book)) if version.book else None


def strict_book_in_force(settings: Settings, books: BookStore) -> RuleBook:
    """The rule book of the console, else of the file.

    Raises RuleBookError or StoreUnavailableError.
    """
    stored = stored_book(books)
    return load_rule_book(settings.rule_book) if stored is None else stored.parse()


def rule_book_in_use(settings: Settings) -> tuple[RuleBook, BookVersion]:
    """The rule book of the console, else of the file, and the console's version in force.

    Without a store that runs, the file's. Creates no store. Raises RuleBookError.
    """
    try:
        client = connected(settings.redis_url or running_server_url(settings.data_dir))
        with closing(client):
            stored = stored_book(RedisBookStore(RedisConnection(client)))
    except StoreUnavailableError:
        stored = None
    if stored is None:
        return load_rule_book(settings.rule_book), BookVersion()
    return stored.parse(), stored.version


class StoredBookWatch:
    """Tells once of each version in force, by a look at most every half second."""

    def __init__(self, books: BookStore) -> None:
        self._books = books
        self._seen: BookVersion | None = None
        self._next = 0.0

    @property
    def is_followed(self) -> bool:
        """Whether the book in force is the console's rather than the file's."""
        return self._seen is not None and bool(self._seen.book)

    def soon(self) -> None:
        """Tell of the version at the next look, even if it is the same."""
        self._seen, self._next = None, 0.0

    def changed(self) -> StoredBook | None:
        """A version that was not told of yet; None also while the store is out of reach."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + _EVERY
        try:
            version = self._books.in_force()
            if self._seen is not None and version.number == self._seen.number:
                return None
            found = StoredBook(version, self._books.text(version.book) if version.book else b"")
        except StoreUnavailableError:
            self._next = time.monotonic() + _EVERY_OUTAGE
            return None
        self._seen = version
        return found
