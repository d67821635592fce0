"""Every page of the table of routes: accessible, small, quiet, and of this origin alone."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.journeys.browser.conftest import Page
from tests.journeys.browser.page_checks import PageChecks, areas, pages_below
from tests.journeys.browser.staff_areas import STAFF, open_records, prepare, sign_in, staff_account
from tests.support.phones import Phone, Phones
from tests.support.product import Service, until

pytestmark = pytest.mark.browser

ZHEJIANG = "13957112345"


def a_customer(phones: Phones) -> Phone:
    """A subscriber with receipts, charges and a failed text."""
    phone = phones.fresh().opens()
    for friend in (ZHEJIANG, "13957110001"):
        phone.text(friend, "hi")
        phone.wait(lambda event: event["kind"] == "flash", 20, "a receipt")
    phones.post(f"phones/{phone.number}/flash/dismiss")
    return phone


def test_pages_of_the_phones(page: Page, checks: PageChecks, service: Service, phones: Phones):
    a_customer(phones)
    checks.origin = service.network
    for language in ("zh", "en"):
        page.browser.get(service.network)
        page.browser.execute_script("localStorage.language = arguments[0]", language)
        checks.language = language
        checks.check("/", ready="yes")
    page.browser.execute_script("localStorage.clear()")
    assert not checks.report(), checks.report()


def test_flash_and_call_of_the_phones(
    page: Page, checks: PageChecks, service: Service, phones: Phones
):
    """The page while a flash covers one phone and another shows its keypad."""
    customer = a_customer(phones)
    checks.origin, checks.language = service.network, "zh"
    page.click(ZHEJIANG, "tab-calling")
    customer.text(ZHEJIANG, "again")
    page.shows(customer.number, "flash", "已送达")
    checks.check_here("with a flash")
    page.click(customer.number, "flash-dismiss")
    assert not checks.report(), checks.report()


def test_checks_find_what_is_wrong(page: Page, checks: PageChecks, service: Service):
    checks.origin, checks.language = service.network, "zh"
    page.browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<button></button><p id=pale>pale</p>');"
        "const sheet = new CSSStyleSheet(); document.adoptedStyleSheets = [sheet];"
        "sheet.replaceSync('#pale { color: #ccc; background: #fff; width: 2000px }"
        " button:last-of-type { min-height: 9px; height: 9px; padding: 0 }')"
    )
    checks.check_here("spoilt")
    found = "\n".join(checks.problems)
    for words in ("color-contrast", "button-name", "lower than 44 px", "scrolls sideways"):
        assert words in found
    page.browser.execute_script("new Image().src = 'http://127.0.0.1:9/x.png'; console.error('no')")
    checks.language = "en"
    checks.check_traffic("spoilt")
    found = "\n".join(checks.problems)
    for words in ("asks http://127.0.0.1:9", "SEVERE", "Content Security Policy"):
        assert words in found, found
    checks.check("/", ready="yes")
    assert "its language is zh-CN" in "\n".join(checks.problems)


def sign_in_to_hall(checks: PageChecks, page: Page, phone: Phone) -> None:
    checks.browser.get(f"{checks.origin}/hall/sign-in")
    page.find("#number").send_keys(phone.number)
    page.follows("main button")
    found = re.match("[0-9]{6}", phone.inbox("7500")["body"])
    assert found
    page.find("#code").send_keys(found[0])
    page.follows("main button")


def check_all(checks: PageChecks, paths: Iterable[str]) -> set[str]:
    """Check the pages that open for this visitor; the paths that do not.

    A path with variable parts is that of the first link of its shape, on the pages before it.
    """
    unseen = set()
    for path in sorted(paths, key=lambda path: (path.count("<"), path)):
        # A page may also need a query, as one receipt its id.
        addresses = (EXAMPLES.get(path, path), checks.linked(path))
        address = next((each for each in addresses if each and opens(checks, each)), None)
        if address is None:
            unseen.add(path)
        elif checks.opens_as(address)[2] == "text/html":
            checks.check(address)
    return unseen


def opens(checks: PageChecks, address: str) -> bool:
    if "<" in address:
        return False
    status, at, _ = checks.opens_as(address)
    return status == HTTPStatus.OK and at == address.partition("?")[0]


#: Addresses of pages that no other page links to while a service has few records.
EXAMPLES = {"/console/stuck/list/<name>": "/console/stuck/list/failed"}
#: Addresses that only take forms, where a page with a variable part has their shape, and files.
FORMS = {"/console/staff/add", "/counter/bulk/upload", "/console/audit/file"}


def test_pages_of_the_hall(page: Page, checks: PageChecks, phones: Phones):
    paths, missing = pages_below("hall"), []
    assert {"/hall/", "/hall/sign-in", "/hall/receipts"} <= set(paths)
    for language, word in (("zh", "ZH"), ("en", "EN")):
        checks.speak(language)
        checks.browser.delete_all_cookies()
        unseen = check_all(checks, paths)
        checks.check("/hall/nothing-here", status=404)
        new = phones.fresh()
        new.asks(word)
        sign_in_to_hall(checks, page, new)
        unseen &= check_all(checks, unseen)
        assert "48" in new.asks("SUBSCRIBE" if language == "en" else "开通短信回执")
        unseen &= check_all(checks, {"/hall/", *unseen})
        checks.browser.delete_all_cookies()
        customer = a_customer(phones)
        customer.asks(word)
        sign_in_to_hall(checks, page, customer)
        unseen &= check_all(checks, {"/hall/", *unseen})
        missing += unseen
    assert not checks.report(), checks.report()
    assert missing == ["/hall/code"] * 2, "pages that no visitor of this test has seen"


def states(phones: Phones, customer: Phone) -> set[str]:
    return {message["status"] for message in phones.sent_to(customer.number)}


@pytest.mark.parametrize("area", [area for area in areas() if area != "hall"])
def test_pages_of_the_staff(
    page: Page, checks: PageChecks, phones: Phones, service: Service, area: str, tmp_path: Path
):  # fmt: skip
    customer = a_customer(phones)
    # A receipt that fails: its phone is off before it comes.
    customer.text("13957110001", "hi")
    phones.post(f"phones/{customer.number}/power", on=False)
    until(lambda: "undelivered" in states(phones, customer), why="a failed receipt")
    prepare(service)
    name, paths = staff_account(service, area), pages_below(area)
    for language in ("zh", "en"):
        checks.speak(language)
        checks.browser.delete_all_cookies()
        unseen = check_all(checks, paths)
        sign_in(page, checks.origin, area, name)
        checks.links.add(open_records(page, area, customer.number, tmp_path))
        unseen &= check_all(checks, unseen)
        checks.check(f"/{area}/nothing-here", status=404)
        # The page of the second factor, for accounts with a phone. test_counter.py has the visits.
        rest = {path for path in unseen if path.startswith(("/counter/visit/", "/counter/form/"))}
        assert unseen - rest - FORMS == {f"/{area}/code"}, "pages that were not seen"
    assert not checks.report(), checks.report()


@pytest.mark.usefixtures("scriptless")
@pytest.mark.parametrize("area", STAFF)
def test_staff_sign_in_and_out_without_scripts(
    page: Page, checks: PageChecks, service: Service, area: str
):
    checks.speak("en")
    sign_in(page, checks.origin, area, staff_account(service, area, "scriptless"))
    assert page.find('[data-role="sign-out"]').is_displayed()
    page.follows('[data-role="sign-out"]')
    assert page.find("#password").is_displayed()
