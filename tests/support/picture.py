"""`make picture`: draw docs/phones.png from a running demo, a flash over one of its phones."""

import argparse
import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

T = TypeVar("T")

_SENDER, _RECIPIENT, _CALLER = "13802880000", "13957112345", "13802880086"
_SHOWN = (_SENDER, _RECIPIENT, _CALLER)

#: Each text of the sender, and the words that its page shows before the next one goes out.
_STORY = (
    ("7500", "KTDXHZ", "回复“是”确认"),
    ("7500", "是", "短信回执已开通"),
    (_RECIPIENT, "晚上一起吃饭吗?", "成功送达"),
)

#: Only three of the phones, at their full width.
_STYLE = (
    f".phone:not({', '.join(f'[data-phone=_{each}_]' for each in _SHOWN)}) {{ display: none }}"
    ".phones { grid-template-columns: repeat(3, 300px); justify-content: center }"
    ".phones { gap: 80px; padding-top: 40px } .shell { background: #1a2029; box-shadow: none }"
    ".top, .desk, .about { display: none } .caption { min-height: 60px }"
).replace("_", "'")
_WIDTH, _HEIGHT = 1280, 740
_MAX_BYTES = 200_000
_TIMEOUT_SECONDS = 60
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--mute-audio", "--hide-scrollbars",
)  # fmt: skip


def wait_for(check: Callable[[], T], condition: str) -> T:
    """Return the first true result of a check. Raises TimeoutError naming the condition."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not (found := check()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {_TIMEOUT_SECONDS} s: {condition}")
        time.sleep(0.1)
    return found


def free_ports() -> int:
    """Return a free port whose successor is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second, suppress(OSError):
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            second.bind(("127.0.0.1", port + 1))
            return port


def answers(url: str) -> bool:
    """Return whether an address answers with success."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False


@contextmanager
def running_demo() -> Iterator[str]:
    """Run a demo in an empty folder; yield the address of its phones."""
    port = free_ports()
    environ = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    with tempfile.TemporaryDirectory() as folder:
        demo = subprocess.Popen(
            [Path(sys.executable).parent / "sms-receipt", "demo", "--port", str(port)],
            env=environ | {"DATA_DIR": folder, "NETWORK_SPEECH": "0.1"},
            stdout=subprocess.DEVNULL,
        )
        try:
            phones = f"http://127.0.0.1:{port + 1}"
            for url in (f"http://127.0.0.1:{port}/readyz", f"{phones}/healthz"):
                wait_for(lambda url=url: answers(url), f"an answer of {url}")
            yield phones
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(_TIMEOUT_SECONDS)


@contextmanager
def open_page(address: str) -> Iterator[webdriver.Chrome]:
    """Open a page in headless Chromium with an empty profile. Raises SystemExit without one."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        raise SystemExit("chromium and chromedriver are missing: tools/install_test_packages")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=Service(driver))
        try:
            size = {"width": _WIDTH, "height": _HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            browser.get(address)
            wait_for(lambda: _run(browser, "return document.body.dataset.ready"), "the page")
            yield browser
        finally:
            browser.quit()


def post(phones: str, path: str, **body: str) -> None:
    """Ask for an action of one phone through the simulated network's JSON API."""
    request = urllib.request.Request(
        f"{phones}/api/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


def draw() -> bytes:
    """Return the picture as PNG: a flash on the sender's phone, a call on another."""
    with running_demo() as phones:
        post(phones, "phones", number=_CALLER)
        with open_page(phones) as browser:
            return play(phones, browser)


def play(phones: str, browser: webdriver.Chrome) -> bytes:
    """Call, order the service and text a friend; return the picture once the flash is seen."""
    # The page's content security policy refuses a style element.
    sheet = f"const sheet = new CSSStyleSheet(); sheet.replaceSync(`{_STYLE}`);"
    _run(browser, f"{sheet} document.adoptedStyleSheets = [sheet]")
    _click(browser, _CALLER, '[data-role="tab-calling"]')
    _click(browser, _CALLER, '[data-role="dial"]')
    listening = f"""document.querySelector('[data-phone="{_CALLER}"] [data-state="listening"]')"""
    wait_for(lambda: _run(browser, f"return {listening}"), "a menu that listens")
    _click(browser, _CALLER, '[data-role="key-1"]')
    for to, body, expected in _STORY:
        post(phones, f"phones/{_SENDER}/texts", to=to, body=body)
        wait_for(lambda words=expected: words in _text_of(browser, _SENDER), expected)
    _click(browser, _RECIPIENT, f'[data-peer="{_SENDER}"]')
    time.sleep(1)  # the flash fades in
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    return base64.b64decode(shot["data"])


def _text_of(browser: webdriver.Chrome, number: str) -> str:
    return _run(browser, f"""return document.querySelector('[data-phone="{number}"]')?.innerText""")


def _click(browser: webdriver.Chrome, number: str, part: str) -> None:
    _run(browser, f"""document.querySelector('[data-phone="{number}"] {part}').click()""")


def _run(browser: webdriver.Chrome, script: str) -> str:
    return browser.execute_script(script) or ""


def main() -> None:
    """Write the picture to a file. Raises SystemExit when it is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/phones.png"))
    out: Path = parser.parse_args().out
    picture = draw()
    if len(picture) > _MAX_BYTES:
        raise SystemExit(f"{len(picture):,} bytes: more than {_MAX_BYTES:,}")
    out.write_bytes(picture)


if __name__ == "__main__":
    main()
