"""Numbers, letters and times in the form that people say them."""

import datetime as dt
import re
from collections.abc import Mapping

from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language
from receipts.wording.notice_text import day

#: Template parameters that contain telephone numbers or keywords.
_SPELLED = frozenset({"hotline", "short_code", "doors", "friend", "open", "cancel", "ask", "stop"})

#: Digits as Mandarin says them in telephone numbers, where 1 is 幺.
_DIGITS = str.maketrans("0123456789", "零幺二三四五六七八九")

_NUMBER, _LETTERS = re.compile("[0-9]{3,}"), re.compile("[A-Z]{2,}")

_NOON = 12


def spell(params: Mapping[str, str], language: Language) -> dict[str, str]:
    """The parameters with telephone numbers digit by digit and keywords letter by letter."""
    return {
        name: _spelled(value, language) if name in _SPELLED else value
        for name, value in params.items()
    }


def _spelled(text: str, language: Language) -> str:
    text = _LETTERS.sub(lambda word: " ".join(word[0]), text)
    if language is Language.ZH:
        return _NUMBER.sub(lambda number: number[0].translate(_DIGITS), text)
    return _NUMBER.sub(lambda number: " ".join(number[0]), text)


def spoken_time(at: dt.datetime, language: Language) -> str:
    """Day and time in China: ``11月28日15点04分``, ``28 November at 3:04 p.m.``."""
    local = at.astimezone(SHANGHAI)
    if language is Language.ZH:
        minute = f"{local:%M}分" if local.minute else "整"
        return f"{day(at, language)}{local.hour}点{minute}"
    half = "a.m." if local.hour < _NOON else "p.m."
    return f"{day(at, language)} at {local.hour % _NOON or _NOON}:{local:%M} {half}"
