"""Times as a network reported them, with their precision, and raw statuses."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct

_DAY_SECONDS, _CHINA_SECONDS = 86_400, 8 * 3600


class TimePrecision(StrEnum):
    """The smallest unit of a time that the network gave; the units below it are zero."""

    DAY = "day"
    MINUTE = "minute"
    SECOND = "second"


_SECONDS = {TimePrecision.DAY: _DAY_SECONDS, TimePrecision.MINUTE: 60, TimePrecision.SECOND: 1}


class ReportedTime(Struct, frozen=True, array_like=True):
    """A time that the network reported, with its precision."""

    at: dt.datetime
    precision: TimePrecision = TimePrecision.SECOND


class StatusEvent(Struct, frozen=True, array_like=True):
    """A status as the provider or the network sent it, kept for staff."""

    at: dt.datetime
    raw_status: str


def is_before(
    one: ReportedTime, other: ReportedTime, finest: TimePrecision = TimePrecision.SECOND
) -> bool:
    """Whether a time lies before another, at the precision that both have, at most ``finest``."""
    if one.at >= other.at:
        return False  # at each precision
    seconds = _common_seconds(one, other, finest)
    return _units(one, seconds) < _units(other, seconds)


def distance(one: ReportedTime, other: ReportedTime) -> dt.timedelta:
    """Time between two times, at the precision that both have."""
    seconds = _common_seconds(one, other, TimePrecision.SECOND)
    return dt.timedelta(seconds=abs(_units(one, seconds) - _units(other, seconds)) * seconds)


def _common_seconds(one: ReportedTime, other: ReportedTime, finest: TimePrecision) -> int:
    """Length in seconds of the smallest unit that both times have."""
    return max(_SECONDS[one.precision], _SECONDS[other.precision], _SECONDS[finest])


def _units(time: ReportedTime, seconds: int) -> int:
    """Whole units of a length since 1970 in China, whose days begin eight hours before UTC's."""
    return int(time.at.timestamp() + _CHINA_SECONDS) // seconds
