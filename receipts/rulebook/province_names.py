"""The provinces of the mainland in the forms that people write (ISO 3166-2:CN)."""

import re
import unicodedata

from receipts.rulebook.normalise import normalise
from receipts.rulebook.schema import RuleBook
from receipts.rulebook.traditional import SIMPLIFIED

_MAX_LENGTH = 100

#: Code: name, its one-character form, and its Latin spellings.
_NAMES = {
    "AH": "安徽 皖 anhui", "BJ": "北京 京 beijing peking", "CQ": "重庆 渝 chongqing",
    "FJ": "福建 闽 fujian", "GD": "广东 粤 guangdong canton", "GS": "甘肃 甘 gansu",
    "GX": "广西 桂 guangxi", "GZ": "贵州 黔 guizhou", "HA": "河南 豫 henan", "HB": "湖北 鄂 hubei",
    "HE": "河北 冀 hebei", "HI": "海南 琼 hainan", "HL": "黑龙江 黑 heilongjiang",
    "HN": "湖南 湘 hunan", "JL": "吉林 吉 jilin", "JS": "江苏 苏 jiangsu", "JX": "江西 赣 jiangxi",
    "LN": "辽宁 辽 liaoning", "NM": "内蒙古 蒙 innermongolia neimenggu neimongol",
    "NX": "宁夏 宁 ningxia", "QH": "青海 青 qinghai", "SC": "四川 川 sichuan szechuan",
    "SD": "山东 鲁 shandong", "SH": "上海 沪 shanghai", "SN": "陕西 陕 shaanxi",
    "SX": "山西 晋 shanxi", "TJ": "天津 津 tianjin", "XJ": "新疆 新 xinjiang",
    "XZ": "西藏 藏 tibet xizang", "YN": "云南 云 yunnan", "ZJ": "浙江 浙 zhejiang",
}  # fmt: skip
_CODE_BY_NAME = {
    name: f"CN-{code}"
    for code, names in _NAMES.items()
    for name in (f"cn{code.lower()}", *names.split())
}

#: Characters of the names that the table for customers' sentences lacks.
_MORE_SIMPLIFIED = str.maketrans("陝遼寧蘇慶肅閩粵滬瓊贛魯晉", "陕辽宁苏庆肃闽粤沪琼赣鲁晋")

# Longest first, so that the pattern finds 黑龙江 before 黑.
_ANY_NAME = "|".join(sorted((name for name in _CODE_BY_NAME if len(name) > 1), key=len)[::-1])
_ANSWER = re.compile(
    "(?:我|我的|号码?|手机号?码?|归属地?|是|在|来自|im|iam|my|number|is|from|in|the|provinceof)*"
    f"(?P<name>{_ANY_NAME})"
    "(?:省|市|(?:壮族|回族|维吾尔)?自治区|(?:zhuang|hui|uyghur|uygur)?autonomousregion|province|"
    "municipality|city|sheng|shi)?(?:的|人|移动|号码?|手机号?码?|吧|谢谢|please|thanks)*"
)


def province_code(text: str) -> str | None:
    """The code, such as CN-GD, of a province by its name or code; None for any other text."""
    if len(text) > _MAX_LENGTH:
        return None
    folded = fold_name(text)
    found = _ANSWER.fullmatch(folded)
    return _CODE_BY_NAME.get(found["name"] if found else folded)


def chosen_province(book: RuleBook, text: str) -> str | None:
    """The code of the covered province that a text names, by its place in the list or by name."""
    folded = fold_name(text)
    for number, (code, province) in enumerate(book.provinces.items(), start=1):
        names = province.names
        if folded in {str(number), fold_name(names.zh), fold_name(names.en)}:
            return code
    named = province_code(text)
    return named if named in book.provinces else None


def spoken_province(book: RuleBook, text: str) -> str | None:
    """The code of the covered province that a key selects or a transcript mentions."""
    folded = fold_name(text)
    mentioned = (
        code
        for code, province in book.provinces.items()
        if any(fold_name(name) in folded for name in (province.names.zh, province.names.en))
    )
    return chosen_province(book, text) or next(mentioned, None)


def fold_name(text: str) -> str:
    """A name in simplified characters or plain Latin letters, without case, spaces and tones."""
    plain = normalise(text).translate(SIMPLIFIED).translate(_MORE_SIMPLIFIED)
    parts = unicodedata.normalize("NFD", plain)
    return "".join(each for each in parts if not unicodedata.combining(each))
