"""Trial people in the portal: any listed number signs in, and each page says that it is a trial."""

from dataclasses import replace

import pytest

from app.settings import Settings
from receipts.model.vocabulary import Msisdn
from tests.support.browser import KEY
from tests.web.portal.conftest import Browsers

AMERICAN, NOTE = "+14155550100", "Trial, free of charge."


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


def test_other_numbers_of_other_countries_are_refused(browsers: Browsers):
    browser = browsers("+14155550199", language="en")
    browser.goes("sign-in")
    assert browser.presses("code", number="+14155550199").status == 400
    assert browser.texts() == []
