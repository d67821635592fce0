"""Moments as people type them, in China's time."""

import datetime as dt
import re

from receipts.model.calendar import SHANGHAI
from receipts.model.invisible import without_invisible

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"
_DAY = r"(?:(?P<year>\d{4})[-/.])?(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
_MOMENT = re.compile(rf"(?:{_DAY})?(?:(?<=\d)[ T]+(?=\d))?(?:{_CLOCK})?", re.ASCII)

#: Chinese dates and full-width marks, as plain ones.
_PLAIN = str.maketrans(
    {"：": ":", "年": "-", "月": "-", "日": " ", "号": " ", "／": "/", "－": "-"}
)


class TypedTimeError(ValueError):
    """A moment that cannot be read, or is no moment of the calendar."""


def read_time(typed: str, now: dt.datetime) -> dt.datetime:
    """The last moment until now that was typed: a time, a day, or both; a day alone is its noon.

    Raises TypedTimeError.
    """
    text = " ".join(without_invisible(typed).translate(_PLAIN).upper().split())
    found = _MOMENT.fullmatch(text)
    if text and found is None:
        return _iso_time(typed, text)
    if found is None or not any(found.groupdict().values()):
        raise TypedTimeError(typed)
    parts = {name: int(value) for name, value in found.groupdict().items() if value}
    clock = {name: parts.get(name, 0) for name in ("hour", "minute", "second")}
    if "hour" not in parts:
        clock["hour"] = 12
    return _latest(typed, parts, clock, now.astimezone(SHANGHAI))


def _iso_time(typed: str, text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text.replace(" ", "T", 1))
    except ValueError:
        raise TypedTimeError(typed) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def _latest(
    typed: str, parts: dict[str, int], clock: dict[str, int], today: dt.datetime
) -> dt.datetime:
    """The typed day, or the last such day; a day to come is taken as stated only with its year."""
    try:
        time = dt.time(**clock, tzinfo=SHANGHAI)
    except ValueError:
        raise TypedTimeError(typed) from None
    if "month" not in parts:
        moment = dt.datetime.combine(today.date(), time)
        return moment if moment <= today else moment - dt.timedelta(days=1)
    years = [parts["year"]] if "year" in parts else range(today.year, today.year - 9, -1)
    for year in years:
        try:
            day = dt.date(year, parts["month"], parts["day"])
        except ValueError:  # 29 February of another year
            continue
        if "year" in parts or day <= today.date():
            return dt.datetime.combine(day, time)
    raise TypedTimeError(typed)
