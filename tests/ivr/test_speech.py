"""Speech selects the same events as keys; only a plain yes confirms."""

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG
from tests.ivr.conftest import Dial
from tests.support.fixtures import standing

YES = (
    *("是", "是的", "是的。", "确定", "我确定", "确认开通", "好的，开通吧", "对", "嗯，对的"),
    *("Yes.", "yes please", "Okay", "OK", "Yes, I do", "Sure, open it", "I confirm that"),
)
NO = (
    *("不是", "不", "不要", "不用了", "不开通", "否", "不确定", "不对", "不好的", "我不要开通"),
    *("No.", "no thanks", "I'm not sure", "I don't confirm", "Don’t", "not okay", "yes no"),
)
NEITHER = (
    *("这是什么", "是什么业务", "但是我想查询", "确认一下多少钱", "对方是谁", "确定取消", "开通"),
    *("哦", "now", "yesterday", "I know", "book", "what is sure", "yes cancel it", "who says yes"),
    "...",
)


def test_plain_yes_opens(dial: Dial, built: Container):
    for speech in YES:
        dial("none", "1").speaks(speech)
        assert standing(built, GUANGDONG).state == "active", speech


def test_negated_yes_is_a_no(dial: Dial, built: Container):
    """不是 and "not sure" contain words for yes."""
    for speech in NO:
        assert "没有开通" in dial("none", "1").speaks(speech).text, speech
        assert standing(built, GUANGDONG).state == "none"


def test_yes_within_other_speech_opens_nothing(dial: Dial, built: Container):
    for speech in NEITHER:
        text = dial("none", "1").speaks(speech).text
        assert "没有这个选项" in text or "没有开通" in text, speech
        assert standing(built, GUANGDONG).state == "none"


@pytest.mark.parametrize("speech", ["是的", "确定取消", "yes, cancel it"])
def test_yes_confirms_a_cancellation(dial: Dial, built: Container, speech: str):
    dial("active", "2").speaks(speech)
    assert standing(built, GUANGDONG).state == "ending"


def test_language_can_be_spoken(dial: Dial):
    spoken = {"zh": ("普通话", "中文。", "Mandarin please"), "en": ("English", "英语")}
    for language, speeches in spoken.items():
        for speech in speeches:
            assert dial("none", language=None).speaks(speech).place["lang"] == language


@pytest.mark.parametrize(("state", "menu", "speeches"), [
    ("none", "offer", ("我要开通短信回执", "I want to open it", "subscribe")),
    ("pending", "cancelling", ("不再办理",)),
    ("active", "cancelling", ("取消", "退訂", "Cancel, please!", "drop it")),
    ("ending", "offer", ("继续使用", "keep it")),
])  # fmt: skip
def test_speech_leads_to_the_menu_of_its_key(
    dial: Dial, state: str, menu: str, speeches: tuple[str, ...]
):
    for speech in speeches:
        assert dial(state).speaks(speech).place["at"] == menu, speech


@pytest.mark.parametrize("speech", ["换语言", "another language", "English please"])
def test_other_language_can_be_spoken(dial: Dial, speech: str):
    assert dial("active").speaks(speech).place["lang"] == "en"


@pytest.mark.parametrize(("answer", "speeches"), [
    ("您已开通", ("查询", "status")), ("暂无回执记录", ("最近回执", "my last receipts")),
    ("今后回执以普通短信", ("普通短信", "ordinary")), ("暂不提供人工", ("人工", "an operator")),
    ("取消短信回执请按 2", ("重听", "repeat", "返回")),
    ("没有这个选项", ("plastic bag", "basket", "operatic", "coffee", "天气怎么样", "🎵")),
], ids=["status", "receipts", "mode", "agent", "menu", "part of a word"])  # fmt: skip
def test_speech_is_answered_like_its_key(dial: Dial, answer: str, speeches: tuple[str, ...]):
    for speech in speeches:
        assert answer in dial("active").speaks(speech).text, speech


def test_gather_has_the_hints_of_its_menu(dial: Dial):
    call = dial(keys="2")
    for keys, hints in (("", {"subscribe", "status", "agent"}), ("1", {"yes", "no"})):
        gather = call.presses(keys).root.find("Gather")
        assert gather is not None
        assert gather.attrib["language"] == "en-US"
        assert hints <= set(gather.attrib["hints"].split(", "))
