"""Rule books that staff propose and put in force, and rehearsals of proposed ones."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct, field

from statemachines.approval import ApprovalState


class ProposalKind(StrEnum):
    """How the text of a proposed rule book was made."""

    UPLOAD = "upload"
    MESSAGES = "messages"
    ROLLBACK = "rollback"


class BookVersion(Struct, frozen=True, omit_defaults=True):
    """A rule book in force from ``at`` on; without ``book``, each process uses its file again.

    ``number`` rises by one with each change. ``book`` is the id of its text in the store.
    """

    number: int = 0
    book: str = ""
    version: str = ""
    fingerprint: str = ""
    at: dt.datetime | None = None
    proposed_by: str = ""
    approved_by: str = ""
    reason: str = ""


class BookProposal(Struct, frozen=True, omit_defaults=True):
    """A proposed rule book, compared with the one in force at that time.

    ``base`` is the id of that book's text, ``base_number`` and ``base_fingerprint`` tell whether it
    is still in force; ``base_is_file`` if it came from a file.
    """

    id: str
    kind: ProposalKind
    version: str
    fingerprint: str
    base: str
    base_version: str
    base_number: int
    base_fingerprint: str
    by: str
    at: dt.datetime
    reason: str
    base_is_file: bool = False
    revision: int = 1
    state: ApprovalState = ApprovalState.WAITING
    decided_by: str = ""
    decided_at: dt.datetime | None = None
    decision: str = ""


class ProvinceBills(Struct, frozen=True, omit_defaults=True):
    """Bills of a province by amount in fen, under the book in force and under the proposed one."""

    now: dict[int, int] = {}
    then: dict[int, int] = {}
    more: int = 0
    less: int = 0


class Rehearsal(Struct, frozen=True, omit_defaults=True):
    """A rehearsal of a proposed book with all customers, and its checkpoint.

    ``passed`` is the share of the store that was read, from 0 to 1. ``holders`` counts customers
    with the service or a request, by province.
    """

    id: str
    base: str
    month: str
    asked_by: str
    asked_at: dt.datetime
    revision: int = 1
    cursor: int = 0
    #: The run of the server in which the cursor is valid.
    server: str = ""
    passed: float = 0.0
    customers: int = 0
    holders: dict[str, int] = field(default_factory=dict)
    bills: dict[str, ProvinceBills] = field(default_factory=dict)
    finished_at: dt.datetime | None = None
    #: Set when a text of the two can no longer be read.
    failed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether no step is left."""
        return self.finished_at is not None or self.failed
