"""The phone page in real Chromium, on a service of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.journeys.browser.page_checks import PageChecks
from tests.support.chromium import chromium as running_chromium
from tests.support.chromium import screenshot, set_screen
from tests.support.phones import Phones
from tests.support.product import Service

SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`make run` in a folder of its own, with speech at ten times the normal speed."""
    folder = tmp_path_factory.mktemp("browser") / "data"
    with Service(folder, {"NETWORK_SPEECH": "0.1"}).running_demo() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with running_chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@dataclass
class Page:
    browser: webdriver.Chrome

    def until(self, check: Callable[[], object], what: str, seconds: float = 30) -> None:
        WebDriverWait(self.browser, seconds, 0.05).until(
            lambda _: check(), f"not within {seconds:g} s: {what}"
        )

    def opens(self, address: str = "") -> None:
        """Open or reload the page; return when its history is drawn."""
        if address:
            self.browser.get(address)
        else:
            self.browser.refresh()
        self.until(
            lambda: self.find("body").get_attribute("data-ready") == "yes", "the page to be ready"
        )

    def part(self, number: str, role: str) -> WebElement:
        return self.find(f'[data-phone="{number}"] [data-role="{role}"]')

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def click(self, number: str, role: str) -> None:
        """Press a part of a phone, scrolled into view as for a person."""

        def pressed() -> bool:
            # An event may redraw the part before the click.
            try:
                self.reach(number, role).click()
            except (NoSuchElementException, StaleElementReferenceException):
                return False
            return True

        self.until(pressed, f"{role} of {number} to be there to press")

    def reach(self, number: str, role: str) -> WebElement:
        part = self.part(number, role)
        self.browser.execute_script(
            "arguments[0].scrollIntoView({block: 'center', inline: 'center'})", part
        )
        return part

    def turns_to(self, number: str, peer: str) -> None:
        """Open a thread; repeated, since an arriving text opens its own thread."""
        selector = f'[data-phone="{number}"] [data-role="peers"] [data-peer="{peer}"]'
        press = "document.querySelector(arguments[0])?.click()"

        def turned() -> bool:
            # Each event redraws the button: find and press it in one script.
            self.browser.execute_script(press, selector)
            return self.part(number, "thread").get_attribute("data-peer") == peer

        self.until(turned, f"the thread with {peer}")

    def shows(self, number: str, role: str, words: str, seconds: float = 30) -> None:
        part = self.part(number, role)
        self.until(
            lambda: part.is_displayed() and words in part.text,
            f"{words} on {role} of {number}, which shows {part.text!r}",
            seconds,
        )

    def shows_in(self, selector: str, words: str) -> None:
        """Wait for words in a part that belongs to no phone."""
        self.until(
            lambda: words in self.find(selector).text,
            f"{words} in {selector}, which shows {self.find(selector).text!r}",
        )

    def hides(self, number: str, role: str) -> None:
        self.until(lambda: not self.part(number, role).is_displayed(), f"no {role} of {number}")

    def follows(self, selector: str) -> None:
        """Press a link or a button, and wait for the page that it leads to."""
        pressed, before = self.find(selector), self.find("html")
        pressed.click()
        self.until(lambda: self.find("html") != before, f"the page of {selector}")

    def texts(self, number: str, to: str, words: str) -> None:
        for role, what in (("compose-to", to), ("compose-body", words)):
            box = self.reach(number, role)
            box.clear()
            box.send_keys(what)
        self.click(number, "send")

    def as_wide_as(self, width: int, height: int, *, phone: bool = False) -> None:
        set_screen(self.browser, width, height, phone=phone)

    def keep(self, name: str, *, whole: bool = False) -> None:
        """Save a picture of the screen, or of the whole page, under build/screenshots."""
        picture = screenshot(self.browser, whole=whole)
        assert picture.startswith(b"\x89PNG")
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / f"{name}.png").write_bytes(picture)


@pytest.fixture(scope="session")
def phones(service: Service) -> Iterator[Phones]:
    """The same phones without a page."""
    with Phones(service.network) as opened:
        yield opened


@pytest.fixture
def page(service: Service, chromium: webdriver.Chrome) -> Iterator[Page]:
    """The page, freshly opened, with its history drawn."""
    opened = Page(chromium)
    opened.as_wide_as(1280, 1000)
    opened.opens(f"{service.network}/")
    chromium.get_log("browser")
    yield opened
    errors = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert not errors, errors


@pytest.fixture
def checks(service: Service, chromium: webdriver.Chrome) -> Iterator[PageChecks]:
    """Checks of the service's pages, with empty cookies and no cache."""
    chromium.execute_cdp_cmd("Network.enable", {})
    chromium.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    yield PageChecks(chromium, f"http://127.0.0.1:{service.port}")
    chromium.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
    chromium.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
    set_screen(chromium, 1280, 1000)


@pytest.fixture
def scriptless(page: Page, chromium: webdriver.Chrome) -> Iterator[None]:
    """Pages that are opened from now on run no script of theirs."""
    del page
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    yield
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
