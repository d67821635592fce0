"""The customer portal in a browser: sign in, subscribe, lists, cancel."""

import re

import pytest
from selenium.webdriver.common.by import By

from tests.journeys.browser.conftest import Page
from tests.support.phones import Phone, Phones
from tests.support.product import Service

pytestmark = pytest.mark.browser


def press(page: Page, selector: str) -> None:
    pressed = page.find(selector)
    before = page.find("html")
    pressed.click()
    page.until(lambda: page.find("html") != before, f"the page of {selector}")


def wish(page: Page, name: str) -> None:
    press(page, f'main form:has(input[value="{name}"]) button')


def reads(page: Page, words: str) -> None:
    assert words in page.find("body").text


#: Heights of all targets but those within a sentence, and radio buttons, whose label is one.
HEIGHTS = """
return [...document.querySelectorAll('a, button, select, summary, label:has(input), input')]
  .filter((e) => e.offsetParent && getComputedStyle(e).display !== 'inline')
  .filter((e) => !['hidden', 'radio'].includes(e.type))
  .map((e) => [e.getBoundingClientRect().height, e.outerHTML.slice(0, 80)])
"""

MOST_BYTES = 150_000


def keep(page: Page, name: str) -> None:
    """Save pictures at two widths in both colour schemes, each without horizontal scrolling."""
    wide = "return [...document.querySelectorAll('html, .tabs')].map((e) => e.scrollWidth)"
    for width, height in ((1280, 800), (390, 844)):
        page.as_wide_as(width, height, phone=width < 500)
        for scheme in ("dark", "light"):
            in_scheme(page, scheme)
            page.keep(f"hall-{name}-{width}-{scheme}", whole=True)
        assert max(page.browser.execute_script(wide)) <= width, f"{name} at {width}"
    small = [each for each in page.browser.execute_script(HEIGHTS) if each[0] < 43.9]
    assert not small, f"{name}: {small}"
    assert len(page.browser.page_source.encode()) < MOST_BYTES
    page.as_wide_as(1280, 1000)


def in_language(page: Page, language: str) -> None:
    """Switch a visitor's page to a language unless it is in it."""
    if page.find("html").get_attribute("lang")[:2] != language:
        press(page, f'.who button[value="{language}"]')


