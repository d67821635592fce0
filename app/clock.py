"""The one clock. For trying things out it can be moved; all processes of a folder move together."""

import datetime as dt
import re
from pathlib import Path

from receipts.model.calendar import SHANGHAI
from receipts.ports.clock import Clock

_STEP = re.compile(r"([+-])(\d+)([smhd])")
#: A trial moves years; beyond these a slip of the hand would leave dates that nothing can hold.
_FIRST, _LAST = 2000, 2100
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ClockError(ValueError):
    """A move of the clock that we do not understand; the message says what we do."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> dt.datetime:
        """The service's time, aware."""
        return dt.datetime.now(dt.UTC)

    def wall_clock(self) -> dt.datetime:
        """The world's time, aware: the same."""
        return dt.datetime.now(dt.UTC)


class MovableClock(SystemClock):
    """The machine's time and a shift, kept in a file that every process of the folder reads."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "clock"

    def now(self) -> dt.datetime:
        """The service's time, aware, as far ahead as it was moved."""
        return self.wall_clock() + self._shift()

    def move(self, move: str) -> dt.datetime:
        """Move by ``+48h`` (s, m, h, d) or to a Shanghai day or moment (``2026-12-01``).

        The time after the move. Raises ClockWrong.
        """
        try:
            there = self._there(move)
        except ValueError as error:
            raise ClockError(f"{move!r}: give a step such as +48h or a day 2026-12-01") from error
        except OverflowError as error:
            raise ClockError(f"{move!r} is too far") from error
        if not _FIRST <= there.year < _LAST:
            raise ClockError(f"{move!r} leads out of the years {_FIRST} to {_LAST - 1}")
        shift = there - self.wall_clock()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(shift.total_seconds()), encoding="ascii")
        fresh.replace(self._file)
        return self.now()

    def _there(self, move: str) -> dt.datetime:
        step = _STEP.fullmatch(move)
        if step is None:
            there = dt.datetime.fromisoformat(move)
            return there if there.tzinfo else there.replace(tzinfo=SHANGHAI)
        sign, count, unit = step.groups()
        change = dt.timedelta(**{_UNITS[unit]: int(count)})
        return self.now() + (change if sign == "+" else -change)

    def _shift(self) -> dt.timedelta:
        try:
            return dt.timedelta(seconds=float(self._file.read_text(encoding="ascii") or 0))
        except FileNotFoundError:
            return dt.timedelta()


def clock_for(data_dir: Path, *, movable: bool) -> Clock:
    """The clock the settings ask for."""
    return MovableClock(data_dir) if movable else SystemClock()
