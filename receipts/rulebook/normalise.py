"""Normalisation of texted keywords before they are compared."""

import re
import unicodedata
from functools import lru_cache

from receipts.model.invisible import without_invisible

# Only the characters of our keywords: a general conversion would turn other words into ours.
_SIMPLIFIED = str.maketrans("開執訂詢閃費記錄幫迴聞廣", "开执订询闪费记录帮回闻广")

# Emoji that NFKC would turn into letters or characters, such as ™ into TM.
_LETTER_EMOJI = re.compile("[\u2122\u2139\u24c2\u3297\u3299\U0001f200-\U0001f265]")

# Separators, punctuation, control and format characters, symbols such as emoji, and the keycap.
_DROPPED = frozenset(
    {"Zs", "Zl", "Zp", "Cc", "Cf", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "So", "Sk", "Me"}
)
# Dropped unless a digit stands in the text: "+1" and "$1" are not 1. "~" ends Chinese sentences.
_DROPPED_WITHOUT_DIGITS = frozenset({"Sm", "Sc"})
_EMOJI = frozenset({"So", "Sk", "Me"})
_HELP = "?"


def normalise(text: str) -> str:
    """Text without case, width, spacing, punctuation and emoji; idempotent.

    Look-alikes of other scripts stay distinct, and so do O and 0.
    """
    return _cached(text) if len(text) <= _CACHED_LENGTH else _normalised(text)


def _normalised(text: str) -> str:
    folded = _pass(text)
    # Dropping a mark can join two characters that then compose, which needs a second pass.
    while (again := _pass(folded)) != folded:
        folded = again
    return folded


#: Most texts are one of a few keywords; longer ones are not cached.
_CACHED_LENGTH = 16
_cached = lru_cache(maxsize=1024)(_normalised)


def _pass(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _LETTER_EMOJI.sub("", text))
        text = without_invisible(text).casefold()
        text = unicodedata.normalize("NFKC", text).translate(_SIMPLIFIED)
    else:
        text = text.lower()
    if text.isalnum():
        return text
    kinds = {each: unicodedata.category(each) for each in set(text)}
    kinds["~"] = "Po"
    dropped = _DROPPED if "Nd" in kinds.values() else _DROPPED | _DROPPED_WITHOUT_DIGITS
    kept = "".join(each for each in text if kinds[each] not in dropped)
    # Question marks alone are the help keyword.
    marks = {each for each in set(text) if not each.isspace() and kinds[each] not in _EMOJI}
    return _HELP if not kept and marks == {_HELP} else kept
