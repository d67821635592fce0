"""Telephone numbers and months as spreadsheets rewrite them, read where nothing is guessed."""

import re
import unicodedata
from functools import lru_cache

from receipts.bulk_import.row_errors import RewrittenValueError

_MEND = "format the column as text, {}, and save the file as CSV UTF-8"

# Digits with a decimal part, in groups of three, or in scientific notation.
_DECIMAL = re.compile(r"(\+?[0-9]{11,13})[.,]0*", re.ASCII)
_GROUPED = re.compile(r"(\+?[0-9]{1,3}(?:,[0-9]{3}){3,4})(?:\.0*)?", re.ASCII)
_SCIENTIFIC = re.compile(r"\+?([0-9])(?:[.,]([0-9]*))?e\+?([0-9]{1,2})", re.ASCII | re.IGNORECASE)

_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_ABBREVIATIONS = [name[:3] for name in _NAMES]
_ALL_NAMES = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _NAMES)
_NAME = f"(?P<name>{_ALL_NAMES}|sept)\\.?"
_TIME = r"(?:[ t][0-9:.]+)?"
_MONTHS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        # 2026-11, 2026/11, 2026.11, 2026年11月, 2026-11-01, 2026/11/1 0:00
        rf"(?P<year>20\d\d)[-/.年](?P<month>\d\d?)(?:[-/.月](?P<day>\d\d?)日?{_TIME}|月)?",
        r"(?P<year>20\d\d)(?P<month>\d\d)(?P<day>\d\d)?",  # 202611, 20261101
        r"(?P<year>\d\d)年(?P<month>\d\d?)月(?:(?P<day>\d\d?)日)?",
        r"(?P<month>\d\d?)[-/.](?P<year>20\d\d)",  # 11/2026
        rf"{_NAME}[-/ ,]*(?P<year>20\d\d|\d\d)",  # Nov-26, which Excel writes for a month
        rf"(?P<year>20\d\d)[-/ ]*{_NAME}",  # 2026-Nov
        rf"(?P<day>\d\d?)[-/ ]*{_NAME}[-/ ,]*(?P<year>20\d\d|\d\d)",  # 1-Nov-26
    )
)
#: Day and month in either order; read if one of them is no month, or both are the same.
_DAY_AND_MONTH = re.compile(rf"(\d\d?)[-/.](\d\d?)[-/.](20\d\d){_TIME}", re.ASCII)
# A day or a year beside the name, a year of two digits, a count of days since 1900, words.
_LOST = re.compile(
    rf"\d\d?[-/ ]*{_NAME}|\d\d?月(?:\d\d?日)?|\d\d?[-/.]\d\d?(?:[-/.]\d\d?)?"
    r"|[34]\d{4}(?:\.\d+)?|[一二三四五六七八九〇零]{2,4}年.*",
    re.ASCII,
)
_MONTHS_A_YEAR, _DAYS_A_MONTH = 12, 31


def number_text(raw: str) -> str:
    """A number without the marks of its format. Raises RewrittenValueError if digits are lost."""
    text = raw if raw.isascii() else unicodedata.normalize("NFKC", raw)
    if found := _SCIENTIFIC.fullmatch(text):
        first, rest, exponent = found[1], found[2] or "", int(found[3])
        # All digits are there: 1.3802880000E+10. Zeros that are not written are not known.
        if len(rest.rstrip("0")) <= exponent <= len(rest):
            return first + rest[:exponent]
        error = f"number {raw!r} lost its digits in a spreadsheet, and they are never guessed"
        raise RewrittenValueError(error, _MEND.format("put the numbers in again"))
    if found := _DECIMAL.fullmatch(text) or _GROUPED.fullmatch(text):
        return found[1].replace(",", "")
    return raw


@lru_cache(maxsize=256)  # a list names few months
def month_text(raw: str) -> str | None:
    """A month as ``YYYY-MM``; None if it is none. Raises RewrittenValueError if it may be two."""
    text = unicodedata.normalize("NFKC", raw).strip().casefold()
    for pattern in _MONTHS:
        if found := pattern.fullmatch(text):
            return _month(found.groupdict())
    if found := _DAY_AND_MONTH.fullmatch(text):
        parts = int(found[1]), int(found[2])
        months = {part for part in parts if 1 <= part <= _MONTHS_A_YEAR}
        if not months or min(parts) < 1 or max(parts) > _DAYS_A_MONTH:
            return None
        if len(months) == 1:
            return f"{found[3]}-{months.pop():02}"
    elif not _LOST.fullmatch(text):
        return None
    error = f"month {raw!r} was rewritten by a spreadsheet and may mean another"
    raise RewrittenValueError(error, _MEND.format("write each month as 2026-11"))


def _month(found: dict[str, str | None]) -> str | None:
    name, year = found.get("name"), found["year"] or ""
    month = _ABBREVIATIONS.index(name[:3]) + 1 if name else int(found["month"] or 0)
    if not 1 <= month <= _MONTHS_A_YEAR or not 1 <= int(found.get("day") or 1) <= _DAYS_A_MONTH:
        return None
    return f"20{year[-2:]}-{month:02}"
