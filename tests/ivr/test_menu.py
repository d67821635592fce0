"""The main menu says what this caller can do, and each key does what it said."""

import re

import pytest

from app.bootstrap import Container
from ivr.call_context import CallContext
from ivr.menu import keys
from receipts.model.vocabulary import DisplayMode, Language
from statemachines.call_menu import CallState
from tests.conftest import GUANGDONG
from tests.support.caller import Call, Line
from tests.support.fixtures import stand

OPEN, KEEP, CANCEL, DROP = "开通短信回执", "继续使用短信回执", "取消短信回执", "不再办理"
ORDINARY, FLASH, ASK, LAST = "改为普通短信", "改为闪信", "查询业务状态", "收听最近的回执"
MESSAGES = "设置回执附带的信息"
ALL = (OPEN, KEEP, CANCEL, DROP, ORDINARY, FLASH, ASK, LAST, MESSAGES)


@pytest.mark.parametrize(
    ("state", "mode", "offered"),
    [
        ("none", DisplayMode.FLASH, {OPEN: "1", ASK: "3", LAST: "4"}),
        ("pending", DisplayMode.FLASH, {OPEN: "1", DROP: "2", ASK: "3"}),
        (
            "active",
            DisplayMode.FLASH,
            {CANCEL: "1", ORDINARY: "2", ASK: "3", LAST: "4", MESSAGES: "5"},
        ),
        ("active", DisplayMode.TEXT, {CANCEL: "1", FLASH: "2", ASK: "3", LAST: "4", MESSAGES: "5"}),
        (
            "ending",
            DisplayMode.FLASH,
            {KEEP: "1", ORDINARY: "2", ASK: "3", LAST: "4", MESSAGES: "5"},
        ),
        ("ending", DisplayMode.TEXT, {KEEP: "1", FLASH: "2", ASK: "3", LAST: "4", MESSAGES: "5"}),
        ("suspended", DisplayMode.FLASH, {CANCEL: "1", ASK: "3", LAST: "4", MESSAGES: "5"}),
    ],
)
def test_the_menu_offers_what_fits_how_the_caller_stands(
    call: Call, built: Container, state: str, mode: DisplayMode, offered: dict[str, str]
):
    stand(built, GUANGDONG, state, mode, language=Language.ZH)
    told = call.dials().text
    assert {words for words in ALL if words in told} == set(offered)
    for words, key in offered.items():
        assert re.search(rf"{words}[^，]*，请按 {key}[。，]", told)
    assert "人工服务请按 0" in told
    assert "重听请按井号键" in told
    assert "English, press 9" in told


@pytest.mark.parametrize("state", ["none", "pending", "active", "ending", "suspended"])
def test_every_key_the_menu_speaks_of_does_something(line: Line, built: Container, state: str):
    """And none is spoken of twice."""
    for language in Language:
        stand(built, GUANGDONG, state, language=language)
        every_key_works(line())


def every_key_works(call: Call) -> None:
    told = call.dials()
    spoken = re.findall(r"(?:按|press)\s+(\d)", told.text)
    assert len(spoken) == len(set(spoken))
    place = CallContext.read(told.place)
    silent = {"*", "#"}
    assert set(spoken) == set(keys(place)) - silent
    for key in spoken:
        answer = call.presses(key)
        assert "没有这个选项" not in answer.text
        assert "not one of the choices" not in answer.text
        call.dials()


def test_hash_says_the_same_again(call: Call, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call.dials()
    first = call.presses("#")
    again = call.presses("#")
    assert again.says == first.says
    assert again.place["at"] == "menu"


@pytest.mark.parametrize("keys_", ["1", "11"])
def test_hash_repeats_every_question(call: Call, keys_: str):
    call.dials()
    asked = call.presses(keys_)
    question = [say for say in asked.says if "今后" not in say[1]]
    assert call.presses("#").says == question


@pytest.mark.parametrize("state", ["none", "active"])
def test_star_leads_back_to_the_menu_and_changes_nothing(call: Call, built: Container, state: str):
    stand(built, GUANGDONG, state, language=Language.ZH)
    call.dials()
    assert call.presses("1").place["at"] in {"offer", "cancelling"}
    told = call.presses("*")
    assert told.place["at"] == "menu"
    assert "没有" in told.text


def test_star_on_the_menu_says_the_menu(call: Call, built: Container):
    stand(built, GUANGDONG, "none", language=Language.ZH)
    call.dials()
    assert call.presses("*").place["at"] == "menu"


def test_nine_asks_for_the_language_again(call: Call, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call.dials()
    assert call.presses("9").place["at"] == "language"
    told = call.presses("2")
    assert told.place["lang"] == "en"
    assert "To cancel SMS Receipt" in told.text


@pytest.mark.parametrize("at", [state for state in CallState if state is not CallState.OVER])
def test_agent_back_and_again_work_on_every_page(at: CallState):
    assert {"0", "*", "#"} <= keys(CallContext(at, Language.ZH)).keys()
