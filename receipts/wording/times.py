"""Times in texts for customers: China's, to the minute, with the day where it is not today."""

import datetime as dt
from functools import lru_cache

from receipts.model.calendar import SHANGHAI
from receipts.model.reported_time import ReportedTime, TimePrecision
from receipts.model.vocabulary import Language
from receipts.wording.separators import SPACE

# Not strftime: its month names follow the machine's locale.
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

#: A receipt written today is read as of this time later if it waits over midnight.
ONE_DAY = dt.timedelta(days=1)

_NOON = 12

_TODAY = {Language.ZH: "今天", Language.EN: "today"}


def short_time(time: ReportedTime, today: dt.datetime, language: Language) -> str:
    """``21:30`` of today, else ``11月28日21:30``, ``28 Nov 21:30``; another year is named.

    A time that is known to the day only is that day.
    """
    day, clock = _parts(time, today, language, letters=3)
    return SPACE[language].join(filter(None, (day, clock)))


def time_phrase(
    time: ReportedTime, today: dt.datetime, language: Language, *, spoken: bool = False
) -> str:
    """Time with its prepositions: ``at 21:30``, ``on 28 Nov at 21:30``; or as people say it.

    Spoken: ``11月28日21点30分``, ``on 28 November at 9:30 p.m.``.
    """
    day, clock = _parts(time, today, language, letters=None if spoken else 3)
    if spoken and clock:
        clock = _spoken_clock(time.at.astimezone(SHANGHAI), language)
    if language is Language.ZH:
        return f"{day}{clock}"
    if day == _TODAY[language]:
        return day
    return " ".join(([f"on {day}"] if day else []) + ([f"at {clock}"] if clock else []))


def _spoken_clock(at: dt.datetime, language: Language) -> str:
    if language is Language.ZH:
        minute = f"{at:%M}分" if at.minute else "整"
        return f"{at.hour}点{minute}"
    half = "a.m." if at.hour < _NOON else "p.m."
    return f"{at.hour % _NOON or _NOON}:{at:%M} {half}"


def listed_times(
    sent: ReportedTime | None, done: ReportedTime | None
) -> tuple[ReportedTime | None, ReportedTime | None]:
    """The one time that names a text in a list: its sending if known, else its outcome."""
    return sent, None if sent else done


def is_same_day(one: dt.datetime, other: dt.datetime) -> bool:
    """Whether two moments are on one day in China."""
    return one.astimezone(SHANGHAI).date() == other.astimezone(SHANGHAI).date()


def _parts(
    time: ReportedTime, today: dt.datetime, language: Language, letters: int | None
) -> tuple[str, str]:
    """Day and clock time; the day is empty if it is today and a clock time follows."""
    return _parts_on(time, today.astimezone(SHANGHAI).date(), language, letters)


# Each receipt has two texts, and the texts of a batch ended at about the same second.
@lru_cache(maxsize=4096)
def _parts_on(
    time: ReportedTime, today: dt.date, language: Language, letters: int | None
) -> tuple[str, str]:
    at = time.at.astimezone(SHANGHAI)
    clock = "" if time.precision is TimePrecision.DAY else f"{at:%H:%M}"
    if at.date() == today:
        return "" if clock else _TODAY[language], clock
    other_year = at.year != today.year
    if language is Language.ZH:
        return f"{at.year}年" * other_year + f"{at.month}月{at.day}日", clock
    month = MONTHS[at.month - 1][:letters]
    return f"{at.day} {month}" + f" {at.year}" * other_year, clock
