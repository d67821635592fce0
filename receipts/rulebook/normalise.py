"""Brings a texted word to the one form in which words are compared."""

import re
import unicodedata
from functools import lru_cache

# Unicode's default-ignorable code points (DerivedCoreProperties): zero-width marks, the byte
# order mark, variation selectors, fillers. Phones and copying put them in; nobody sees them.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

# Only the characters of the words we know: a general conversion would also change other text,
# and turn words into ours that are not.
_SIMPLIFIED = str.maketrans("開執訂詢閃費記錄幫迴聞廣", "开执订询闪费记录帮回闻广")

# Separators, punctuation, control and format characters. "~" is a symbol to Unicode but ends
# Chinese sentences like a full stop.
_DROPPED = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"})
_HELP = "?"


def normalise(text: str) -> str:
    """The text without what does not tell words apart; folding twice changes nothing more.

    Look-alikes of other scripts stay what they are, and O stays different from 0.
    """
    return _known(text) if len(text) <= _WORD else _folded(text)


def _folded(text: str) -> str:
    folded = _once(text)
    # Dropping a mark can bring two characters together that then compose; a second round is rare
    # and a third has never been needed.
    while (again := _once(folded)) != folded:
        folded = again
    return folded


#: Nearly every text is one of a few words, folded before; only texts as short are remembered.
_WORD = 16
_known = lru_cache(maxsize=1024)(_folded)


def _once(text: str) -> str:
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
        text = unicodedata.normalize("NFKC", text).translate(_SIMPLIFIED)
    else:
        text = text.lower()
    if text.isalnum():
        return text
    kept = "".join(
        each for each in text if unicodedata.category(each) not in _DROPPED and each != "~"
    )
    # A question mark alone is a question: help.
    return _HELP if not kept and _only_asks(text) else kept


def _only_asks(text: str) -> bool:
    return set("".join(text.split())) == {_HELP}
