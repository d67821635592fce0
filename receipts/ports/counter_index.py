"""The port of the lists of acts at counters."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from receipts.model.counter import CounterActReference


class CounterIndex(Protocol):
    """Acts at counters by day. Every method raises StoreUnavailableError."""

    def acts(self, shop: str, days: Sequence[dt.date]) -> list[CounterActReference]:
        """The acts of a shop on some days in China in one round trip, oldest first."""

    def act(self, serial: str) -> CounterActReference | None:
        """The act with this serial number; None for an unknown one."""
