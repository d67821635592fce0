"""Calendar months in China's time zone, written ``YYYY-MM``."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

#: China's time zone, for all months, days and times in messages; the server's does not matter.
SHANGHAI = ZoneInfo("Asia/Shanghai")


class MonthError(ValueError):
    """A string is not a calendar month such as 2026-11."""


def month_of(at: dt.datetime) -> str:
    """The calendar month of a moment."""
    # Not strftime, which costs ten times as much.
    return _month(_index(at))


@lru_cache(maxsize=256)
def month_start(month: str) -> dt.datetime:
    """The first moment of a calendar month. Raises MonthError."""
    try:
        return dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise MonthError(f"{month!r} is not a month. Example: 2026-11") from error


def next_month(at: dt.datetime) -> dt.datetime:
    """The first moment of the month after the month of ``at``."""
    return month_start(_month(_index(at) + 1))


def months_between(since: dt.datetime, until: dt.datetime) -> list[str]:
    """The calendar months of two moments and all between them, oldest first."""
    return [_month(index) for index in range(_index(since), _index(until) + 1)]


def month_before(month: str, count: int = 1) -> str:
    """The calendar month ``count`` months before another. Raises MonthError."""
    return _month(_index(month_start(month)) - count)


def _index(at: dt.datetime) -> int:
    """The number of months since January of year 0."""
    local = at.astimezone(SHANGHAI)
    return local.year * 12 + local.month - 1


def _month(index: int) -> str:
    return f"{index // 12:04}-{index % 12 + 1:02}"
