"""Each route for staff, as the application has it, refuses and counts those who may not use it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from app.bootstrap import Container
from receipts.model.staff import Right, Role, StaffArea
from receipts.staff.accounts import Person
from receipts.staff.rights import has_right, may_enter
from tests.conftest import GUANGDONG, PUBLIC_URL
from tests.support.browser import Browser
from tests.support.fixtures import contents
from tests.support.metrics import counted
from tests.support.staff import StaffBrowser, add_staff, staff_accounts
from tests.web.staff.conftest import Sitting
from web.staff.rendering import StaffSite
from web.staff.sign_in import ANONYMOUS

AREAS = tuple(StaffArea)


@dataclass(frozen=True)
class Door:
    area: StaffArea
    path: str
    method: str
    right: Right | None

    def knock(self, browser: StaffBrowser, **fields: str) -> TestResponse:
        data = fields if self.method == "POST" else None
        return browser.ask(self.method, self.path, data=data)


def sample(rule: str) -> str:
    """An address of a rule: a number for an integer, else an id."""
    return re.sub(r"<[^>]+>", "0-abc", re.sub(r"<int[^>]*>", "1", rule))


def doors(app: Flask, area: StaffArea) -> Iterator[Door]:
    """Every method of every route of an area that needs a session."""
    site: StaffSite = app.extensions["staff"][area.value]
    for rule in app.url_map.iter_rules():
        name, _, endpoint = rule.endpoint.partition(".")
        if name == area and endpoint not in ANONYMOUS:
            for method in sorted({"GET", "POST"} & (rule.methods or set())):
                yield Door(area, sample(rule.rule), method, site.routes[endpoint].right)


Answers = dict[str, tuple[int, str, float]]
Refused = Callable[..., Answers]


@pytest.fixture
def refused(app: Flask, raw: "redis.Redis") -> Refused:
    """Knocks at all doors of an area: each answer, what was counted, and that no record changed."""

    def knock(browser: StaffBrowser, token: dict[str, str]) -> Answers:
        answers: Answers = {}
        before = kept(raw)
        for door in doors(app, browser.area):
            count = total()
            answer = door.knock(browser, **token)
            where = answer.location or ""
            answers[f"{door.method} {door.path}"] = (answer.status_code, where, total() - count)
        assert kept(raw) == before
        return answers

    return knock


def kept(raw: "redis.Redis") -> dict[bytes, bytes]:
    """The records of the store, without sessions (their use is noted) and limits."""
    return {k: v for k, v in contents(raw).items() if b":session:" not in k and b"limit" not in k}


def total() -> float:
    whys = ("staff session", "staff right", "form")
    return sum(counted("sms_receipt_refused", why=why) for why in whys)


def at_sign_in(area: StaffArea, answers: Answers) -> Answers:
    """What each door answers to those without a session: to the sign-in, and counted once."""
    return dict.fromkeys(answers, (303, f"/{area}/sign-in", 1.0))


def test_each_area_has_doors(app: Flask):
    for area in AREAS:
        found = list(doors(app, area))
        assert {door.method for door in found} == {"GET", "POST"}


@pytest.mark.parametrize("area", AREAS)
def test_signed_out_visitor(app: Flask, refused: Refused, area: StaffArea):
    browser = StaffBrowser(app.test_client(), area)
    token = browser.token()
    assert token
    answers = refused(browser, token)
    assert answers == at_sign_in(area, answers)


@pytest.mark.parametrize("area", AREAS)
def test_form_without_a_token(sits: Sitting, refused: Refused, area: StaffArea):
    browser = sits(role_of(area), area)
    answers = refused(browser, {})
    posted = {door: answer for door, answer in answers.items() if door.startswith("POST")}
    assert posted
    assert posted == dict.fromkeys(posted, (403, "", 1.0))


@pytest.mark.parametrize("area", AREAS)
def test_form_with_a_token_of_another_browser(sits: Sitting, refused: Refused, area: StaffArea):
    browser, other = sits(role_of(area), area), sits(role_of(area), area, "bo.wu")
    answers = refused(browser, other.token())
    posted = {door: answer for door, answer in answers.items() if door.startswith("POST")}
    assert posted == dict.fromkeys(posted, (403, "", 1.0))


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("how", ["disabled", "revoked", "ended", "forged", "other key"])
def test_session_that_is_no_longer_or_never_was(
    built: Container, sits: Sitting, refused: Refused, area: StaffArea, how: str
):
    browser = sits(role_of(area), area)
    name, value = browser.name, browser.cookie.value
    accounts, by = staff_accounts(built), Person("command:test")
    if how == "disabled":
        add_staff(built, "stays", Role.OPERATOR)
        accounts.disable(name, by)
    elif how == "revoked":
        accounts.revoke_sessions(name, by)
    elif how == "ended":
        browser.goes()
        browser.presses("/sign-out")
        set_cookie(browser, value)
    elif how == "forged":
        set_cookie(browser, value[:40] + ("A" if value[40] != "A" else "B") + value[41:])
    else:
        with browser.client.session_transaction(f"/{area}/", base_url=PUBLIC_URL) as held:
            held["visit"] = "x" * 32
    answers = refused(browser, browser.token())
    assert answers == at_sign_in(area, answers)


@pytest.mark.parametrize("area", AREAS)
def test_session_of_another_area(
    app: Flask, raw: "redis.Redis", sits: Sitting, refused: Refused, area: StaffArea
):
    customer = Browser(app.test_client(), raw, GUANGDONG)
    customer.signs_in()
    cookie = customer.client.get_cookie("hall", "sms.example.org", "/hall")
    assert cookie is not None
    other = next(each for each in AREAS if each is not area)
    colleague = sits(Role.SUPERVISOR, other)
    for value in (cookie.value, colleague.cookie.value):
        browser = StaffBrowser(app.test_client(), area)
        set_cookie(browser, value)
        answers = refused(browser, browser.token())
        assert answers == at_sign_in(area, answers)
    # Its values in a cookie that this area can read name a session of the other area.
    with colleague.client.session_transaction(f"/{other}/", base_url=PUBLIC_URL) as held:
        values = dict(held)
    browser = StaffBrowser(app.test_client(), area)
    with browser.client.session_transaction(f"/{area}/", base_url=PUBLIC_URL) as held:
        held.update(values)
    answers = refused(browser, browser.token())
    assert answers == at_sign_in(area, answers)


@pytest.mark.parametrize(
    ("role", "area"), [(role, area) for role in Role for area in AREAS if may_enter(role, area)]
)
def test_role_without_the_right(
    app: Flask, sits: Sitting, raw: "redis.Redis", role: Role, area: StaffArea
):
    browser = sits(role, area)
    token, before = browser.token(), kept(raw)
    lacking = [d for d in doors(app, area) if d.right and not has_right(role, d.right)]
    for door in lacking:
        count = counted("sms_receipt_refused", why="staff right")
        answer = door.knock(browser, **token)
        assert (door, answer.status_code) == (door, 403)
        assert counted("sms_receipt_refused", why="staff right") == count + 1
        assert "没有权限" in answer.get_data(as_text=True)
    assert kept(raw) == before
    shown = browser.goes().links
    assert not {door.path for door in lacking} & set(shown)


def role_of(area: StaffArea) -> Role:
    return Role.OPERATOR if area is StaffArea.CONSOLE else Role.SUPERVISOR


def set_cookie(browser: StaffBrowser, value: str) -> None:
    path = f"/{browser.area}"
    browser.client.set_cookie(browser.area, value, domain="sms.example.org", path=path)
