"""Main menu: options by subscription state, and the keys of every menu."""

import re

import pytest

from ivr.call_context import CallContext
from ivr.menu import keys
from receipts.model.vocabulary import DisplayMode, Language
from statemachines.call_menu import CallState
from tests.ivr.conftest import Dial

OPEN, KEEP, CANCEL, DROP = "开通短信回执", "继续使用短信回执", "取消短信回执", "取消开通申请"
ORDINARY, FLASH, ASK, LAST = "改收普通短信", "改收闪信", "查询状态和费用", "最近回执"
MESSAGES = "附带信息"
ALL = (OPEN, KEEP, CANCEL, DROP, ORDINARY, FLASH, ASK, LAST, MESSAGES)


@pytest.mark.parametrize(("state", "mode", "offered"), [
    ("none", DisplayMode.FLASH, {OPEN: "1", ASK: "3", LAST: "4"}),
    ("pending", DisplayMode.FLASH, {OPEN: "1", DROP: "2", ASK: "3"}),
    ("active", DisplayMode.FLASH, {CANCEL: "2", ORDINARY: "6", ASK: "3", LAST: "4", MESSAGES: "5"}),
    ("active", DisplayMode.TEXT, {CANCEL: "2", FLASH: "6", ASK: "3", LAST: "4", MESSAGES: "5"}),
    ("ending", DisplayMode.FLASH, {KEEP: "1", ORDINARY: "6", ASK: "3", LAST: "4", MESSAGES: "5"}),
    ("ending", DisplayMode.TEXT, {KEEP: "1", FLASH: "6", ASK: "3", LAST: "4", MESSAGES: "5"}),
    ("suspended", DisplayMode.FLASH,
     {CANCEL: "2", ORDINARY: "6", ASK: "3", LAST: "4", MESSAGES: "5"}),
])  # fmt: skip
def test_options_by_subscription_state(
    dial: Dial, state: str, mode: DisplayMode, offered: dict[str, str]
):
    text = dial(state, mode=mode).last.text
    assert {option for option in ALL if option in text} == set(offered)
    for option, key in offered.items():
        assert re.search(rf"{option}请按 {key}。", text)
    for option in ("重听请按井号键", "For English, press 9"):
        assert option in text


@pytest.mark.parametrize("state", ["none", "pending", "active", "ending", "suspended"])
@pytest.mark.parametrize("language", Language)
def test_every_announced_key_works(dial: Dial, state: str, language: Language):
    call = dial(state, language=language)
    spoken = re.findall(r"(?:按|press)\s+(\d)", call.last.text)
    assert len(spoken) == len(set(spoken))
    # Without an agent, key 0 is not offered.
    assert set(spoken) == set(keys(CallContext.from_query(call.last.place))) - {"*", "#", "0"}
    for key in spoken:
        answer = call.presses(key)
        assert "没有这个选项" not in answer.text
        assert "not one of the choices" not in answer.text
        call.dials()


def test_hash_repeats_the_menu(dial: Dial):
    call = dial("active")
    first = call.presses("#")
    again = call.presses("#")
    assert again.says == first.says
    assert again.place["at"] == "menu"


@pytest.mark.parametrize("keys_", ["1", "11"])
def test_hash_repeats_every_prompt(dial: Dial, keys_: str):
    call = dial(keys=keys_)
    prompt = [say for say in call.last.says if "今后" not in say[1]]
    assert call.presses("#").says == prompt


@pytest.mark.parametrize("state", ["none", "active"])
def test_star_returns_to_the_menu_without_change(dial: Dial, state: str):
    call = dial(state, "1" if state == "none" else "2")
    assert call.last.place["at"] in {"offer", "cancelling"}
    reply = call.presses("*")
    assert reply.place["at"] == "menu"
    assert "没有" in reply.text


def test_star_repeats_the_main_menu(dial: Dial):
    assert dial("none", "*").last.place["at"] == "menu"


@pytest.mark.parametrize(("keys_", "prompt"), [
    ("", "To cancel SMS Receipt, press 2"), ("2", "To keep it, press 2"),
    ("5", "For ads, press 3"),
])  # fmt: skip
def test_nine_goes_on_in_the_other_language_at_once(dial: Dial, keys_: str, prompt: str):
    call = dial("active", keys_)
    reply = call.presses("9")
    assert reply.place["lang"] == "en"
    assert prompt in reply.text
    assert call.presses("9").place["lang"] == "zh"


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.OVER])
def test_common_keys_work_in_every_menu(state: CallState):
    assert {"0", "*", "#"} <= keys(CallContext(state, Language.ZH)).keys()
