"""The port of rule books that staff put in force, and of their rehearsals."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

from receipts.model.rule_books import BookProposal, BookVersion, Rehearsal
from receipts.model.staff import StaffAct
from receipts.ports.changes import CommitStatus


class BookChange(Struct, frozen=True):
    """All writes of one act on rule books, committed as a whole or not at all.

    ``texts`` are written by id; those of ``kept`` stay, all others expire with their proposal.
    ``in_force`` must be the next number. ``replaced`` are texts that end with the audit log.
    """

    nonce: str
    act: StaffAct
    proposal: BookProposal | None = None
    texts: Mapping[str, bytes] = field(default_factory=dict)
    in_force: BookVersion | None = None
    former: tuple[BookVersion, ...] = ()
    replaced: tuple[str, ...] = ()


class BookStore(Protocol):
    """Rule books in the store. Every method raises StoreUnavailableError."""

    def in_force(self) -> BookVersion:
        """The version in force; number 0 if the console never put one in force."""

    def history(self, limit: int) -> list[BookVersion]:
        """Versions that were put in force, newest first."""

    def text(self, book_id: str) -> bytes | None:
        """The contents of a book's file; None if it is no longer kept."""

    def proposal(self, proposal_id: str, nonce: str = "") -> tuple[BookProposal | None, bool]:
        """A proposal, and whether an act with this idempotency key was committed."""

    def proposals(self, limit: int) -> list[BookProposal]:
        """The newest proposals, decided ones too."""

    def commit(self, change: BookChange) -> CommitStatus:
        """Write a change as a whole or not at all; durable on return."""

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
