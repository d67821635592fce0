"""Incoming calls: greeting, language, and refusal of callers that cannot be served."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import Language
from tests.conftest import BEIJING, GUANGDONG, JILIN, UNICOM, UNKNOWN, ZHEJIANG
from tests.ivr.conftest import Dial, NetworkWith
from tests.ivr.spoken_length import seconds
from tests.support.caller import Call, Line
from tests.support.fixtures import GUANGXI, HEBEI, SHAANXI, contents, contents_but_figures, standing

HONG_KONG = "+85291234567"
WITHHELD = ("anonymous", "unknown", "", "Restricted", "+266696687", "+86282452253", "sip:a@b.c")


@pytest.mark.parametrize("number", [GUANGDONG, GUANGXI, ZHEJIANG, HEBEI, UNKNOWN])
def test_new_caller_hears_the_choice_of_language_within_three_seconds(line: Line, number: str):
    """Also where the province is asked for; never in Cantonese, which has no page."""
    reply = line(number).dials()
    assert reply.languages == ["cmn-CN", "en-US"]
    assert reply.place["at"] == "language"
    texts = [text for _, text in reply.says]
    begins = texts[: texts.index("For English, press 2.") + 1]
    assert sum(map(seconds, begins)) <= 3


def test_new_caller_of_an_unknown_province_names_it_in_the_chosen_language(line: Line):
    call = line(UNKNOWN)
    call.dials()
    reply = call.presses("2")
    assert reply.place["at"] == "which_province"
    assert "Guangdong, press 1" in reply.text
    assert "Shanxi, capital Taiyuan, press 4" in reply.text
    assert "请按 1" not in reply.text
    assert call.presses("9").place["lang"] == "zh"
    assert "陕西西安请按 8" in call.last.text
    assert call.presses("1").place["at"] == "menu"


def test_new_caller_is_first_asked_for_the_language(call: Call):
    reply = call.dials()
    assert reply.place["at"] == "language"
    assert "普通话请按 1" in reply.text
    assert "For English, press 2" in reply.text
    assert "开通" not in reply.text


@pytest.mark.parametrize(("key", "language", "code"), [("1", "zh", "cmn-CN"), ("2", "en", "en-US")])
def test_chosen_language_is_stored_and_spoken(
    dial: Dial, built: Container, key: str, language: str, code: str
):
    call = dial(keys=key)
    assert call.last.says[0][0] == call.last.says[1][0] == code
    assert standing(built, GUANGDONG).language == language
    assert call.presses("3").says[0][0] == code


def test_known_caller_is_greeted_in_the_stored_language(dial: Dial):
    reply = dial("active", language=Language.EN).last
    assert reply.place["at"] == "menu"
    assert reply.says[0] == ("en-US", "Hello.")


def test_answering_writes_figures_alone(call: Call, raw: redis.Redis):
    before = contents_but_figures(raw)
    call.dials()
    call.dials()
    assert contents_but_figures(raw) == before


@pytest.mark.parametrize(("number", "reasons"), [
    (UNICOM, ("仅限中国移动", "China Mobile customers only")),
    (HONG_KONG, ("仅限中国移动", "China Mobile customers only")),
    (BEIJING, ("北京暂未提供", "not yet available in Beijing")),
])  # fmt: skip
def test_ineligible_caller_hears_the_reason_in_both_languages(
    line: Line, built: Container, number: str, reasons: tuple[str, str]
):
    reply = line(number).dials()
    assert reply.over
    assert [reason for reason in reasons if reason not in reply.text] == []
    assert standing(built, number).version == 0


@pytest.mark.parametrize("number", [JILIN, SHAANXI])
def test_province_without_hotline_names_its_channels(line: Line, number: str):
    reply = line(number).dials()
    assert reply.over
    # Numbers are spoken digit by digit.
    for fact in ("七五零零", "7 5 0 0", "营业厅", "China Mobile store"):
        assert fact in reply.text
    assert "1 0 0 8 6" not in reply.text
    assert "幺零零八六" not in reply.text
    assert ("网上营业厅" in reply.text) == (number == JILIN)


@pytest.mark.parametrize("number", [UNICOM, BEIJING, JILIN])
def test_holder_can_cancel_where_opening_is_refused(dial: Dial, built: Container, number: str):
    call = dial("active", number=number)
    assert "取消短信回执" in call.last.text
    call.presses("21")
    assert standing(built, number).state in {"none", "ending"}


@pytest.mark.parametrize("number", [UNICOM, HONG_KONG, BEIJING, UNKNOWN, JILIN])
@pytest.mark.parametrize("language", Language)
def test_ending_service_that_is_not_offered_any_more_has_no_offer(
    dial: Dial, built: Container, number: str, language: Language
):
    call = dial("ending", "1", number, language)
    assert call.last.place["at"] == "menu"
    assert len(call.last.says) == 3
    call.presses("12340#*")
    assert standing(built, number).state == "ending"


def test_withheld_number_is_asked_for_and_figures_alone_are_written(line: Line, raw: redis.Redis):
    before = contents_but_figures(raw)
    for caller in WITHHELD:
        reply = line(caller).dials()
        assert reply.place["at"] == "language", caller
        assert "无法识别您的号码" in reply.text
        assert "We can't see your number" in reply.text
    assert contents_but_figures(raw) == before


def test_number_withheld_during_the_call_opens_nothing(dial: Dial, raw: redis.Redis):
    call = dial(keys="11")
    before = contents(raw)
    call.number = "anonymous"
    assert call.presses("1").place["at"] == "language"
    assert "无法识别您的号码" in call.last.text
    assert contents(raw) == before


def test_withheld_number_can_hang_up(line: Line):
    line("anonymous").hangs_up()


def test_hotline_number_comes_from_the_settings(network_with: NetworkWith):
    call = Call(network_with(hotline="12580"))
    assert "1 2 5 8 0" in call.dials().text
    assert "幺二五八零" in call.last.text
    assert "1 0 0 8 6" not in call.last.text


def test_caller_from_a_sip_trunk_gets_the_menu_of_the_number(dial: Dial):
    reply = dial("active", number=GUANGDONG).last
    over_ip = Call(dial().network, f"sip:{GUANGDONG}@ims.example.cn", "CA9").dials()
    assert (over_ip.says, over_ip.place["as"]) == (reply.says, "active")


@pytest.mark.parametrize("keys", ["", "3", "6", "2", "22", "21", "8", "0"])
def test_every_sentence_before_a_prompt_can_be_interrupted(dial: Dial, keys: str):
    """A key pressed while a sentence outside the Gather is spoken would be lost."""
    root = dial("active", keys).last.root
    assert [each.tag for each in root] == ["Gather", "Redirect"]
