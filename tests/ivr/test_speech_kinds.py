"""Refusals, spoken keys and the prompts said back by the caller."""

import re

import pytest

from app.bootstrap import Container
from receipts.model.vocabulary import DisplayMode, Language
from tests.conftest import GUANGDONG
from tests.ivr.conftest import Dial
from tests.support.fixtures import standing

#: A key at the end of a spoken option.
_KEY = re.compile(r"(?:请按|press) (\d|井号键|星号键|pound|star)")
_KEY_OF = {"井号键": "#", "pound": "#", "星号键": "*", "star": "*"}


@pytest.mark.parametrize("speech", [
    "不要广告", "no ads", "我不想要新闻", "I don't want news", "别给我发公益信息",
    "no advertising please", "never send me ads", "没有兴趣看广告", "not the news", "请勿发广告",
])  # fmt: skip
def test_refused_extra_is_asked_again(dial: Dial, built: Container, speech: str):
    reply = dial("active", "5").speaks(speech)
    assert reply.place["at"] == "messages"
    assert standing(built, GUANGDONG).promotions == "none"


@pytest.mark.parametrize("speech", ["都不要", "都不需要", "none", "none please", "都不要，谢谢"])
def test_none_of_the_extras_can_be_said(dial: Dial, speech: str):
    assert "不附带" in dial("active", "5").speaks(speech).text


@pytest.mark.parametrize("speech", [
    "I don't speak Chinese", "我不会说普通话", "not English", "I can't speak English", "不要中文",
])  # fmt: skip
def test_refused_language_is_asked_again(dial: Dial, built: Container, speech: str):
    assert dial("none", language=None).speaks(speech).place["at"] == "language"
    assert standing(built, GUANGDONG).language is None


@pytest.mark.parametrize("speech", ["不是广东", "not Guangdong"])
def test_refused_province_is_asked_again(dial: Dial, speech: str):
    call = dial(number="+8619512345678", keys="1")
    assert call.speaks(speech).place["at"] == "which_province"


@pytest.mark.parametrize(("speech", "code"), [
    ("广东", "CN-GD"), ("我是陕西的", "CN-SN"), ("Shaanxi", "CN-SN"), ("Shanxi please", "CN-SX"),
    ("四", "CN-SX"), ("press four", "CN-SX"), ("陕西西安请按 8", "CN-SN"),
    ("Shanxi, capital Taiyuan, press 4", "CN-SX"),
])  # fmt: skip
def test_spoken_province_is_taken(dial: Dial, built: Container, speech: str, code: str):
    dial(number="+8619512345678", keys="1").speaks(speech)
    assert standing(built, "+8619512345678").province == code


@pytest.mark.parametrize("speech", ["不要普通短信", "no regular texts", "别改普通短信"])
def test_refused_option_of_the_menu_changes_nothing(dial: Dial, built: Container, speech: str):
    dial("active").speaks(speech)
    assert standing(built, GUANGDONG).mode == "flash"


@pytest.mark.parametrize("speech", [
    "三", "按三", "3", "three", "press three", "请按三", "三号键", "number 3 please", "我选3",
    "the three key", "按3键", "option three",
])  # fmt: skip
def test_spoken_number_of_a_key_is_that_key(dial: Dial, speech: str):
    assert dial("active").speaks(speech).says[0] == dial("active", "3").last.says[0]


@pytest.mark.parametrize("speech", ["等一下", "one moment", "不按三", "do not press three", "二三"])
def test_number_that_names_no_key_is_asked_again(dial: Dial, speech: str):
    assert "没有这个选项" in dial("active").speaks(speech).text


@pytest.mark.parametrize("speech", ["一", "按一", "one", "press one"])
def test_spoken_key_chooses_the_language(dial: Dial, speech: str):
    assert dial("none", language=None).speaks(speech).place["lang"] == "zh"


@pytest.mark.parametrize("speech", [
    "取消", "cancel it please", "好", "可以", "是的谢谢", "yep", "是的，取消", "cancel",
    "请帮我取消", "退订", "确认取消", "unsubscribe", "好的谢谢", "一",
])  # fmt: skip
def test_act_or_yes_said_alone_confirms_a_cancellation(dial: Dial, built: Container, speech: str):
    dial("active", "2").speaks(speech)
    assert standing(built, GUANGDONG).state == "ending"


@pytest.mark.parametrize("speech", [
    "不取消", "不要取消", "don't cancel", "no", "不要", "继续使用", "keep it", "I want to keep it",
    "取消要多少钱", "what happens if I cancel", "天气怎么样", "昨天取消了吗",
])  # fmt: skip
def test_anything_else_cancels_nothing(dial: Dial, built: Container, speech: str):
    dial("active", "2").speaks(speech)
    assert standing(built, GUANGDONG).state == "active"


@pytest.mark.parametrize("speech", ["开通", "好", "可以", "是的但是多少钱"])
def test_paid_offer_stays_strict(dial: Dial, built: Container, speech: str):
    dial("none", "1").speaks(speech)
    assert standing(built, GUANGDONG).state == "none"


@pytest.mark.parametrize(("confidence", "state"), [
    ("0.2", "none"), ("0.49", "none"), ("0.0", "none"), ("0.5", "active"), ("1", "active"),
    ("", "active"), ("high", "active"),
])  # fmt: skip
def test_unsure_yes_to_a_price_is_asked_again(
    dial: Dial, built: Container, confidence: str, state: str
):
    dial("none", "1").speaks("是的", confidence)
    assert standing(built, GUANGDONG).state == state


def test_unsure_yes_without_a_price_counts(dial: Dial, built: Container):
    dial("active", "2").speaks("是的", confidence="0.1")
    assert standing(built, GUANGDONG).state == "ending"


@pytest.mark.parametrize("speech", ["不用了", "我不想要了", "别再发了", "I don't want this"])
def test_leaving_in_own_words_gets_the_question(dial: Dial, speech: str):
    assert dial("active").speaks(speech).place["at"] == "cancelling"


def options(text: str) -> list[str]:
    """The options of a prompt, each with its key at the end."""
    return [part.strip() for part in re.split(r"[。，.]", text) if _KEY.search(part)]


@pytest.mark.parametrize("whole", [True, False], ids=["with its key", "without its key"])
@pytest.mark.parametrize("mode", DisplayMode)
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("state", "keys"), [
    ("none", ""), ("none", "1"), ("active", ""), ("active", "2"), ("active", "5"), ("ending", ""),
    ("suspended", ""),
])  # fmt: skip
def test_every_option_said_back_leads_to_that_option(
    dial: Dial,
    state: str,
    keys: str,
    language: Language,
    mode: DisplayMode,
    whole: bool,  # noqa: FBT001
):
    page = dial(state, keys, language=language, mode=mode).last
    said = [option for text in page.says for option in options(text[1])]
    assert said
    # A paid order needs a yes or its key: its act alone is no yes.
    said = [each for each in said if whole or page.place["at"] != "offer"]
    for option in said:
        found = _KEY.search(option)
        assert found is not None
        key = _KEY_OF.get(found[1], found[1])
        words = option if whole else option[: found.start()].rstrip(", ")
        by_key = dial(state, keys + key, language=language, mode=mode).last
        by_speech = dial(state, keys, language=language, mode=mode).speaks(words)
        assert (by_speech.says, by_speech.place["at"]) == (by_key.says, by_key.place["at"]), words
