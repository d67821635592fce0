"""Without the store, callers hear an apology and other requests get 503."""

import pytest

from tests.support.caller import heard
from tests.support.requests import DOORS, Knock

KEY = "/voice/key?at=menu&lang={}&as=none&mode=flash&step=2&silent=0&wrong=0"
CALL = {"CallSid": "CA1", "From": "+8613802880000"}


def test_new_caller_hears_an_apology_in_both_languages(offline: Knock):
    told = heard(offline.form("/voice", CALL))
    assert told.over
    assert told.languages == ["cmn-CN", "en-US"]
    assert "请稍后再拨" in told.text


@pytest.mark.parametrize(("language", "spoken"), [("zh", "cmn-CN"), ("en", "en-US")])
def test_known_caller_hears_the_apology_in_one_language(offline: Knock, language: str, spoken: str):
    told = heard(offline.form(KEY.format(language), CALL | {"Digits": "3"}))
    assert told.over
    assert told.languages == [spoken]


def test_keys_without_store_access_work(offline: Knock):
    told = heard(offline.form(KEY.format("zh"), CALL | {"Digits": "1"}))
    assert "每月1元" in told.text
    assert heard(offline.form(KEY.format("zh"), CALL | {"Digits": "#"})).place["at"] == "menu"


def test_withheld_number_is_answered_without_the_store(offline: Knock):
    assert "无法识别您的号码" in heard(offline.form("/voice", CALL | {"From": "anonymous"})).text


def test_texts_and_reports_get_503(offline: Knock):
    for path in DOORS.keys() - {"/voice", KEY.format("zh")}:
        answer = offline.form(path, DOORS[path])
        assert answer.status_code == 503, path
        assert answer.mimetype != "text/plain"


def test_kannel_gets_503(offline: Knock):
    url = "/kannel/report?secret=kannel-secret-of-the-tests&id=0-abc&type=1"
    assert offline.client.get(url).status_code == 503


def test_health_checks_tell_alive_from_ready(offline: Knock):
    for path, status in (("/healthz", 200), ("/readyz", 503), ("/metrics", 404)):
        assert offline.client.get(path).status_code == status


def test_requests_without_store_access_succeed(offline: Knock):
    answer = offline.form("/sms", DOORS["/sms"] | {"From": "10086"})
    assert (answer.status_code, b"<Message>" in answer.data) == (200, False)
