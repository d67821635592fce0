"""A call comes in: who is greeted how, and who is told that we cannot serve."""

from dataclasses import replace

import pytest
import redis

from app import bootstrap
from app.bootstrap import Container
from app.factory import create_app
from receipts.model.vocabulary import Language
from tests.conftest import BEIJING, GUANGDONG, JILIN, UNICOM, UNKNOWN, ZHEJIANG, Network
from tests.support.caller import Call, Line
from tests.support.fixtures import GUANGXI, HEBEI, SHAANXI, contents, stand, standing

HONG_KONG = "+85291234567"
WITHHELD = ("anonymous", "unknown", "", "Restricted", "+266696687", "+86282452253", "sip:a@b.c")


@pytest.mark.parametrize("number", [GUANGDONG, GUANGXI])
def test_a_new_caller_is_greeted_in_cantonese_too_where_it_is_spoken(line: Line, number: str):
    assert line(number).dials().languages == ["cmn-CN", "yue-CN", "en-US"]


@pytest.mark.parametrize("number", [ZHEJIANG, HEBEI])
def test_a_new_caller_elsewhere_is_greeted_in_two_languages(line: Line, number: str):
    assert line(number).dials().languages == ["cmn-CN", "en-US"]


def test_a_new_caller_hears_the_language_question_first(call: Call):
    told = call.dials()
    assert told.place["at"] == "language"
    assert "普通话请按 1" in told.text
    assert "For English, press 2" in told.text
    assert "开通" not in told.text


@pytest.mark.parametrize(("key", "language"), [("1", "zh"), ("2", "en")])
def test_the_language_chosen_is_spoken_from_then_on_and_kept(
    call: Call, built: Container, key: str, language: str
):
    call.dials()
    told = call.presses(key)
    code = {"zh": "cmn-CN", "en": "en-US"}[language]
    assert told.says[0][0] == told.says[1][0] == code
    assert standing(built, GUANGDONG).language == language
    assert call.presses("3").says[0][0] == code


def test_a_known_caller_is_greeted_in_the_own_language_and_asked_no_more(
    call: Call, built: Container
):
    stand(built, GUANGDONG, "active", language=Language.EN)
    told = call.dials()
    assert told.place["at"] == "menu"
    assert told.says[0] == ("en-US", "Welcome to SMS Receipt on 1 0 0 8 6.")


def test_answering_a_call_writes_nothing(call: Call, raw: redis.Redis):
    before = contents(raw)
    call.dials()
    call.dials()
    assert contents(raw) == before


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        (UNICOM, "仅限中国移动", "China Mobile customers only"),
        (HONG_KONG, "仅限中国移动", "China Mobile customers only"),
        (BEIJING, "北京尚未开通", "not offered in Beijing"),
    ],
)
def test_who_cannot_be_served_hears_why_in_both_languages(
    line: Line, built: Container, number: str, zh: str, en: str
):
    told = line(number).dials()
    assert told.over
    assert zh in told.text
    assert en in told.text
    assert standing(built, number).version == 0


@pytest.mark.parametrize("number", [JILIN, SHAANXI])
def test_a_province_without_hotline_hears_which_doors_it_has(line: Line, number: str):
    told = line(number).dials()
    assert told.over
    assert "7 5 0 0" in told.text, "a number is spoken digit by digit"
    assert "营业厅" in told.text
    assert "service hall" in told.text
    assert "1 0 0 8 6" not in told.text
    assert ("网上营业厅" in told.text) == (number == JILIN)


@pytest.mark.parametrize("number", [UNICOM, BEIJING, JILIN])
def test_who_holds_the_service_is_served_wherever_the_number_went(
    line: Line, built: Container, number: str
):
    """Cancelling stays open where opening is not."""
    stand(built, number, "active", language=Language.ZH)
    call = line(number)
    assert "取消短信回执" in call.dials().text
    call.presses("11")
    assert standing(built, number).state in {"none", "ending"}


@pytest.mark.parametrize("number", [UNICOM, HONG_KONG, BEIJING, UNKNOWN, JILIN])
def test_who_lets_the_service_end_where_it_is_offered_no_more_hears_why_it_cannot_be_kept(
    line: Line, built: Container, number: str
):
    """No price is told that nobody could agree to."""
    for language in Language:
        stand(built, number, "ending", language=language)
        call = line(number)
        call.dials()
        told = call.presses("1")
        assert told.place["at"] == "menu"
        assert len(told.says) == 3
        call.presses("12340#*")
        assert standing(built, number).state == "ending"


def test_a_hidden_number_is_asked_to_show_itself(line: Line, raw: redis.Redis):
    before = contents(raw)
    for caller in WITHHELD:
        told = line(caller).dials()
        assert told.over, caller
        assert "请显示号码" in told.text
        assert "without hiding it" in told.text
    assert contents(raw) == before


def test_a_number_hidden_during_the_call_opens_nothing(call: Call, raw: redis.Redis):
    call.dials()
    call.presses("11")
    before = contents(raw)
    call.number = "anonymous"
    assert call.presses("1").over
    assert contents(raw) == before


def test_a_hidden_number_may_hang_up(line: Line):
    line("anonymous").hangs_up()


def test_the_hotlines_number_is_spoken_as_it_is_set(built: Container):
    """An operator may run the line on another number than 10086."""
    ours = replace(built.settings, hotline="12580")
    call = Call(Network(create_app(ours, bootstrap.services(ours)).test_client()))
    assert "1 2 5 8 0" in call.dials().text
    assert "1 0 0 8 6" not in call.last.text
