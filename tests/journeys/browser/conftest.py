"""The phone page in real Chromium, on a service of its own."""

import base64
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.phones import Phones
from tests.support.product import Running

SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars",
)  # fmt: skip


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`make run` in a folder of its own, speaking ten times as fast as people do."""
    running = Running(tmp_path_factory.mktemp("browser") / "data", {"NETWORK_SPEECH": "0.1"})
    running.demo()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One Chromium with an empty profile; no Chromium is a failure, never a skip."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program, "chromium is not installed: `make test` installs it"
    assert driver, "chromedriver is not installed: `make test` installs it"
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


@dataclass
class Page:
    """The page with all phones, as somebody sees it."""

    browser: webdriver.Chrome

    def until(self, check: Callable[[], object], what: str, seconds: float = 10) -> None:
        """Wait for something to be seen."""
        WebDriverWait(self.browser, seconds, 0.05).until(
            lambda _: check(), f"not within {seconds:g} s: {what}"
        )

    def opens(self, address: str = "") -> None:
        """Open the page, or open it anew, and wait for its history to be drawn."""
        if address:
            self.browser.get(address)
        else:
            self.browser.refresh()
        self.until(
            lambda: self.find("body").get_attribute("data-ready") == "yes", "the page to be ready"
        )

    def part(self, number: str, role: str) -> WebElement:
        """A part of one phone."""
        return self.find(f'[data-phone="{number}"] [data-role="{role}"]')

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def click(self, number: str, role: str) -> None:
        """Press a button of one phone, wherever on the page that phone stands."""

        def pressed() -> bool:
            # What an event draws anew between our look and our press is looked for again.
            try:
                self.reach(number, role).click()
            except (NoSuchElementException, StaleElementReferenceException):
                return False
            return True

        self.until(pressed, f"{role} of {number} to be there to press")

    def reach(self, number: str, role: str) -> WebElement:
        """A part of one phone, brought into sight."""
        part = self.part(number, role)
        self.browser.execute_script(
            "arguments[0].scrollIntoView({block: 'center', inline: 'center'})", part
        )
        return part

    def turns_to(self, number: str, peer: str) -> None:
        """Open a thread. Its button is drawn anew with every event, so it is pressed in one go.

        A text on its way opens its own thread once more, so one press may not be enough.
        """
        selector = f'[data-phone="{number}"] [data-role="peers"] [data-peer="{peer}"]'
        press = "document.querySelector(arguments[0])?.click()"

        def turned() -> bool:
            self.browser.execute_script(press, selector)
            return self.part(number, "thread").get_attribute("data-peer") == peer

        self.until(turned, f"the thread with {peer}")

    def shows(self, number: str, role: str, words: str, seconds: float = 10) -> None:
        """Wait until a part of a phone shows some words."""
        part = self.part(number, role)
        self.until(
            lambda: part.is_displayed() and words in part.text,
            f"{words} on {role} of {number}, which shows {part.text!r}",
            seconds,
        )

    def texts(self, number: str, to: str, words: str) -> None:
        """Write a text by hand and send it."""
        for role, what in (("compose-to", to), ("compose-body", words)):
            box = self.reach(number, role)
            box.clear()
            box.send_keys(what)
        self.click(number, "send")

    def as_wide_as(self, width: int, height: int, *, phone: bool = False) -> None:
        """See the page on a screen of this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def keep(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of what is seen, or of the whole page, among what is built."""
        shot = self.browser.execute_cdp_cmd(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole}
        )
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        picture = base64.b64decode(shot["data"])
        assert picture.startswith(b"\x89PNG")
        (SCREENSHOTS / f"{name}.png").write_bytes(picture)


@pytest.fixture(scope="session")
def phones(service: Running) -> Iterator[Phones]:
    """The same phones without a page."""
    phones = Phones(service.network)
    yield phones
    phones.session.close()


@pytest.fixture
def page(service: Running, chromium: webdriver.Chrome) -> Iterator[Page]:
    """The page, freshly opened, with its history drawn."""
    opened = Page(chromium)
    opened.as_wide_as(1280, 1000)
    opened.opens(f"{service.network}/")
    chromium.get_log("browser")
    yield opened
    faults = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert not faults, faults
