"""The first moment of suites that run real processes: TEST_START, by default now.

`TEST_START=2026-12-31T23:55+08:00 make test` moves the clock of the service and of the tests; the
machine's clock stays, as it does for the providers.
"""

import datetime as dt
import os
from pathlib import Path

from app.clock import MovableClock

_START = os.environ.get("TEST_START", "")

#: How far the first moment is from the time at which this test process began.
_SHIFT = dt.datetime.fromisoformat(_START) - dt.datetime.now(dt.UTC) if _START else dt.timedelta()


def now() -> dt.datetime:
    """Return the time of the suites: it goes on from the first moment."""
    return dt.datetime.now(dt.UTC) + _SHIFT


def set_clock(folder: Path) -> None:
    """Let the movable clock of a data folder begin at the first moment, unless it was moved."""
    if _START and not (folder / "clock").exists():
        MovableClock(folder).move(now().isoformat())
