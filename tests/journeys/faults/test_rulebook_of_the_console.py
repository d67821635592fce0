"""A rule book approved in the console is in force in all processes of the running service."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from itertools import count
from pathlib import Path

import pytest
import requests

from receipts.model.staff import Role
from receipts.rulebook.loader import SHIPPED
from tests.support.product import Service, until
from tests.support.signing import twilio_headers
from tests.support.staff import PASSWORD, add_staff
from tests.support.stopwatch import Stopwatch

SECOND = (
    SHIPPED.read_bytes()
    .replace(b'version = "invented-1"', b'version = "second"')
    .replace(b'cancel = ["QXDXHZ"]', b'cancel = ["QXGD"]', 1)
)


class Person:
    """A member of staff with a browser of their own."""

    def __init__(self, service: Service, name: str) -> None:
        self.base, self.session = service.doors, requests.Session()
        self.session.headers["Accept-Language"] = "en"
        page = self.session.get(f"{self.base}/console/sign-in").text
        form = self.fields(page) | {"name": name, "password": PASSWORD}
        assert "sign-out" in self.session.post(f"{self.base}/console/enter", form).text

    @staticmethod
    def fields(page: str) -> dict[str, str]:
        """The hidden fields of the last form."""
        return dict(re.findall(r'name="(csrf_token|once)" value="([^"]+)"', page))

    def proposes(self, text: bytes) -> str:
        url = f"{self.base}/console/rulebook/upload"
        form = self.fields(self.session.get(url).text) | {"reason": "a new keyword"}
        answer = self.session.post(url, form, files={"file": ("rules.toml", text)})
        assert "Proposed" in answer.text, unescape(answer.text)
        return answer.url.partition("?")[0]

    def approves(self, proposal: str, form: dict[str, str] | None = None) -> requests.Response:
        form = form or self.form(proposal)
        return self.session.post(f"{proposal}/decision", form | {"decision": "approve"})

    def form(self, proposal: str) -> dict[str, str]:
        return self.fields(self.session.get(proposal).text)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service in a folder of its own; its processes are killed afterwards."""
    made = Service(tmp_path / "data")
    yield made
    made.kill_everything()


def help_text(service: Service, sid: int) -> str:
    fields = {
        "MessageSid": f"SM{sid:032x}", "AccountSid": service.settings["TWILIO_ACCOUNT_SID"],
        # A number each: replies to one are bounded an hour.
        "From": f"+861380288{sid:04}", "To": service.settings.get("SHORT_CODE", "7500"),
        "Body": "BZ",
    }  # fmt: skip
    token, url = service.settings["TWILIO_AUTH_TOKEN"], f"{service.doors}/sms"
    return requests.post(url, fields, headers=twilio_headers(token, url, fields), timeout=20).text


@pytest.mark.faults
def test_approved_book_is_in_force_in_all_processes_within_two_seconds(service: Service):
    service.start("doors", "work", "another worker")
    with service.container() as services:
        for name in ("an", "bo"):
            add_staff(services, name, Role.OPERATOR)
        outbox = services.clients.outbox
        until(lambda: len(outbox.workers_idle_seconds()) == 2, why="both workers to run")
    an, bo = Person(service, "an"), Person(service, "bo")
    assert "QXDXHZ" in help_text(service, 1)
    proposal = an.proposes(SECOND)
    form = bo.form(proposal)
    assert "The rule book is in force" in bo.approves(proposal, form).text
    approved_at, watch, sids = time.monotonic(), Stopwatch(), count(10)

    def is_in_force(processes: int) -> bool:
        """Whether so many processes have loaded it; a web process does so with a request."""
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: help_text(service, next(sids)), range(4)))
        return service.said().count("rule book in force") >= processes

    until(lambda: is_in_force(3), why="the book in force in both workers and a web process")
    assert watch.seconds() < 2
    # A process looks at most every half second: after two, none answers by the old book.
    time.sleep(max(0, approved_at + 2 - time.monotonic()))
    for _ in range(20):
        assert "QXGD" in help_text(service, next(sids))
    until(lambda: is_in_force(4), why="the book in force in the other web process")
    # A second approval of the same proposal changes nothing, with the same form or another one.
    assert bo.approves(proposal, form).ok
    again = bo.approves(proposal, bo.form(proposal))
    assert (again.status_code, "decided already" in again.text) == (409, True)
    with service.container() as services:
        assert services.books.in_force().number == 1
        assert len(services.books.history(9)) == 2
        assert services.book.version == "second"


@pytest.mark.faults
def test_killed_service_comes_back_with_the_book_in_force(service: Service):
    service.start("doors")
    with service.container() as services:
        for name in ("an", "bo"):
            add_staff(services, name, Role.OPERATOR)
    an, bo = Person(service, "an"), Person(service, "bo")
    proposal = an.proposes(SECOND)
    assert bo.approves(proposal).ok
    service.kill_everything()
    service.start("doors", "work")
    assert "QXGD" in help_text(service, 40)
    shown = service.command("provinces", "show", "CN-GD")
    assert "QXGD" in shown.stdout