def in_scheme(page: Page, scheme: str) -> None:
    """Show the page as to a person who prefers this colour scheme."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def signs_in(page: Page, phone: Phone, *, pictures: bool = False) -> None:
    """Sign in by the link on the phone page and the passcode on the phone."""
    page.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    press(page, '[data-role="hall"]')
    in_language(page, "zh")
    if pictures:
        keep(page, "sign-in")
    page.find("#number").send_keys(phone.number)
    press(page, "main button")
    if pictures:
        keep(page, "code")
    body = phone.inbox("7500")["body"]
    code = re.match("[0-9]{6}", body)
    assert code, body
    page.find("#code").send_keys(code[0])
    press(page, "main button")


def test_customer_signs_in_with_a_passcode_and_subscribes(page: Page, phones: Phones):
    phone = phones.fresh()
    signs_in(page, phone, pictures=True)
    reads(page, "未开通")
    keep(page, "new")
    press(page, '[data-role="open"]')
    reads(page, "每月1元")
    keep(page, "open")
    wish(page, "open")
    reads(page, "请再次确认")
    keep(page, "confirm")
    wish(page, "yes")
    reads(page, "短信回执已开通")
    keep(page, "active")
    assert "开通短信回执" in phone.inbox("7500")["body"]


def test_code_page_counts_down_and_then_offers_a_new_code(page: Page, phones: Phones):
    page.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    press(page, '[data-role="hall"]')
    english = page.find("html").get_attribute("lang") == "en"
    page.find("#number").send_keys(phones.fresh().number)
    press(page, "main button")
    left = "return +getComputedStyle(document.querySelector('.left')).getPropertyValue('--left')"
    first = page.browser.execute_script(left)
    assert 50 < first <= 60
    page.until(lambda: page.browser.execute_script(left) < first, "the seconds to go down")
    again = page.find('[data-role="again"]')
    assert not again.is_displayed()
    page.browser.execute_script("document.getAnimations().forEach((each) => each.finish())")
    page.until(again.is_displayed, "the button to show")
    assert not page.find('[data-role="wait"]').is_displayed()
    press(page, '[data-role="again"]')
    # The service's own minute is not over.
    reads(page, "no new one was sent" if english else "本次没有再发")
    keep(page, "code-refused")


def test_customer_reads_lists_and_cancels(page: Page, phones: Phones, service: Service):
    phone = phones.fresh().opens()
    signs_in(page, phone)
    phone.text("13957112345", "hi")
    phone.flash()
    press(page, 'nav a[href="/hall/receipts"]')
    reads(page, "13957112345")
    reads(page, "已送达")
    keep(page, "receipts")
    searches(page)
    reads_history_and_help(page)
    press(page, 'nav a[href="/hall/charges"]')
    reads(page, "开通当月")
    keep(page, "charges")
    press(page, 'nav a[href="/hall/services"]')
    keep(page, "services")
    press(page, 'nav a[href="/hall/"]')
    page.find('input[value="news"]').click()
    press(page, '[data-role="messages"] button')
    reads(page, "附带新闻")
    keep(page, "messages")
    press(page, '.who form:has(input[value="english"]) button')
    reads(page, "From now on, pages, calls and texts will be in English.")
    keep(page, "english")
    cancels_and_leaves(page, service)


def test_everything_works_without_scripts_in_english_and_dark(page: Page, phones: Phones):
    phone = phones.fresh()
    page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        in_scheme(page, "dark")
        page.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
        page.browser.get(page.find('[data-role="hall"]').get_attribute("href") or "")
        in_language(page, "en")
        page.find("#number").send_keys(phone.number)
        press(page, "main button")
        code = re.match("[0-9]{6}", phone.inbox("7500")["body"])
        assert code
        page.find("#code").send_keys(code[0])
        press(page, "main button")
        press(page, '[data-role="open"]')
        press(page, 'main form:has(input[value="open"]) button')
        press(page, 'main form:has(input[value="yes"]) button')
        reads(page, "You now have SMS Receipt")
        for name, words in (
            ("receipts", "No receipts"),
            ("history", "Requested"),
            ("help", "Help"),
        ):
            press(page, f'nav a[href="/hall/{name}"]')
            reads(page, words)
        background = page.find("body").value_of_css_property("color")
        assert background == "rgba(231, 235, 240, 1)"  # light text on a dark page
    finally:
        in_scheme(page, "light")
        page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def searches(page: Page) -> None:
    page.find("#to").send_keys("2345")
    press(page, "main form button")
    reads(page, "13957112345")
    assert page.find("#to").get_attribute("value") == "2345"
    page.find("#to").clear()
    page.find("#to").send_keys("12")
    press(page, "main form button")
    assert page.find("#to").get_attribute("value") == "12"
    assert page.browser.switch_to.active_element == page.find("#to")
    reads(page, "最后3位以上")
    keep(page, "search-error")
    page.browser.get_log("browser")  # Chromium logs a status of 400 as an error


def reads_history_and_help(page: Page) -> None:
    press(page, 'nav a[href="/hall/history"]')
    reads(page, "确认开通短信回执")
    page.find("summary").click()
    reads(page, "每月1元")
    keep(page, "history")
    press(page, 'nav a[href="/hall/help"]')
    reads(page, "KTDXHZ")
    keep(page, "help")


def cancels_and_leaves(page: Page, service: Service) -> None:
    press(page, '[data-role="cancel"]')
    keep(page, "cancel")
    wish(page, "cancel")
    reads(page, "SMS Receipt is cancelled and runs until")
    keep(page, "ending")
    press(page, '[data-role="sign-out"]')
    page.browser.get(f"{service.doors}/hall/")
    assert page.browser.current_url.endswith("/hall/sign-in")
    assert page.browser.find_elements(By.CSS_SELECTOR, "#number")
    # Logs contain neither passcodes nor numbers; letters beside six digits are of a time or an id.
    assert not re.search(r"\b[0-9]{6}\b|1380288", service.said())
