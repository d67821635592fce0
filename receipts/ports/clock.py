"""The clock."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """The one source of time."""

    def now(self) -> dt.datetime:
        """The service's time, aware, which trials may move."""

    def wall_clock(self) -> dt.datetime:
        """The world's time, aware, for talking with others about when something happened."""
