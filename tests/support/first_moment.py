"""The first moment of tests: TEST_START, by default now for suites that run real processes.

`TEST_START=2026-12-31T23:55+08:00 make test` moves the clock of the service and of the tests; the
machine's clock stays, as it does for the providers. A clock that tests move by hand begins there
too, by default on a fixed day.
"""

import datetime as dt
import os
from pathlib import Path

from app.clock import MovableClock

_START = os.environ.get("TEST_START", "")

#: How far the first moment is from the time at which this test process began.
_SHIFT = dt.datetime.fromisoformat(_START) - dt.datetime.now(dt.UTC) if _START else dt.timedelta()

#: The moment of suites whose clock moves only by hand, by default the day that tests name.
FIXED_DAY = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)


def of_manual_clock() -> dt.datetime:
    """The first moment of a clock that tests move by hand."""
    return dt.datetime.fromisoformat(_START).astimezone(dt.UTC) if _START else FIXED_DAY


def now() -> dt.datetime:
    """Return the time of the suites: it goes on from the first moment."""
    return dt.datetime.now(dt.UTC) + _SHIFT


def set_clock(folder: Path) -> None:
    """Let the movable clock of a data folder begin at the first moment, unless it was moved."""
    if _START and not (folder / "clock").exists():
        MovableClock(folder).move(now().isoformat())
