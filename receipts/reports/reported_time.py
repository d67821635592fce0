"""Times as networks write them."""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

from receipts.model.calendar import SHANGHAI
from receipts.model.reported_time import ReportedTime, TimePrecision

#: The longest validity period of a text (3GPP TS 23.040, 9.2.3.12.1): older times are false.
_OLDEST = dt.timedelta(weeks=63)

#: Lead of a network's clock that is taken as the present; a time further ahead is false.
_CLOCK_LEAD = dt.timedelta(minutes=1)

_DAY, _MINUTE, _SECOND = TimePrecision.DAY, TimePrecision.MINUTE, TimePrecision.SECOND

#: Digits of the year and the precision of times in digits, by length. Years of two digits are
#: SMPP's; the other fields have two digits each.
_DIGIT_FORMS = {
    8: ((4, _DAY),),
    10: ((2, _MINUTE),),
    12: ((2, _SECOND), (4, _MINUTE)),
    14: ((4, _SECOND),),
}

#: The first year of a year's digits.
_CENTURY = {2: 2000, 4: 0}

#: Digits of 14-digit times with milliseconds, and of Unix times in seconds and milliseconds.
_WITH_MILLISECONDS, _UNIX_SECONDS, _UNIX_MILLISECONDS = 17, 10, 13

#: SMPP's absolute time YYMMDDhhmmsstnnp: tenths, and quarters of an hour from UTC (7.1.1).
_SMPP = re.compile(r"([0-9]{12})([0-9])([0-9]{2})([+-])", re.ASCII)

_ISO = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[T ]([0-9:]*).*)?", re.ASCII)
_SPACE_BEFORE_ZONE = re.compile(r"\s+(?=(?:Z|[+-][0-9]{2}:?(?:[0-9]{2})?)$)")

#: Digits of a time of day without seconds. An hour alone is no more than its day.
_HOUR_AND_MINUTE, _HOUR = 4, 2


# The texts of a batch, which comes at one moment, were sent and ended at about the same second.
@lru_cache(maxsize=4096)
def read_time(text: str, now: dt.datetime) -> ReportedTime | None:
    """Time in ISO 8601, in SMPP's forms, in 8 to 17 digits or in Unix time; else None.

    Without a zone it is China's. None also for a time that lies ahead of ``now``, that is older
    than any text, or that has two readings.
    """
    readings, oldest, latest = _readings(text.strip()), now - _OLDEST, now + _CLOCK_LEAD
    plausible = {
        each if each.at <= now else ReportedTime(now, each.precision)
        for each in readings
        if oldest <= each.at <= latest
    }
    return plausible.pop() if len(plausible) == 1 else None


def _readings(text: str) -> tuple[ReportedTime, ...]:
    """Every time that the text can mean."""
    return tuple(ReportedTime(at, precision) for at, precision in _parsed(text))


def _parsed(text: str) -> Iterator[tuple[dt.datetime, TimePrecision]]:
    whole, _, fraction = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (fraction or "0").isdigit()):
        yield from _smpp_or_iso(text)
        return
    if len(whole) == _UNIX_SECONDS:
        yield dt.datetime.fromtimestamp(int(whole), dt.UTC), _SECOND
    if len(whole) == _UNIX_MILLISECONDS:
        yield dt.datetime.fromtimestamp(int(whole) // 1000, dt.UTC), _SECOND
    if len(whole) == _WITH_MILLISECONDS:
        whole = whole[:-3]
    for year_digits, precision in _DIGIT_FORMS.get(len(whole), ()):
        with suppress(ValueError):
            yield _from_digits(whole, year_digits, SHANGHAI), precision


def _from_digits(digits: str, year_digits: int, zone: dt.tzinfo) -> dt.datetime:
    """Time of fixed fields, by a third of the CPU of strptime. Raises ValueError."""
    fields = [int(digits[at : at + 2]) for at in range(year_digits, len(digits), 2)]
    return dt.datetime(_CENTURY[year_digits] + int(digits[:year_digits]), *fields, tzinfo=zone)  # type: ignore[arg-type,misc]


def _smpp_or_iso(text: str) -> Iterator[tuple[dt.datetime, TimePrecision]]:
    try:
        if smpp := _SMPP.fullmatch(text):
            digits, _, quarters, sign = smpp.groups()
            zone = dt.timezone(dt.timedelta(minutes=int(f"{sign}{quarters}") * 15))
            yield _from_digits(digits, 2, zone), _SECOND
            return
        plain = _SPACE_BEFORE_ZONE.sub("", text.replace("/", "-").upper())
        if iso := _ISO.fullmatch(plain):
            at = dt.datetime.fromisoformat(plain)
            at = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
            given = len((iso[1] or "").replace(":", ""))
            if given <= _HOUR:
                day = at.astimezone(SHANGHAI)
                yield day.replace(hour=0, minute=0, second=0, microsecond=0), _DAY
            else:
                yield at, _MINUTE if given == _HOUR_AND_MINUTE else _SECOND
    except (ValueError, OverflowError):
        return
