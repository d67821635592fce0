"""Names of the service's figures: amounts summed by day and month in China."""

import datetime as dt
from bisect import bisect_left
from functools import lru_cache

from msgspec import Struct

from receipts.model.calendar import SHANGHAI, month_of

#: First parts of a name; the parts are separated by ``|``.
REPORT, SENT, ENDED, FEN, ACT = "report", "sent", "ended", "fen", "act"
TEXT, CALL, WEB, STATE = "text", "call", "web", "state"

#: The counters ``sent:OUTCOME:CLASS`` of receipts that left, by the class of their age.
SENT_COUNTER = "sent:"

#: The result, and the counter, of lines of the feed that were no reports.
REFUSED_LINES = "refused_lines"

#: Upper ends, in seconds, of the classes of the time from a report to its receipt's acceptance.
SECONDS_TO_RECEIPT = (1, 2, 5, 10, 30, 60, 300, 1800)
LONGER = "longer"

#: In place of a day: running sums. Before a month: its part of them; before a week: its unknown
#: texts.
STANDING, MOVES, UNKNOWN_TEXTS = "standing", "moves:", "unknown:"

#: Most different unknown texts that are kept of a week.
UNKNOWN_TEXTS_KEPT = 500

_HOUR_SECONDS, _DAY_SECONDS = 3600, 86_400
_CHINA_SECONDS = 8 * _HOUR_SECONDS
_HOURS = tuple(f"{hour:02}" for hour in range(24))


class Figure(Struct, frozen=True):
    """An amount to add to the figure of its day and month; a running one to its running sum."""

    name: str
    at: dt.datetime
    amount: int = 1
    is_running: bool = False


def figure(at: dt.datetime, *parts: str) -> Figure:
    """One more in the figure of these parts."""
    return Figure("|".join(parts), at)


# The reports of a batch arrive at one moment, with few results.
@lru_cache(maxsize=256)
def report_figure(at: dt.datetime, result: str, count: int = 1) -> Figure:
    """Reports of an hour by their result: an outcome, or the reason for no receipt."""
    hour = int((at.timestamp() + _CHINA_SECONDS) % _DAY_SECONDS) // _HOUR_SECONDS
    # Months drop the part behind the @.
    return Figure(f"{REPORT}|{result}@{_HOURS[hour]}", at, count)


def class_of(seconds: float) -> str:
    """The class of a time from a report to its receipt's acceptance."""
    index = bisect_left(SECONDS_TO_RECEIPT, seconds)
    return str(SECONDS_TO_RECEIPT[index]) if index < len(SECONDS_TO_RECEIPT) else LONGER


def day_of(at: dt.datetime) -> str:
    """The calendar day of a moment in China, ``YYYY-MM-DD``."""
    return _day(int(at.timestamp() + _CHINA_SECONDS) // _DAY_SECONDS)


@lru_cache(maxsize=64)
def _day(index: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=index)).isoformat()


def week_of(at: dt.datetime) -> str:
    """The calendar week of a moment in China, ``YYYY-Www``."""
    year, week, _ = at.astimezone(SHANGHAI).isocalendar()
    return f"{year}-W{week:02}"


def sums_of(figure: Figure) -> tuple[str, ...]:
    """The running sum and its part of the month; empty for a figure of a day."""
    return (STANDING, MOVES + month_of(figure.at)) if figure.is_running else ()


def count_of(figure: Figure) -> str:
    """The counter, never reset, that a figure of a receipt that leaves raises too; or empty."""
    if not figure.name.startswith(f"{SENT}|"):
        return ""
    _, _, outcome, waited = figure.name.split("|")
    return f"{SENT_COUNTER}{outcome}:{waited}"


def unknown_of(at: dt.datetime) -> str:
    """The name of the unknown texts of a week."""
    return UNKNOWN_TEXTS + week_of(at)
