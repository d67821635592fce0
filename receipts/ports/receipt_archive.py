"""The archive of a customer's older receipts, as the readers of receipts need it."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn


class ArchivedReceipts(Struct, frozen=True):
    """Receipts of the archive by id, and the months that could not be read."""

    by_id: dict[str, Receipt]
    unreadable: tuple[str, ...] = ()


class ArchivedList(Protocol):
    """One customer's receipts in the archive, in the order of time, for one request.

    Positions count from the oldest, 1. A month that cannot be read counts for none.
    """

    @property
    def length(self) -> int:
        """The number of receipts."""

    @property
    def newest_at(self) -> float | None:
        """The time of the newest, in seconds since 1970."""

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The months that could not be read, as far as they were wanted."""

    def window(self, newest: int, limit: int) -> Sequence[Receipt | None]:
        """Up to ``limit`` receipts from a position to older ones; None for one that is damaged."""

    def not_after(self, moment: dt.datetime) -> int:
        """The number of receipts that are no younger than a moment."""

    def find(self, ids: Iterable[str]) -> dict[str, Receipt]:
        """Those of some receipts that are in the archive."""


class ReceiptArchive(Protocol):
    """The archive. Methods raise StoreUnavailableError alone; damage is in their results."""

    def of(self, number: Msisdn) -> ArchivedList | None:
        """A customer's receipts; None if no file may have one."""

    def find(self, ids: Sequence[str]) -> ArchivedReceipts:
        """Those of some receipts that are in the archive."""

    def erase(self, number: Msisdn) -> int | None:
        """Erase the receipts of customers whose erasure is committed, this one among them.

        Returns the number of this one's receipts; None if that cannot be done now: workers repeat
        it until it is done.
        """
