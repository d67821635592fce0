"""`make picture`: draw docs/phones.png from a running demo, a flash over one of its phones."""

import argparse
import tempfile
import time
from pathlib import Path

from selenium import webdriver

from tests.support.chromium import chromium, screenshot, set_screen
from tests.support.phones import Phones
from tests.support.product import Service, until

_SENDER, _RECIPIENT, _CALLER = "13802880000", "13957112345", "13802880086"
_SHOWN = (_SENDER, _RECIPIENT, _CALLER)

#: Each text of the sender, and the words that its page shows before the next one goes out.
_STORY = (
    ("7500", "KTDXHZ", "回复“是”确认"),
    ("7500", "是", "短信回执已开通"),
    (_RECIPIENT, "晚上一起吃饭吗?", "短信已"),
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


def draw() -> bytes:
    """Return the picture as PNG: a flash on the sender's phone, a call on another."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder) / "data", {"NETWORK_SPEECH": "0.1"})
        with (
            service.running_demo(),
            Phones(service.network) as phones,
            chromium(Path(folder) / "profile") as browser,
        ):
            phones.post("phones", number=_CALLER)
            set_screen(browser, _WIDTH, _HEIGHT)
            browser.get(service.network)
            until(
                lambda: _run(browser, "return document.body.dataset.ready"),
                _TIMEOUT_SECONDS, "the page",
            )  # fmt: skip
            return play(phones, browser)


def play(phones: Phones, browser: webdriver.Chrome) -> bytes:
    """Call, order the service and text a friend; return the picture once the flash is seen."""
    # The page's content security policy refuses a style element.
    sheet = f"const sheet = new CSSStyleSheet(); sheet.replaceSync(`{_STYLE}`);"
    _run(browser, f"{sheet} document.adoptedStyleSheets = [sheet]")
    _click(browser, _CALLER, '[data-role="tab-calling"]')
    _click(browser, _CALLER, '[data-role="dial"]')
    listening = f"""document.querySelector('[data-phone="{_CALLER}"] [data-state="listening"]')"""
    until(lambda: _run(browser, f"return {listening}"), _TIMEOUT_SECONDS, "a menu that listens")
    _click(browser, _CALLER, '[data-role="key-1"]')
    for to, body, words in _STORY:
        phones.post(f"phones/{_SENDER}/texts", to=to, body=body)
        until(lambda words=words: words in _text_of(browser, _SENDER), _TIMEOUT_SECONDS, words)
    _click(browser, _RECIPIENT, f'[data-peer="{_SENDER}"]')
    time.sleep(1)  # the flash fades in
    return screenshot(browser)


def _text_of(browser: webdriver.Chrome, number: str) -> str:
    return _run(browser, f"""return document.querySelector('[data-phone="{number}"]')?.innerText""")


def _click(browser: webdriver.Chrome, number: str, part: str) -> None:
    _run(browser, f"""document.querySelector('[data-phone="{number}"] {part}').click()""")


def _run(browser: webdriver.Chrome, script: str) -> str:
    return browser.execute_script(script) or ""


def main() -> None:
    """Write the picture to a file. Raises: SystemExit when it is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/phones.png"))
    out: Path = parser.parse_args().out
    picture = draw()
    if len(picture) > _MAX_BYTES:
        raise SystemExit(f"{len(picture):,} bytes: more than {_MAX_BYTES:,}")
    out.write_bytes(picture)


if __name__ == "__main__":
    main()
