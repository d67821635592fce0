"""Length of a spoken sentence: 4.5 Chinese characters or 2.5 English words a second."""

import re

_CHINESE_A_SECOND, _WORDS_A_SECOND = 4.5, 2.5
_DIGIT, _CHINESE, _WORD = (
    re.compile("[0-9]"),
    re.compile("[\u4e00-\u9fff]"),
    re.compile("[A-Za-z.'’]+"),
)


def seconds(text: str) -> float:
    """Seconds of a sentence without pauses; digits are said one by one."""
    digits, chinese = len(_DIGIT.findall(text)), len(_CHINESE.findall(text))
    words = [word for word in _WORD.findall(text) if word.strip(".")]
    if chinese:
        return (chinese + digits) / _CHINESE_A_SECOND
    return (len(words) + digits) / _WORDS_A_SECOND
