"""Headless Chromium with an empty profile."""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars",
)  # fmt: skip


@contextmanager
def chromium(profile: Path, languages: str = "zh-CN,zh") -> Iterator[webdriver.Chrome]:
    """Run Chromium while the block runs. Raises: SystemExit without one, never a skip."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        raise SystemExit("chromium and chromedriver are missing: tools/install_test_packages")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--accept-lang={languages}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def set_screen(browser: webdriver.Chrome, width: int, height: int, *, phone: bool = False) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def screenshot(browser: webdriver.Chrome, *, whole: bool = False) -> bytes:
    """Return a PNG of the screen, or of the whole page."""
    options = {"format": "png", "captureBeyondViewport": whole}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", options)
    return base64.b64decode(shot["data"])
