"""No-input and no-match: the prompt is repeated, each has its own counter, the third ends."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import Language
from tests.conftest import GUANGDONG
from tests.ivr.conftest import Dial
from tests.support.caller import Call
from tests.support.fixtures import contents_but_figures, standing


@pytest.mark.parametrize("keys", ["", "1", "11"], ids=["language", "menu", "offer"])
@pytest.mark.parametrize(
    ("miss", "hint"),
    [("", "没有听到"), ("8", "没有这个选项"), ("D", "没有这个选项")],
    ids=["no input", "no match", "no digit"],
)
def test_third_miss_ends_the_call(dial: Dial, keys: str, miss: str, hint: str):
    call = dial(keys=keys)
    state = call.last.place["at"]
    for _ in range(2):
        reply = call.presses(miss) if miss else call.keeps_silent()
        assert hint in reply.text
        assert reply.place["at"] == state
    reply = call.presses(miss) if miss else call.keeps_silent()
    assert reply.over
    assert "再见" in reply.text


def miss_twice(call: Call) -> None:
    for _ in range(2):
        call.keeps_silent()
        call.presses("8")


def test_no_input_and_no_match_are_counted_separately(dial: Dial):
    call = dial(keys="1")
    miss_twice(call)
    assert (call.last.place["silent"], call.last.place["wrong"]) == ("2", "2")
    assert not call.last.over
    assert call.keeps_silent().over


@pytest.mark.parametrize("understood", ["#", "*", "3", "0", "9"])
def test_understood_key_resets_both_counters(dial: Dial, understood: str):
    call = dial(keys="1")
    miss_twice(call)
    call.presses(understood)
    assert (call.last.place["silent"], call.last.place["wrong"]) == ("0", "0")


def test_key_of_another_menu_is_a_no_match(dial: Dial):
    call = dial(keys="11")
    assert "没有这个选项" in call.presses("3").text
    assert call.last.place["at"] == "offer"


def test_no_input_is_answered_in_the_callers_language(dial: Dial):
    call = dial("none", language=Language.EN)
    assert "we did not hear your choice" in call.keeps_silent().text
    call.keeps_silent()
    assert "Goodbye" in call.keeps_silent().text


def test_misses_write_figures_alone(dial: Dial, raw: redis.Redis):
    call = dial(keys="11")
    before = contents_but_figures(raw)
    call.keeps_silent()
    call.presses("8*#0")
    assert contents_but_figures(raw) == before


def test_no_input_at_the_offer_opens_nothing(dial: Dial, built: Container):
    call = dial(keys="11")
    for _ in range(3):
        call.keeps_silent()
    assert call.last.over
    assert standing(built, GUANGDONG).state == "none"


@pytest.mark.parametrize(("replaced", "digits", "answer"), [
    (("at=language", "at=over"), "1", "<Hangup/>"), (("", ""), "29", "lang=en"),
], ids=["key after the goodbye hangs up again", "first of several digits counts"])  # fmt: skip
def test_unusual_key_press(dial: Dial, replaced: tuple[str, str], digits: str, answer: str):
    call = dial()
    link = call.last.link.replace(*replaced)
    reply = call.network.post(link, CallSid="CA1", From=GUANGDONG, Digits=digits)
    assert answer in reply.get_data(as_text=True)
