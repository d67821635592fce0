"""The store is gone: callers hear an apology, everybody else is asked to come again."""

import pytest

from tests.support.caller import heard
from tests.support.requests import DOORS, Knock

KEY = "/voice/key?at=menu&lang={}&as=none&mode=flash&step=2&silent=0&wrong=0"
CALL = {"CallSid": "CA1", "From": "+8613802880000"}


def test_a_new_caller_hears_an_apology_in_both_languages(deaf: Knock):
    told = heard(deaf.form("/voice", CALL))
    assert told.over
    assert told.languages == ["cmn-CN", "en-US"]
    assert "请稍后再拨" in told.text


@pytest.mark.parametrize(("language", "spoken"), [("zh", "cmn-CN"), ("en", "en-US")])
def test_a_caller_hears_the_apology_in_the_language_of_the_call(
    deaf: Knock, language: str, spoken: str
):
    told = heard(deaf.form(KEY.format(language), CALL | {"Digits": "3"}))
    assert told.over
    assert told.languages == [spoken]


def test_keys_that_need_no_store_still_work(deaf: Knock):
    """A price can be heard, the menu repeated, an agent reached."""
    told = heard(deaf.form(KEY.format("zh"), CALL | {"Digits": "1"}))
    assert "每月1元" in told.text
    assert heard(deaf.form(KEY.format("zh"), CALL | {"Digits": "#"})).place["at"] == "menu"


def test_a_hidden_number_needs_no_store_to_be_told(deaf: Knock):
    assert "请显示号码" in heard(deaf.form("/voice", CALL | {"From": "anonymous"})).text


def test_texts_and_reports_are_asked_to_come_again(deaf: Knock):
    for path in DOORS.keys() - {"/voice", KEY.format("zh")}:
        answer = deaf.form(path, DOORS[path])
        assert answer.status_code == 503, path
        assert answer.mimetype != "text/plain"


def test_kannel_is_asked_to_come_again(deaf: Knock):
    answer = deaf.client.get("/kannel/report?secret=kannel-secret&id=0-abc&type=1")
    assert answer.status_code == 503


def test_a_machine_sees_who_is_alive_and_who_is_ready(deaf: Knock):
    assert deaf.client.get("/healthz").status_code == 200
    assert deaf.client.get("/readyz").status_code == 503
    assert deaf.client.get("/metrics").status_code == 200


def test_what_needs_no_store_is_told_without_one(deaf: Knock):
    """A sender that is no phone gets its silence whatever the store does."""
    answer = deaf.form("/sms", DOORS["/sms"] | {"From": "10086"})
    assert (answer.status_code, b"<Message>" in answer.data) == (200, False)
