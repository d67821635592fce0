"""Texts of notices, and names of channels, modes and days for all texts."""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language
from receipts.wording.catalogue import Catalogue
from receipts.wording.times import MONTHS


@cache
def notices() -> Catalogue:
    """Catalogue of the texts shared by all channels, loaded once."""
    return Catalogue(Path(__file__).with_name("notices.toml"))


def alternatives(names: Sequence[str], language: Language) -> str:
    """Names in a sentence: ``a, b or c``."""
    comma, last = ("、", "或") if language is Language.ZH else (", ", " or ")
    return last.join(filter(None, (comma.join(names[:-1]), *names[-1:])))


def day(at: dt.datetime, language: Language) -> str:
    """Date in China without year: ``11月30日``, ``30 November``."""
    local = at.astimezone(SHANGHAI)
    if language is Language.ZH:
        return f"{local.month}月{local.day}日"
    return f"{local.day} {MONTHS[local.month - 1]}"


def last_day(end: dt.datetime, language: Language) -> str:
    """Last whole day before an end: 30 November if it ends at midnight of 1 December."""
    return day(end - dt.timedelta(microseconds=1), language)
