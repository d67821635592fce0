"""Words do what keys do; and only a plain yes is a yes, for it costs money."""

from app.bootstrap import Container
from receipts.model.vocabulary import Language
from tests.conftest import GUANGDONG
from tests.support.caller import Call, Line
from tests.support.fixtures import stand, standing

YES = (
    *("是", "是的", "是的。", "确定", "我确定", "确认开通", "好的，开通吧", "对", "嗯，对的"),
    *("Yes.", "yes please", "Okay", "OK", "Yes, I do", "Sure, open it", "I confirm that"),
)
NO = (
    *("不是", "不", "不要", "不用了", "不开通", "否", "不确定", "不对", "不好的", "我不要开通"),
    *("No.", "no thanks", "I'm not sure", "I don't confirm", "Don’t", "not okay", "yes no"),
)
NEITHER = (
    *(
        "这是什么",
        "是什么业务",
        "但是我想查询",
        "确认一下多少钱",
        "对方是谁",
        "确定取消",
        "开通",
        "哦",
    ),
    *("now", "yesterday", "I know", "book", "what is sure", "yes cancel it", "who says yes", "..."),
)


def test_a_plain_yes_opens(line: Line, built: Container):
    for said in YES:
        at_the_price(line, built).speaks(said)
        assert standing(built, GUANGDONG).state == "active", said


def test_a_no_anywhere_is_a_no(line: Line, built: Container):
    """不是 and "not sure" hold a yes-word, and are none."""
    for said in NO:
        assert "没有开通" in at_the_price(line, built).speaks(said).text, said
        assert standing(built, GUANGDONG).state == "none"


def test_what_only_sounds_like_a_yes_opens_nothing(line: Line, built: Container):
    for said in NEITHER:
        told = at_the_price(line, built).speaks(said)
        assert "没有这个选项" in told.text or "没有开通" in told.text, said
        assert standing(built, GUANGDONG).state == "none"


def test_a_yes_to_cancelling_cancels(line: Line, built: Container):
    for said in ("是的", "确定取消", "yes, cancel it"):
        stand(built, GUANGDONG, "active", language=Language.ZH)
        call = line()
        call.dials()
        call.presses("1")
        call.speaks(said)
        assert standing(built, GUANGDONG).state == "ending", said


def test_the_language_can_be_said(line: Line, built: Container):
    for said, language in (
        ("普通话", "zh"),
        ("中文。", "zh"),
        ("Mandarin please", "zh"),
        ("English", "en"),
        ("英语", "en"),
    ):
        stand(built, GUANGDONG, "none", language=None)
        call = line()
        call.dials()
        assert call.speaks(said).place["lang"] == language


def test_a_wish_can_be_said(line: Line, built: Container):
    for state, said, at in (
        ("none", "我要开通短信回执", "offer"),
        ("none", "I want to open it", "offer"),
        ("none", "subscribe", "offer"),
        ("pending", "不再办理", "cancelling"),
        ("active", "取消", "cancelling"),
        ("active", "退訂", "cancelling"),
        ("active", "Cancel, please!", "cancelling"),
        ("active", "drop it", "cancelling"),
        ("ending", "继续使用", "offer"),
        ("ending", "keep it", "offer"),
        ("active", "换语言", "language"),
        ("active", "language", "language"),
    ):
        stand(built, GUANGDONG, state, language=Language.ZH)
        call = line()
        call.dials()
        assert call.speaks(said).place["at"] == at, said


def test_a_wish_said_is_done_as_if_its_key_were_pressed(line: Line, built: Container):
    for said, heard in (
        ("查询", "使用中"),
        ("status", "使用中"),
        ("最近回执", "还没有您的回执记录"),
        ("my last receipts", "还没有您的回执记录"),
        ("普通短信", "已改为普通短信"),
        ("ordinary", "已改为普通短信"),
        ("人工", "没有人工座席"),
        ("an operator", "没有人工座席"),
        ("重听", "短信回执服务"),
        ("repeat", "短信回执服务"),
        ("返回", "短信回执服务"),
    ):
        stand(built, GUANGDONG, "active", language=Language.ZH)
        call = line()
        call.dials()
        assert heard in call.speaks(said).text, said


def test_words_that_mean_nothing_here_are_asked_again(line: Line, built: Container):
    """A piece of an English word is not the word."""
    stand(built, GUANGDONG, "active", language=Language.ZH)
    for said in ("plastic bag", "basket", "operatic", "coffee", "天气怎么样", "🎵"):
        call = line()
        call.dials()
        assert "没有这个选项" in call.speaks(said).text, said


def test_the_line_listens_for_the_words_of_the_page(call: Call):
    call.dials()
    gather = call.presses("2").root.find("Gather")
    assert gather is not None
    assert gather.attrib["language"] == "en-US"
    assert {"open", "status", "agent"} <= set(gather.attrib["hints"].split(", "))
    gather = call.presses("1").root.find("Gather")
    assert gather is not None
    assert {"yes", "no"} <= set(gather.attrib["hints"].split(", "))


def at_the_price(line: Line, built: Container) -> Call:
    """A call that has just heard the price."""
    stand(built, GUANGDONG, "none", language=Language.ZH)
    call = line()
    call.dials()
    call.presses("1")
    return call
