"""Checks of one page in Chromium: accessibility, errors, requests, weight, size of its targets."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from axe_core_python.selenium import Axe
from selenium import webdriver

from tests.support.chromium import set_screen

ROUTES = Path(__file__).parents[2] / "contracts" / "routes.txt"
MAX_BYTES = 150_000

#: Every pair of width, colour scheme and language comes once.
VIEWS = {
    "zh": (("desktop", "light"), ("phone", "dark")),
    "en": (("phone", "light"), ("desktop", "dark")),
}
_SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
_AXE_OPTIONS = {"resultTypes": ["violations"]}
_SERIOUS = ("serious", "critical")

#: Targets lower than 44 px, without links in a sentence and boxes within a label that is high.
_LOW_TARGETS = """
const low = (e) => { const b = e.getBoundingClientRect(); return b.height > 0 && b.height < 43.5; };
return [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
  .filter((e) => !e.closest('.unseen, .skip') && e.type !== 'hidden' && e.checkVisibility())
  .filter((e) => getComputedStyle(e).display !== 'inline' && low(e))
  .filter((e) => !(e.labels?.length && !low(e.labels[0]) && e.labels[0].contains(e)))
  .map((e) => e.outerHTML.slice(0, 90));
"""


def pages_below(area: str) -> list[str]:
    """The paths of the table of routes that a browser may open below an area, without files."""
    rows = [line.split() for line in ROUTES.read_text().splitlines()[1:]]
    paths = [row[0] for row in rows if "GET" in row[1:3] and row[0].startswith(f"/{area}/")]
    return [path for path in paths if "<path:" not in path and "." not in path.rpartition("/")[2]]


def areas() -> list[str]:
    """The areas of the product that have pages for people: those with a sign-in page."""
    rows = [line.split()[0] for line in ROUTES.read_text().splitlines()[1:]]
    return sorted({row.split("/")[1] for row in rows if row.endswith("/sign-in")})


@dataclass
class PageChecks:
    """Opens pages of one origin, and collects what is wrong with them."""

    browser: webdriver.Chrome
    origin: str
    language: str = "zh"
    problems: list[str] = field(default_factory=list)
    #: The pages that were checked, by title: each page has its own.
    titles: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    #: Addresses that the checked pages link to, without their origin.
    links: set[str] = field(default_factory=set)

    def check(self, path: str, ready: str = "complete", status: int = 200) -> None:
        """Open a page and check it in both views of the present language."""
        # Requests of the page before end here.
        self.browser.get("about:blank")
        self._events()
        self.browser.get_log("browser")
        self.browser.get(self.origin + path)
        where = f"{urlsplit(self.browser.current_url).path} {self.language}"
        self._wait(ready)
        self._check_document(where, path)
        self.check_here(where)
        self.check_traffic(where, status)

    def check_here(self, where: str) -> None:
        """Check the page that is open in both views of the present language."""
        self.browser.execute_script(_AXE.axe_script)
        for width, scheme in VIEWS[self.language]:
            self.show(width, scheme)
            self._check_view(f"{where} {width} {scheme}", width)

    def show(self, width: str, scheme: str) -> None:
        """Give the browser a width and a colour scheme."""
        set_screen(self.browser, *_SIZES[width], phone=width == "phone")
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def speak(self, language: str) -> None:
        """Send this language with each request, as a browser of that language does."""
        self.language = language
        headers = {"Accept-Language": {"zh": "zh-CN,zh;q=0.9", "en": "en-GB,en;q=0.9"}[language]}
        self.browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": headers})

    def opens_as(self, path: str) -> tuple[int, str, str]:
        """Status, path and content type that a request of this browser ends with."""
        cookies = {each["name"]: each["value"] for each in self.browser.get_cookies()}
        answer = requests.get(self.origin + path, cookies=cookies, timeout=20)
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        return answer.status_code, urlsplit(answer.url).path, kind

    def report(self) -> str:
        """What is wrong with the checked pages, a line each; pages must not share a title."""
        shared = (
            f"title {title[1]!r} of {paths}"
            for title, paths in self.titles.items()
            if len(paths) > 1
        )
        return "\n".join((*self.problems, *shared))

    def linked(self, path: str) -> str | None:
        """An address of a checked page's links that has the shape of a route."""
        shape = re.compile(re.sub(r"<[^>]+>", "[^/?]+", path) + r"(?:\?.*)?")
        return next(filter(shape.fullmatch, sorted(self.links)), None)

    def _wait(self, ready: str) -> None:
        if ready != "complete":
            script = "const done = arguments[0]; const look = () =>"
            script += (
                f" document.body.dataset.ready === '{ready}' ? done(1) : setTimeout(look, 20);"
            )
            self.browser.execute_async_script(f"{script} look();")

    def _check_document(self, where: str, path: str) -> None:
        document = self.browser.execute_script(
            "return [document.documentElement.lang, document.title,"
            " document.querySelectorAll('h1').length]"
        )
        language, title, headings = document
        if not language.startswith(self.language):
            self.problems.append(f"{where}: its language is {language}")
        if headings != 1:
            self.problems.append(f"{where}: {headings} headings of the first level")
        self.titles.setdefault((self.language, title), set()).add(path)
        links = self.browser.execute_script("return [...document.links].map((each) => each.href)")
        self.links |= {each.removeprefix(self.origin) for each in links}

    def _check_view(self, where: str, width: str) -> None:
        wide = self.browser.execute_script("return document.documentElement.scrollWidth")
        if wide > _SIZES[width][0]:
            self.problems.append(f"{where}: scrolls sideways, {wide} px")
        for target in self.browser.execute_script(_LOW_TARGETS):
            self.problems.append(f"{where}: lower than 44 px: {target}")
        script = "axe.run(arguments[0]).then(arguments[1])"
        found = self.browser.execute_async_script(script, _AXE_OPTIONS)["violations"]
        for each in found:
            if each["impact"] in _SERIOUS:
                nodes = "; ".join(node["html"][:120] for node in each["nodes"][:3])
                self.problems.append(f"{where}: {each['id']} ({each['impact']}): {nodes}")

    def check_traffic(self, where: str, status: int = 200) -> None:
        """Check the console and the requests since the last look at them."""
        for entry in self.browser.get_log("browser"):
            # Chromium logs the status of a page that was meant to be refused, and hints (DEBUG).
            is_meant = status != HTTPStatus.OK and f"a status of {status}" in entry["message"]
            if is_meant or entry["level"] == "DEBUG":
                continue
            self.problems.append(f"{where}: {entry['level']}: {entry['message']}")
        weight = 0
        for event in self._events():
            if event["method"] == "Network.requestWillBeSent":
                url = event["params"]["request"]["url"]
                if not url.startswith((f"{self.origin}/", "data:")):
                    self.problems.append(f"{where}: asks {url}")
            elif event["method"] == "Network.loadingFinished":
                weight += event["params"]["encodedDataLength"]
        if not 0 < weight <= MAX_BYTES:
            self.problems.append(f"{where}: {weight:,.0f} bytes")

    def _events(self) -> Iterator[dict[str, Any]]:
        log = self.browser.get_log("performance")
        return iter([json.loads(entry["message"])["message"] for entry in log])


_AXE = Axe()
