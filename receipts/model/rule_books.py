"""Rule books put in force by staff: versions in force, and rehearsals of proposed ones."""

import datetime as dt

from msgspec import Struct, field


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
