"""`make picture`: draw docs/*.png from a running demo, after a short story on its phones."""

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By

from app.demo.settings_file import read_saved
from app.demo.staff_accounts import PASSWORD_SETTINGS
from receipts.model.staff import Role
from tests.support.chromium import chromium, screenshot, set_screen
from tests.support.phones import Phones
from tests.support.product import Service, until

_SENDER, _CALLER, _RECIPIENT = "13802880000", "13957112345", "13844012345"
#: Ends of numbers to which texts fail, are refused or come late.
_FRIENDS = ("13957110001", "13957110003", "13957110005", "13957118888")
_WIDTH, _HEIGHT = 1280, 800
_MAX_BYTES = 200_000
_TIMEOUT_SECONDS = 60


#: Without gradients and shadows, which take most of a picture's bytes.
_PLAIN = (
    ".shell, .flash { background: #12202f !important; box-shadow: none !important }"
    ".screen { height: 540px !important } .phones { grid-template-columns: repeat(3, 300px) }"
    ".phones { justify-content: space-around } [data-phone]:nth-of-type(n+4) { display: none }"
)


@dataclass
class Stage:
    """A running demo, its phones, and a browser before it."""

    service: Service
    phones: Phones
    browser: webdriver.Chrome

    def run(self, script: str, *given: str) -> str:
        return self.browser.execute_script(script, *given) or ""

    def click(self, selector: str) -> None:
        until(lambda: self.browser.find_elements(By.CSS_SELECTOR, selector), why=selector)
        self.run("document.querySelector(arguments[0]).click()", selector)

    def shows(self, selector: str, words: str) -> None:
        text = "return document.querySelector(arguments[0])?.innerText"
        until(lambda: words in self.run(text, selector), _TIMEOUT_SECONDS, f"{words} in {selector}")

    def opens(self, path: str) -> None:
        self.browser.get(f"http://127.0.0.1:{self.service.port}{path}")

    def types(self, **fields: str) -> None:
        """Fill in fields by name, and send their form by its last button."""
        for name, typed in fields.items():
            box = self.browser.find_element(By.NAME, name)
            box.clear()
            box.send_keys(typed)
        self.browser.find_element(
            By.CSS_SELECTOR, "main form button.main, main form button"
        ).click()

    def signs_in(self, area: str, role: Role) -> None:
        """Sign in as the demo's account of a role."""
        self.opens(f"/{area}/sign-in")
        password = read_saved(self.service.folder / "demo.env")[PASSWORD_SETTINGS[role]]
        shop = {"shop": "Tianhe"} if area == "counter" else {}
        self.types(name=role.value, password=password, **shop)


def tell_story(stage: Stage) -> None:
    """A subscriber texts friends, another calls: the flash comes last."""
    stage.browser.get(stage.service.network)
    stage.shows('[data-role="trial"]', "业务时间")
    sender = stage.phones.standing(_SENDER)
    sender.asks("KTDXHZ")
    sender.asks("是")
    for friend in _FRIENDS:
        sender.text(friend, "晚上一起吃饭吗？")
        time.sleep(1)
    stage.click(f'[data-phone="{_CALLER}"] [data-role="tab-calling"]')
    stage.click(f'[data-phone="{_CALLER}"] [data-role="dial"]')
    stage.shows(f'[data-phone="{_CALLER}"] [data-role="call-state"]', "请按键")
    stage.click(f'[data-phone="{_SENDER}"] [data-role="flash-dismiss"]')
    sender.text(_RECIPIENT, "晚上一起吃饭吗？")


def draw_phones(stage: Stage) -> None:
    """A receipt flashes on one phone; the friend's shows the text, a third calls 10086."""
    tell_story(stage)
    stage.shows(f'[data-phone="{_SENDER}"] [data-role="flash-body"]', _RECIPIENT)
    stage.shows(f'[data-phone="{_SENDER}"] [data-role="state"]', "使用中")
    set_screen(stage.browser, 1060, 1060)
    # The page's content security policy refuses a style element.
    sheet = "const sheet = new CSSStyleSheet(); sheet.replaceSync(arguments[0]);"
    stage.run(f"{sheet} document.adoptedStyleSheets = [sheet]; scrollTo(0, 0)", _PLAIN)
    time.sleep(1)  # the flash fades in


def draw_journey(stage: Stage) -> None:
    """One text on the console, from its reports to its charge."""
    stage.signs_in("console", Role.OPERATOR)
    sent = [e["id"] for e in stage.phones.standing(_SENDER).events() if e.get("peer") == _RECIPIENT]
    stage.opens(f"/console/journey?id={sent[0]}")
    set_screen(stage.browser, _WIDTH, 1000)


def draw_today(stage: Stage) -> None:
    """The figures of the day on the console."""
    stage.opens("/console/")
    set_screen(stage.browser, _WIDTH, 1000)


def draw_counter(stage: Stage) -> None:
    """A customer at the counter."""
    stage.signs_in("counter", Role.CLERK)


def draw_portal(stage: Stage) -> None:
    """A customer's receipts on the portal."""
    stage.opens("/hall/sign-in")
    stage.types(number=_SENDER)
    until(lambda: "code" in stage.browser.current_url, why="the page of the code")
    codes = until(lambda: passcodes(stage), why="the code")
    stage.types(code=codes[-1])
    stage.shows("main", "使用中")
    stage.opens("/hall/receipts")


def passcodes(stage: Stage) -> list[str]:
    events = stage.phones.standing(_SENDER).events()
    texts = [e["body"] for e in events if e["kind"] in {"text", "flash"} and e.get("body")]
    return [found[0] for text in texts if (found := re.match("[0-9]{6}", text))]


#: Each picture stands on the story of the first.
_IN_README = ("phones", "journey", "today")
PICTURES: dict[str, Callable[[Stage], None]] = {
    "phones": draw_phones,
    "journey": draw_journey,
    "today": draw_today,
    "counter": draw_counter,
    "portal": draw_portal,
}


def draw(folder: Path, names: tuple[str, ...]) -> None:
    """Write pictures. Raises: SystemExit when one is too large."""
    with tempfile.TemporaryDirectory() as temporary:
        service = Service(Path(temporary) / "data", {"NETWORK_SPEECH": "0.1"})
        with (
            service.running_demo(),
            Phones(service.network) as phones,
            chromium(Path(temporary) / "profile") as browser,
        ):
            stage = Stage(service, phones, browser)
            for name in names:
                set_screen(browser, _WIDTH, _HEIGHT)
                PICTURES[name](stage)
                picture = screenshot(browser)
                if len(picture) > _MAX_BYTES:
                    raise SystemExit(f"{name}: {len(picture):,} bytes, more than {_MAX_BYTES:,}")
                (folder / f"{name}.png").write_bytes(picture)


def main() -> None:
    """Draw into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="a folder")
    parser.add_argument(
        "--all", action="store_true", help="also those that README.md does not show"
    )
    given = parser.parse_args()
    draw(given.out, tuple(PICTURES) if given.all else _IN_README)


if __name__ == "__main__":
    main()
