"""Silence and wrong keys: asked again, counted apart, and not for ever."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import Language
from tests.conftest import GUANGDONG
from tests.support.caller import Call
from tests.support.fixtures import contents, stand, standing

PAGES = ("", "1", "11")  # the language, the menu, the offer


@pytest.mark.parametrize("keys", PAGES)
def test_three_silences_end_the_call_with_a_goodbye(call: Call, keys: str):
    call.dials()
    call.presses(keys)
    at = call.last.place["at"]
    for _ in range(2):
        told = call.keeps_silent()
        assert "没有听到" in told.text
        assert told.place["at"] == at
    told = call.keeps_silent()
    assert told.over
    assert "再见" in told.text


@pytest.mark.parametrize("keys", PAGES)
@pytest.mark.parametrize("wrong", ["8", "D"])
def test_three_wrong_keys_end_the_call_with_a_goodbye(call: Call, keys: str, wrong: str):
    call.dials()
    call.presses(keys)
    for _ in range(2):
        assert "没有这个选项" in call.presses(wrong).text
    told = call.presses(wrong)
    assert told.over
    assert "再见" in told.text


def test_silence_and_wrong_keys_are_counted_apart(call: Call):
    call.dials()
    call.presses("1")
    for _ in range(2):
        call.keeps_silent()
        call.presses("8")
    assert (call.last.place["silent"], call.last.place["wrong"]) == ("2", "2")
    assert not call.last.over
    assert call.keeps_silent().over


@pytest.mark.parametrize("understood", ["#", "*", "3", "0", "9"])
def test_anything_understood_gives_full_patience_again(call: Call, understood: str):
    call.dials()
    call.presses("1")
    for _ in range(2):
        call.keeps_silent()
        call.presses("8")
    call.presses(understood)
    assert (call.last.place["silent"], call.last.place["wrong"]) == ("0", "0")


def test_a_key_of_another_page_is_a_wrong_key(call: Call):
    """9 chooses languages on the menu; where a price waits for its yes it means nothing."""
    call.dials()
    call.presses("11")
    assert "没有这个选项" in call.presses("9").text
    assert call.last.place["at"] == "offer"


def test_silence_is_answered_in_the_callers_language(call: Call, built: Container):
    stand(built, GUANGDONG, "none", language=Language.EN)
    call.dials()
    assert "We did not hear a choice" in call.keeps_silent().text
    call.keeps_silent()
    assert "Goodbye" in call.keeps_silent().text


def test_misses_write_nothing(call: Call, raw: redis.Redis):
    call.dials()
    call.presses("11")
    before = contents(raw)
    call.keeps_silent()
    call.presses("8")
    call.presses("*#0")
    assert contents(raw) == before


def test_silence_at_the_price_opens_nothing(call: Call, built: Container):
    call.dials()
    call.presses("11")
    for _ in range(3):
        call.keeps_silent()
    assert call.last.over
    assert standing(built, GUANGDONG).state == "none"


def test_a_key_pressed_after_the_goodbye_gets_another(call: Call):
    call.dials()
    link = call.last.link.replace("at=language", "at=over")
    answer = call.network.post(link, CallSid="CA1", From=GUANGDONG, Digits="1")
    assert "<Hangup/>" in answer.get_data(as_text=True)


def test_several_digits_at_once_count_as_the_first(call: Call):
    call.dials()
    answer = call.network.post(call.last.link, CallSid="CA1", From=GUANGDONG, Digits="29")
    assert "lang=en" in answer.get_data(as_text=True)
