"""The texts we send by ourselves, and what doors, modes and days are called in them."""

import datetime as dt
from functools import cache
from pathlib import Path

from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language
from receipts.wording.catalogue import Catalogue

#: The sentences all doors share.
SENTENCES = Path(__file__).with_name("notices.toml")


@cache
def notices() -> Catalogue:
    """The shared catalogue, read once."""
    return Catalogue(SENTENCES)


def day(at: dt.datetime, language: Language) -> str:
    """A day as customers read it."""
    local = at.astimezone(SHANGHAI)
    if language is Language.ZH:
        return f"{local.month}月{local.day}日"
    return f"{local.day} {_MONTHS[local.month - 1]}"


def last_day(end: dt.datetime, language: Language) -> str:
    """The last whole day before an end: what ends as December begins ends on 30 November."""
    return day(end - dt.timedelta(microseconds=1), language)


# Not strftime: its month names follow the machine's locale.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
