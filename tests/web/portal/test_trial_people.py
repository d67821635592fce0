"""Trial people in the portal: any listed number signs in, and each page says that it is a trial."""

from dataclasses import replace

import pytest
import redis

from app.settings import Settings
from receipts.model.vocabulary import Msisdn
from tests.support.browser import KEY
from tests.support.fixtures import posted
from tests.web.portal.conftest import Browsers

AMERICAN, STRANGER, NOTE = "+14155550100", "+14155550199", "Trial, free of charge."


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, secret_key=KEY, trial_people={Msisdn(AMERICAN): "CN-GD"})


def test_trial_person_signs_in_and_subscribes_free_of_charge(browsers: Browsers):
    browser = browsers(AMERICAN, language="en")
    assert browser.signs_in().told == [NOTE]
    assert browser.goes("open").told == [NOTE]
    assert "yuan" not in browser.seen.text
    browser.presses("open")
    assert NOTE in browser.presses("yes").told
    assert "free" in browser.goes().text
    assert "0 yuan" in browser.seen.text


def test_pages_of_customers_have_no_note(browsers: Browsers):
    assert browsers(language="en").signs_in().told == []


@pytest.mark.parametrize(
    ("page", "fields"),
    [("code", {}), ("password-sign-in", {"password": "135790"})],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_answer_does_not_tell_whether_a_foreign_number_is_listed(
    browsers: Browsers, raw: redis.Redis, page: str, fields: dict[str, str], language: str
):
    answers = []
    for number in (AMERICAN, STRANGER):
        browser = browsers(number, language=language)
        browser.goes("sign-in" if page == "code" else page)
        seen = browser.presses(page, number=number, **fields)
        answers.append((seen.status, seen.text.replace(number[-4:], "")))
    assert answers[0] == answers[1]
    # The listed person's code alone.
    assert posted(raw) == (page == "code")
