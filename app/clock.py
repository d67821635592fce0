"""The clock; for trials, one that can be moved for all processes of a data folder."""

import datetime as dt
import re
from pathlib import Path

from receipts.model.calendar import SHANGHAI
from receipts.ports.clock import Clock

_STEP = re.compile(r"([+-])(\d+)([smhd])")
#: Later and earlier years overflow the dates of records.
_FIRST, _LAST = 2000, 2100
#: The last moment that a moved clock can show.
LATEST = dt.datetime(_LAST, 1, 1, tzinfo=SHANGHAI) - dt.timedelta(seconds=1)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ClockError(ValueError):
    """A move of the clock that cannot be parsed; the message names the accepted forms."""


class SystemClock:
    """The machine's time."""

    def now(self) -> dt.datetime:
        """The service's time, in UTC."""
        return dt.datetime.now(dt.UTC)

    def wall_clock(self) -> dt.datetime:
        """The machine's time, in UTC."""
        return dt.datetime.now(dt.UTC)


class MovableClock(SystemClock):
    """The machine's time plus a shift, read from a file in the data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "clock"

    def now(self) -> dt.datetime:
        """The service's time, in UTC."""
        return self.wall_clock() + self.shift()

    def shift(self) -> dt.timedelta:
        """How far the clock was moved."""
        try:
            seconds = float(self._file.read_text(encoding="ascii") or 0)
        except FileNotFoundError:
            seconds = 0
        return dt.timedelta(seconds=seconds)

    def move(self, move: str) -> dt.datetime:
        """Move by ``+48h`` (s, m, h, d), to a Shanghai time, or back to the machine's by ``now``.

        Returns the service's time. Raises ClockError.
        """
        if move == "now":
            self._file.unlink(missing_ok=True)
            return self.now()
        target: dt.datetime | None
        try:
            target = self._target(move)
        except ValueError as error:
            raise ClockError(
                f"{move!r} is not a step such as +48h, a day such as 2026-12-01, or now"
            ) from error
        except OverflowError:
            target = None
        if target is None or not _FIRST <= target.year < _LAST:
            raise ClockError(
                f"{move!r} is too far; the clock stays within the years {_FIRST} to {_LAST - 1}"
            )
        shift = target - self.wall_clock()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(shift.total_seconds()), encoding="ascii")
        fresh.replace(self._file)
        return self.now()

    def _target(self, move: str) -> dt.datetime:
        step = _STEP.fullmatch(move)
        if step is None:
            target = dt.datetime.fromisoformat(move)
            return target if target.tzinfo else target.replace(tzinfo=SHANGHAI)
        sign, count, unit = step.groups()
        change = dt.timedelta(**{_UNITS[unit]: int(count)})
        return self.now() + (change if sign == "+" else -change)


def clock_notice(data_dir: Path, *, movable: bool) -> str:
    """A line that says to where the clock was moved; empty if it was not."""
    clock = MovableClock(data_dir)
    if not movable or not clock.shift():
        return ""
    now = f"{clock.now().astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    fix = "`sms-receipt clock now` resets it"
    return f"The clock was moved and is now at {now} (China time). {fix}.\n"


def clock_for(data_dir: Path, *, movable: bool) -> Clock:
    """The clock that the settings select."""
    return MovableClock(data_dir) if movable else SystemClock()
