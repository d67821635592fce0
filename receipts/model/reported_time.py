"""Times as a network reported them, with their precision."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct

from receipts.model.calendar import SHANGHAI


class TimePrecision(StrEnum):
    """The smallest unit of a time that the network gave; the units below it are zero."""

    DAY = "day"
    MINUTE = "minute"
    SECOND = "second"


class ReportedTime(Struct, frozen=True, array_like=True):
    """A time that the network reported, with its precision."""

    at: dt.datetime
    precision: TimePrecision = TimePrecision.SECOND


def is_before(
    one: ReportedTime, other: ReportedTime, finest: TimePrecision = TimePrecision.SECOND
) -> bool:
    """Whether a time lies before another, at the precision that both have, at most ``finest``."""
    at, other_at = _truncated(one, other, finest)
    return at < other_at


def distance(one: ReportedTime, other: ReportedTime) -> dt.timedelta:
    """Time between two times, at the precision that both have."""
    at, other_at = _truncated(one, other, TimePrecision.SECOND)
    return abs(at - other_at)


def _truncated(
    one: ReportedTime, other: ReportedTime, finest: TimePrecision
) -> tuple[dt.datetime, dt.datetime]:
    """Both times in China, the units below the common precision being zero."""
    precisions = {one.precision, other.precision, finest}
    below = {"microsecond": 0}
    if precisions != {TimePrecision.SECOND}:
        below["second"] = 0
    if TimePrecision.DAY in precisions:
        below |= {"hour": 0, "minute": 0}
    first, second = (time.at.astimezone(SHANGHAI).replace(**below) for time in (one, other))  # type: ignore[arg-type]
    return first, second
