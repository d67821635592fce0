"""The clock port."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """The only source of time; all times are aware."""

    def now(self) -> dt.datetime:
        """The time of the service, which a demo may move."""

    def wall_clock(self) -> dt.datetime:
        """The real time, for exchanges with providers."""
