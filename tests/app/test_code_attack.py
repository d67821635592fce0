"""One stranger asks for sign-in codes of 500 numbers, over sockets of the real server."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count

import pytest
import redis
import requests

from app.settings import Settings
from tests.app.test_rulebook_processes import running
from tests.support.product import answers, free_port, until

NUMBERS = [f"+86138028{tail:05}" for tail in range(500)]
_FIELD = re.compile(r'name="(csrf_token|once)" value="([^"]+)"')


@dataclass
class Stranger:
    """A program that keeps or drops cookies and forms as it likes, and claims other addresses."""

    base: str
    statuses: list[int] = field(default_factory=list)
    _claimed: Iterator[int] = field(default_factory=count)

    def form(self, cookie: str = "") -> tuple[str, dict[str, str]]:
        """A cookie and the fields of a form."""
        page = requests.get(f"{self.base}/sign-in", headers={"Cookie": cookie}, timeout=60)
        given = page.headers.get("Set-Cookie", cookie).partition(";")[0]
        # The form of the number is the last one on the page.
        return given, dict(_FIELD.findall(page.text))

    def asks(self, number: str, cookie: str, fields: dict[str, str]) -> None:
        claimed = f"198.51.{next(self._claimed) % 256}.{next(self._claimed) % 256}"
        answer = requests.post(
            f"{self.base}/code", fields | {"number": number}, timeout=60, allow_redirects=False,
            headers={"Cookie": cookie, "X-Forwarded-For": claimed, "Forwarded": f"for={claimed}"},
        )  # fmt: skip
        self.statuses.append(answer.status_code)

    def all_at_once(self, ask: Callable[[str], None]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, NUMBERS))


@pytest.fixture
def stranger(settings: Settings) -> Iterator[Stranger]:
    port, key = free_port(), "a-key-of-at-least-sixteen-characters"
    more = {"PORT": str(port), "SECRET_KEY": key}
    with running(settings, None, "serve", "--workers", "2", **more):
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), why="the doors")
        yield Stranger(f"http://127.0.0.1:{port}/hall")


def texts(raw: "redis.Redis") -> int:
    return sum(raw.xlen(key) for key in raw.keys("*:outbox"))


@pytest.mark.faults
def test_one_cookie_and_one_form_bring_one_text(stranger: Stranger, raw: "redis.Redis"):
    cookie, fields = stranger.form()
    stranger.all_at_once(lambda number: stranger.asks(number, cookie, fields))
    assert texts(raw) == 1
    assert set(stranger.statuses) <= {303, 400}


@pytest.mark.faults
def test_one_cookie_with_fresh_forms_is_bounded(stranger: Stranger, raw: "redis.Redis"):
    cookie, _ = stranger.form()

    def ask(number: str) -> None:
        stranger.asks(number, *stranger.form(cookie))

    stranger.all_at_once(ask)
    assert 1 <= texts(raw) <= 2 * 20  # a window may end meanwhile
    assert set(stranger.statuses) == {303, 429}


@pytest.mark.faults
def test_one_address_with_fresh_cookies_is_bounded(stranger: Stranger, raw: "redis.Redis"):
    stranger.all_at_once(lambda number: stranger.asks(number, *stranger.form()))
    assert 1 <= texts(raw) <= 2 * 30
    assert set(stranger.statuses) == {303, 429}
