"""The portal in a browser, below a path that a reverse proxy takes off."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.journeys.browser.conftest import Page
from tests.journeys.browser.test_portal import in_language, press, reads, wish
from tests.support.phones import Phone, Phones
from tests.support.product import Service, free_port, two_free_ports
from tests.support.proxy import Proxy, running_proxy

pytestmark = pytest.mark.browser

PREFIX = "/receipts"


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with running_proxy(free_port(), two_free_ports(), PREFIX) as running:
        yield running


@pytest.fixture(scope="module")
def service(proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The demo behind the proxy, which providers and browsers call."""
    addresses = {"PUBLIC_URL": proxy.url, "DOORS_URL": proxy.url}
    folder = tmp_path_factory.mktemp("below") / "data"
    with Service(folder, addresses, port=proxy.behind).running_demo() as running:
        yield running


@pytest.fixture(scope="module")
def phones(service: Service) -> Iterator[Phones]:
    with Phones(service.network) as opened:
        yield opened


def addresses(page: Page) -> list[str]:
    """Every address of the page but the trial's phones: links, forms, style sheets, icons."""
    own = "[href]:not([data-role=phones]), form"
    found = f"return [...document.querySelectorAll('{own}')].map((e) => e.href || e.action)"
    listed: list[str] = page.browser.execute_script(found)
    return listed


def signs_in(page: Page, phone: Phone, proxy: Proxy) -> None:
    page.browser.execute_cdp_cmd("Network.clearBrowserCookies", {})
    page.browser.get(f"{proxy.url}/hall")
    assert page.browser.current_url == f"{proxy.url}/hall/sign-in"
    in_language(page, "zh")
    page.find("#number").send_keys(phone.number)
    press(page, "main button")
    code = re.match("[0-9]{6}", phone.inbox("7500")["body"])
    assert code
    page.find("#code").send_keys(code[0])
    press(page, "main button")
    reads(page, "未开通")


def test_cookie_redirects_and_forms_stay_below_the_path(page: Page, phones: Phones, proxy: Proxy):
    signs_in(page, phones.fresh(), proxy)
    cookies = {cookie["name"]: cookie["path"] for cookie in page.browser.get_cookies()}
    assert cookies == {"hall": f"{PREFIX}/hall"}
    press(page, '[data-role="open"]')
    wish(page, "open")
    wish(page, "yes")
    reads(page, "短信回执已开通")
    press(page, '[data-role="cancel"]')
    wish(page, "cancel")
    press(page, '[data-role="sign-out"]')
    assert page.find("#number")
    page.browser.get(f"{proxy.url}/hall/receipts")
    assert page.browser.current_url == f"{proxy.url}/hall/sign-in"
    beyond = {path for path in proxy.asked if not path.startswith(f"{PREFIX}/")}
    assert beyond <= {"/favicon.ico"}


def test_links_and_style_sheet_stay_below_the_path(page: Page, phones: Phones, proxy: Proxy):
    phone = phones.fresh()
    signs_in(page, phone, proxy)
    phone.opens()
    phone.text("13957112345", "hi")
    phone.flash()
    for name, shown in (
        ("receipts", "13957112345"),
        ("charges", "月功能费"),
        ("services", "使用中"),
    ):
        press(page, f'nav a[href="{PREFIX}/hall/{name}"]')
        reads(page, shown)
        assert all(urlsplit(each).path.startswith(f"{PREFIX}/hall") for each in addresses(page))
    # The style sheet is there: without it, a link would be underlined.
    assert page.find("nav a").value_of_css_property("text-decoration-line") == "none"
