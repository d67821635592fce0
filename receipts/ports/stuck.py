"""The port of lists of receipts that are stuck."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from receipts.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class StuckReceipt:
    """A receipt in a list: since when it waits and where, or when it failed by which code."""

    receipt_id: str
    at: dt.datetime
    #: The provider that it waits for or failed at; empty for the outbox and a retry.
    provider: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class StuckPage:
    """A stretch of a list; ``count`` is of the whole list."""

    count: int
    receipts: Sequence[StuckReceipt]


class StuckReader(Protocol):
    """Lists in a bounded number of round trips. Every method raises StoreUnavailableError."""

    def due(
        self, providers: Sequence[str], clock: Clock, age: dt.timedelta, skip: int, limit: int
    ) -> StuckPage:
        """Receipts of at least this age that are not sent yet, oldest first.

        They wait in the outbox, for a provider, or for another attempt.
        """

    def unsure(self, skip: int, limit: int) -> StuckPage:
        """Receipts in doubt, by the time of their request, oldest first."""

    def failed(self) -> list[StuckReceipt]:
        """The newest failed receipts of each shard, newest first."""
