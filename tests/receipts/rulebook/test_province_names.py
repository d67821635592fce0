"""Names of provinces in the forms that people write."""

import pytest

from receipts.rulebook.province_names import chosen_province, province_code, spoken_province
from tests.conftest import shipped_book

BOOK = shipped_book()

GUANGDONG = (
    "广东", "广东省", "廣東", "廣東省", "粤", "粵", "Guangdong", "guangdong", "GUANG DONG",
    "Guangdong Province", "province of Guangdong", "Guǎngdōng", "CN-GD", "cn-gd", "ＣＮ－ＧＤ",
    "广东。", "我是广东的", "我的号码是广东省的", "广东移动", "I'm from Guangdong",
    "\u2068广东\u2069", "1",
)  # fmt: skip
OTHERS = {
    "广西壮族自治区": "CN-GX", "廣西": "CN-GX", "Guangxi Zhuang Autonomous Region": "CN-GX",
    "陕西省": "CN-SN", "陝西": "CN-SN", "Shaanxi": "CN-SN", "山西省": "CN-SX", "shanxi": "CN-SX",
    "内蒙古自治区": "CN-NM", "Inner Mongolia": "CN-NM", "遼寧省": "CN-LN", "北京市": "CN-BJ",
    "西藏": "CN-XZ", "Xizang": "CN-XZ", "新疆维吾尔自治区": "CN-XJ", "江蘇": "CN-JS",
    "重慶": "CN-CQ",
    "黑龍江省": "CN-HL", "河南": "CN-HA", "河北省": "CN-HE", "海南": "CN-HI", "雲南": "CN-YN",
}  # fmt: skip
NONE = (
    "", "省", "广", "东", "province", "CN-XX", "不是广东", "广东还是广西", "hi", "he", "是", "9",
    "广东" * 100, "取消", "吉祥", "Shan",
)  # fmt: skip


@pytest.mark.parametrize("written", GUANGDONG)
def test_covered_province_is_chosen_by_number_code_or_name(written: str):
    assert chosen_province(BOOK, written) == "CN-GD"


@pytest.mark.parametrize("written", OTHERS)
def test_name_has_its_code(written: str):
    assert province_code(written) == OTHERS[written]
    expected = OTHERS[written] if OTHERS[written] in BOOK.provinces else None
    assert chosen_province(BOOK, written) == expected


@pytest.mark.parametrize("written", NONE)
def test_other_text_names_no_province(written: str):
    assert province_code(written) is None
    assert chosen_province(BOOK, written) is None


@pytest.mark.parametrize("said", ["1", "呃，是广东省吧，谢谢你", "well it is Guang Dong I think"])
def test_transcript_mentions_a_province(said: str):
    assert spoken_province(BOOK, said) == "CN-GD"
    assert spoken_province(BOOK, "我不知道") is None


@pytest.mark.parametrize("code", BOOK.names)
def test_table_knows_both_names_of_the_rule_book(code: str):
    names = BOOK.names[code]
    assert (province_code(names.zh), province_code(names.en)) == (code, code)
