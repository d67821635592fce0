"""Numbers and letters in the form that people say them."""

import re
from collections.abc import Mapping

from receipts.model.vocabulary import Language

#: Template parameters that contain telephone numbers or keywords.
_SPELLED = frozenset({
    *("hotline", "short_code", "text_line", "doors", "other_doors", "doors_but_store"),
    *("friend", "open", "cancel", "ask", "stop"),
})  # fmt: skip

#: Digits as Mandarin says them in telephone numbers, where 1 is 幺.
_DIGITS = str.maketrans("+0123456789", "加零幺二三四五六七八九")

#: Speed of a clear voice; digits are counted one by one.
_CHINESE_A_SECOND, _ENGLISH_WORDS_A_SECOND = 4.5, 2.5
_CHINESE, _WORD = re.compile("[0-9\u4e00-\u9fff]"), re.compile("[0-9]|[A-Za-z.'’]+(?<![.])")

_NUMBER, _LETTERS = re.compile(r"\+?[0-9]{3,}"), re.compile("[A-Z]{2,}")


def spell(params: Mapping[str, str], language: Language) -> dict[str, str]:
    """The parameters with telephone numbers digit by digit and keywords letter by letter."""
    return {
        name: _spelled(value, language) if name in _SPELLED else value
        for name, value in params.items()
    }


def speaking_seconds(text: str, language: Language) -> float:
    """The length of a spoken sentence in seconds, without pauses."""
    if language is Language.ZH:
        return len(_CHINESE.findall(text)) / _CHINESE_A_SECOND
    return len(_WORD.findall(text)) / _ENGLISH_WORDS_A_SECOND


def _spelled(text: str, language: Language) -> str:
    text = _LETTERS.sub(lambda word: " ".join(word[0]), text)
    if language is Language.ZH:
        return _NUMBER.sub(lambda number: number[0].translate(_DIGITS), text)
    return _NUMBER.sub(lambda number: " ".join(number[0]).replace("+", "plus"), text)
