"""The printable form of an act at the counter, printed by Chromium to one A5 page."""

import base64
import re

import pytest

from receipts.model.vocabulary import Language
from tests.journeys.browser.conftest import Page
from tests.journeys.browser.staff_areas import COUNTER_CUSTOMER, an_act, sign_in, staff_account
from tests.support.chromium import set_screen
from tests.support.product import Service

#: A5 in points of 1/72 inch, as PDF has them.
A5_WIDTH, A5_HEIGHT = 419.5, 595.3

_PAGE = re.compile(rb"/Type\s*/Page\b")
_BOX = re.compile(rb"/MediaBox\s*\[\s*0\s+0\s+([0-9.]+)\s+([0-9.]+)\s*\]")


@pytest.fixture(scope="module")
def serial(service: Service) -> str:
    with service.container() as services:
        return an_act(services)


@pytest.mark.parametrize("language", Language)
def test_form_prints_on_one_a5_page(
    page: Page, service: Service, serial: str, language: Language
) -> None:
    browser, origin = page.browser, service.doors
    browser.execute_cdp_cmd("Network.enable", {})
    languages = {"headers": {"Accept-Language": language}}
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", languages)
    try:
        sign_in(page, origin, "counter", staff_account(service, "counter", f"form-{language}"))
        browser.get(f"{origin}/counter/form/{serial}")
        text = page.find("main").text
        assert serial in text
        assert COUNTER_CUSTOMER.removeprefix("+86") in text
        options = {"preferCSSPageSize": True, "printBackground": True}
        pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", options)["data"])
    finally:
        browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
        browser.delete_all_cookies()
    assert len(_PAGE.findall(pdf)) == 1
    (box,) = set(_BOX.findall(pdf))
    assert [float(each) for each in box] == pytest.approx([A5_WIDTH, A5_HEIGHT], abs=1)


def test_form_fits_a_phone(page: Page, service: Service, serial: str) -> None:
    set_screen(page.browser, 390, 844, phone=True)
    sign_in(page, service.doors, "counter", staff_account(service, "counter", "form-phone"))
    page.browser.get(f"{service.doors}/counter/form/{serial}")
    width = page.browser.execute_script("return document.documentElement.scrollWidth")
    page.browser.delete_all_cookies()
    assert width <= 390
