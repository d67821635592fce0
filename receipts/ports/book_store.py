"""The port of rule books that staff put in force, and of their rehearsals."""

from typing import Protocol

from receipts.model.rule_books import BookVersion, Rehearsal


class BookStore(Protocol):
    """Rule books in the store. Every method raises StoreUnavailableError."""

    def in_force(self) -> BookVersion:
        """The version in force; number 0 if the console never put one in force."""

    def history(self, limit: int) -> list[BookVersion]:
        """Versions that were put in force, newest first."""

    def text(self, book_id: str) -> bytes | None:
        """The contents of a book's file; None if it is no longer kept."""

    def rehearsal(self, book_id: str) -> Rehearsal | None:
        """The rehearsal of a proposed book; None if none was asked for, or it has expired."""

    def save_rehearsal(self, rehearsal: Rehearsal) -> bool:
        """Save a new rehearsal or its next checkpoint; False if another one was saved first."""

    def waiting_rehearsals(self) -> list[str]:
        """Ids of the books whose rehearsals are not over, oldest first."""

    def drop_rehearsal(self, book_id: str) -> None:
        """Take a rehearsal off the waiting ones."""

    def lease_rehearsals(self, worker: str, seconds: int) -> bool:
        """Whether this worker runs the rehearsals for now; it renews its own lease."""
