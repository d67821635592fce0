"""The calendar of the business: China's months, wherever the machine stands."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Months, days and the times spoken to customers are China's, wherever the machine stands.
SHANGHAI = ZoneInfo("Asia/Shanghai")


class MonthError(ValueError):
    """Not a calendar month such as 2026-11."""


def month_of(at: dt.datetime) -> str:
    """The Shanghai calendar month of a moment, as ``YYYY-MM``."""
    local = at.astimezone(SHANGHAI)
    # Not strftime, which costs ten times as much.
    return f"{local.year:04}-{local.month:02}"


@lru_cache(maxsize=256)
def month_start(month: str) -> dt.datetime:
    """The first moment of a Shanghai calendar month. Raises MonthWrong."""
    try:
        first = dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=SHANGHAI)
    except ValueError as error:
        raise MonthError(f"{month!r} is no month such as 2026-11") from error
    return first


def next_month(at: dt.datetime) -> dt.datetime:
    """The first moment of the Shanghai month after the one of ``at``."""
    local = at.astimezone(SHANGHAI)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + dt.timedelta(days=32)).replace(day=1)


def months_between(since: dt.datetime, until: dt.datetime) -> list[str]:
    """The Shanghai months of two moments and all between them, in order."""
    first, last = since.astimezone(SHANGHAI), until.astimezone(SHANGHAI)
    places = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{index // 12:04}-{index % 12 + 1:02}" for index in places]


def month_before(month: str, count: int = 1) -> str:
    """The calendar month so many before another. Raises MonthWrong."""
    first = month_start(month)
    index = first.year * 12 + first.month - 1 - count
    return f"{index // 12:04}-{index % 12 + 1:02}"
