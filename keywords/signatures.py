"""Signatures in texts: a name in brackets, behind a line break or behind a dash."""

import re
from collections.abc import Callable

#: Longest signature in characters, such as "Sent from my phone, please excuse brevity".
_MAX_LENGTH = 60
#: Longest text in which a signature is looked for; keywords and wishes are short.
_MAX_TEXT_LENGTH = 300

_BRACKETS = ["【】", "[]", "（）", "()", "「」", "『』", "〔〕", "<>", "＜＞", "《》", "{}"]
_BRACKETED = "|".join(
    f"{re.escape(pair[0])}[^{re.escape(pair)}]*{re.escape(pair[1])}" for pair in _BRACKETS
)
_AT_END = re.compile(rf"(?P<core>.+?)\s*(?:{_BRACKETED})[\s。.!！]*", re.DOTALL)
_AT_START = re.compile(rf"\s*(?:{_BRACKETED})\s*(?P<core>.+)", re.DOTALL)
#: A line break, dashes or at least two spaces; one may precede an object: 取消 李医生.
_BREAK = re.compile(
    r"(?P<core>.+?)\s*(?:[\r\n\u2028\u2029]+|[-\u2010-\u2015\u2212－~～|｜/]+"
    r"|\s{2,})\s*.+",
    re.DOTALL,
)

# A text in these brackets is a signature by convention; in others it may be a remark.
_FORMAL = re.compile(r"\s*(?:【.*】|\[.*\]|「.*」|『.*』|〔.*〕)[\s。.!！]*", re.DOTALL)
_DEVICE = re.compile(r"[(（]?\s*(?:sent from|来自|发自).{2,40}", re.IGNORECASE | re.DOTALL)
_TELEPHONE = re.compile(r"\+?\d[\d -]{6,}")
_LATIN_NAME = re.compile(r"[A-Z][\w.'’]*(?: [A-Z][\w.'’]*){0,2}")
# The hundred most frequent family names, and the prefixes and titles of names.
_FAMILY_NAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾萧肖田董袁潘于蒋蔡余杜叶程苏"
    "魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵"
    "万钱严覃武戴莫孔向汤張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭蔣盧葉蘇"
)
_TITLES = "先生|女士|小姐|太太|老师|师傅|经理|医生|总|哥|姐|老師|師傅|醫生"
_CHINESE_NAME = re.compile(
    rf"[小老阿]?[{_FAMILY_NAMES}][\u4e00-\u9fff]{{0,2}}(?:{_TITLES})?|[小阿老][\u4e00-\u9fff]"
)
_AROUND_NAME = " \t\u3000-—–―_~～|｜/()（）<>＜＞《》{}·•*.。!！,，"


def is_device(text: str) -> bool:
    """Whether a text is the signature of a mail program, such as "Sent from my phone"."""
    return _DEVICE.fullmatch(text.strip(_AROUND_NAME + "【】[]「」\r\n")) is not None


def is_name(text: str) -> bool:
    """Whether a text looks like a name, or is in the brackets of signatures."""
    plain = text.strip(_AROUND_NAME)
    patterns = (_TELEPHONE, _LATIN_NAME, _CHINESE_NAME, _FORMAL)
    return not plain or any(pattern.fullmatch(plain) for pattern in patterns)


def without_signature(text: str, is_signature: Callable[[str], bool]) -> str:
    """The text without a signature; the whole text if what is beside it may be more than that."""
    if len(text) > _MAX_TEXT_LENGTH:
        return text
    for pattern in (_AT_END, _AT_START, _BREAK):
        if found := pattern.fullmatch(text):
            rest = text.replace(found["core"], "", 1)
            if len(rest) <= _MAX_LENGTH and is_signature(rest):
                return found["core"]
    return text
