"""A wish about a part of the service switches that part, and is no wish to leave."""

import pytest

from app.bootstrap import Container
from receipts.model.vocabulary import DisplayMode, Language
from tests.conftest import GUANGDONG
from tests.support.fixtures import stand, standing
from tests.support.texter import Texter

TO_REGULAR = (
    "关闭闪信", "关掉闪信", "闪信关掉", "不要闪信了", "不想要闪信", "别再发闪信了", "取消闪信",
    "停掉闪信", "關閉閃信", "请帮我关闭闪信功能", "闪信太烦了，改普通短信", "把闪信改成普通短信",
    "换回普通短信吧", "不要闪信，改成普通短信", "從閃信換成普通短信", "改成普通短信",
    "switch to regular texts", "turn off flash messages", "Turn flash off please", "stop flash",
    "I don't want flash messages", "no more flash messages please", "no flash",
    "please stop sending flash messages", "disable flash messages", "change back to regular texts",
)  # fmt: skip
TO_FLASH = (
    "改成闪信", "换回闪信吧", "用闪信发给我", "普通短信改成闪信", "不要改成普通短信",
    "switch to flash messages", "please change back to flash messages",
)  # fmt: skip
TO_LANGUAGE = (
    ("不要英文", "zh"), ("别用英文给我发", "zh"), ("改成中文", "zh"),
    ("stop texting me in English", "zh"), ("请用英文", "en"), ("不要中文", "en"),
    ("switch to English please", "en"),
)  # fmt: skip
HOW = (("怎么关闭闪信", "PT"), ("how do I turn off flash messages?", "PT"), ("如何改成闪信", "SX"))
LEAVING = (
    "取消闪信回执", "手机不支持闪信，退", "不要闪信也不要回执", "别再给我发普通短信了",
    "闪信业务取消", "these flash messages drive me crazy, stop",
    "stop the flash messages and cancel the service",
)  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "mode"),
    [(each, "text") for each in TO_REGULAR] + [(each, "flash") for each in TO_FLASH],
)
def test_wish_about_the_mode_switches_it(me: Texter, built: Container, sentence: str, mode: str):
    before = DisplayMode.FLASH if mode == "text" else DisplayMode.TEXT
    stand(built, GUANGDONG, "active", before)
    reply = me.says(sentence)
    assert (standing(built, GUANGDONG).state, standing(built, GUANGDONG).mode) == ("active", mode)
    assert ("改回" in reply) or ("For regular texts" in reply) or ("For flash messages" in reply)
    assert standing(built, GUANGDONG).question is None


@pytest.mark.parametrize(("sentence", "language"), TO_LANGUAGE)
def test_wish_about_the_language_switches_it(
    me: Texter, built: Container, sentence: str, language: str
):
    stand(built, GUANGDONG, "active", language=Language.EN if language == "zh" else Language.ZH)
    me.says(sentence)
    customer = standing(built, GUANGDONG)
    assert (customer.state, customer.language, customer.question) == ("active", language, None)


@pytest.mark.parametrize(("sentence", "keyword"), HOW)
def test_question_how_to_switch_gets_the_keyword(
    me: Texter, built: Container, sentence: str, keyword: str
):
    before = stand(built, GUANGDONG, "active")
    assert keyword in me.says(sentence)
    assert standing(built, GUANGDONG) == before


@pytest.mark.parametrize(
    "sentence", ["不要关闭闪信", "别取消闪信", "don't turn off flash messages"]
)
def test_refusal_to_end_a_part_changes_nothing(me: Texter, built: Container, sentence: str):
    before = stand(built, GUANGDONG, "active")
    assert me.says(sentence)
    assert standing(built, GUANGDONG) == before


@pytest.mark.parametrize("sentence", LEAVING)
def test_wish_to_leave_beside_a_part_is_asked(me: Texter, built: Container, sentence: str):
    stand(built, GUANGDONG, "active")
    assert me.says(sentence).startswith(("要取消本号码", "Cancel SMS Receipt for this number?"))
    assert standing(built, GUANGDONG).state == "active"
