"""Sign-in of staff: passwords, bounds on tries, ends of sessions, the log of both."""

import datetime as dt
from dataclasses import replace

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.model.staff import Role, StaffArea
from receipts.staff.accounts import Person
from tests.conftest import PUBLIC_URL, TestClock
from tests.support.metrics import counted
from tests.support.plain_store import plain_bytes
from tests.support.staff import (
    PASSWORD,
    SHOP,
    StaffBrowser,
    add_staff,
    staff_accounts,
    staff_acts,
)
from tests.web.staff.conftest import Sitting

CONSOLE, COUNTER = StaffArea.CONSOLE, StaffArea.COUNTER
WRONG = "登录信息有误"


@pytest.fixture
def visitor(app: Flask) -> StaffBrowser:
    return StaffBrowser(app.test_client(), CONSOLE)


def acts(built: Container) -> list[tuple[str, str]]:
    return [(act.clerk, act.act) for act in staff_acts(built) if act.act != "staff_added"]


def test_right_password_opens_the_console_and_sign_out_closes_it(sits: Sitting, built: Container):
    browser = sits(Role.OPERATOR)
    assert "管理员" in browser.seen.text
    stolen = browser.cookie.value
    assert browser.presses("/sign-out").forms[0].action.endswith("/language")
    assert not browser.is_signed_in
    browser.client.set_cookie("console", stolen, domain="sms.example.org", path="/console")
    assert not browser.is_signed_in
    assert acts(built) == [("operator-1", "signed_in"), ("operator-1", "signed_out")]


def test_clerk_names_the_own_shop(app: Flask, built: Container):
    add_staff(built, "bo.wu", Role.CLERK)
    browser = StaffBrowser(app.test_client(), COUNTER, "bo.wu")
    for shop in ("", "Tianhe 13", "x" * 400):
        assert WRONG in browser.signs_in(shop=shop).text
    assert browser.signs_in(shop=f" {SHOP.upper()} ").status == 200
    assert SHOP in browser.seen.text


def test_answer_does_not_tell_whether_an_account_exists(visitor: StaffBrowser, built: Container):
    add_staff(built, "an.li", Role.OPERATOR)
    add_staff(built, "bo.wu", Role.OPERATOR)
    staff_accounts(built).disable("bo.wu", Person("an.li"))
    pages = set()
    for name in ("an.li", "bo.wu", "no.such", "not a name!"):
        seen = visitor.signs_in(name, "a-wrong-password")
        pages.add((seen.status, seen.text))
        assert f'value="{name}"' in seen.html
        assert "a-wrong-password" not in seen.html
    assert visitor.signs_in("bo.wu", PASSWORD).status == 400
    assert len(pages) == 1


def test_typed_text_without_an_account_is_not_logged(visitor: StaffBrowser, built: Container):
    add_staff(built, "an.li", Role.OPERATOR)
    visitor.signs_in("my-secret-in-the-wrong-field", "x")
    visitor.signs_in("an.li", "x")
    assert acts(built) == [("", "wrong_password"), ("an.li", "wrong_password")]


@pytest.mark.parametrize(
    ("role", "area"),
    [(Role.CLERK, CONSOLE), (Role.OPERATOR, COUNTER), (Role.AUDITOR, COUNTER)],
)
def test_role_without_a_right_there_does_not_enter(
    app: Flask, built: Container, role: Role, area: StaffArea
):
    shop = SHOP if add_staff(built, "an.li", role).shop else ""
    browser = StaffBrowser(app.test_client(), area, "an.li")
    assert "不能使用本页面" in browser.signs_in(shop=shop).text
    assert not browser.is_signed_in
    assert acts(built) == [("an.li", "wrong_area")]


def test_tries_are_bounded_by_account_and_address_and_the_owner_signs_in_elsewhere(
    app: Flask, visitor: StaffBrowser, built: Container
):
    add_staff(built, "an.li", Role.OPERATOR)
    before = counted("sms_receipt_staff_sign_ins", result="limited")
    for _ in range(10):
        assert visitor.signs_in("an.li", "a-wrong-password").status == 400
    for password in ("a-wrong-password", PASSWORD):
        seen = visitor.signs_in("an.li", password)
        assert seen.status == 429
        assert 0 < int(seen.answer.headers["Retry-After"]) <= 900
        assert "分钟" in seen.text
    # The same for a name without an account.
    assert {visitor.signs_in("no.such", "x").status for _ in range(10)} == {400}
    assert visitor.signs_in("no.such", "x").status == 429
    assert counted("sms_receipt_staff_sign_ins", result="limited") - before == 3
    assert [act for _, act in acts(built)].count("sign_in_limited") == 2
    owner = StaffBrowser(app.test_client(), CONSOLE, "an.li", address="198.51.100.7")
    assert owner.signs_in().status == 200
    assert owner.is_signed_in


def test_one_address_cannot_try_many_accounts(visitor: StaffBrowser, built: Container):
    add_staff(built, "an.li", Role.OPERATOR)
    answers = [visitor.signs_in(f"name{n}", "x").status for n in range(61)]
    assert (set(answers[:60]), answers[60]) == ({400}, 429)
    assert visitor.signs_in("an.li").status == 429


def test_right_password_forgets_the_wrong_ones(visitor: StaffBrowser, built: Container):
    add_staff(built, "an.li", Role.OPERATOR)
    for _ in range(3):
        for _ in range(7):
            assert visitor.signs_in("an.li", "a-wrong-password").status == 400
        assert visitor.signs_in("an.li").status == 200


def test_session_ends_after_half_an_hour_without_a_request(sits: Sitting, clock: TestClock):
    browser = sits(Role.OPERATOR)
    for _ in range(4):
        clock.move(minutes=29)
        assert browser.is_signed_in
    clock.move(minutes=30)
    assert not browser.is_signed_in


def test_session_ends_after_twelve_hours_in_use(sits: Sitting, clock: TestClock):
    browser = sits(Role.OPERATOR)
    for _ in range(47):
        clock.move(minutes=15)
        assert browser.is_signed_in
    clock.move(minutes=15)
    assert not browser.is_signed_in


def test_settings_move_both_ends(settings: Settings, built: Container, clock: TestClock):
    add_staff(built, "an.li", Role.OPERATOR)
    ours = replace(settings, staff_idle_minutes=5, staff_session_hours=1)
    container = built.with_changes(settings=ours)
    browser = StaffBrowser(create_app(ours, container).test_client(), CONSOLE, "an.li")
    browser.signs_in()
    clock.move(minutes=5)
    assert not browser.is_signed_in
    browser.signs_in()
    for _ in range(14):
        clock.move(minutes=4)
        assert browser.is_signed_in
    clock.move(minutes=4)
    assert not browser.is_signed_in


def test_each_sign_in_has_a_new_session(app: Flask, sits: Sitting, raw: "redis.Redis"):
    first = sits(Role.OPERATOR)
    second = StaffBrowser(app.test_client(), CONSOLE, "operator-1")
    second.signs_in()
    assert len(raw.keys("{staff}:session:*")) == 2
    first.presses("/sign-out")
    assert second.is_signed_in


def test_form_that_is_sent_twice_begins_one_session(
    visitor: StaffBrowser, built: Container, raw: "redis.Redis"
):
    add_staff(built, "an.li", Role.OPERATOR)
    visitor.goes("sign-in")
    form = visitor.form("/enter")
    fields = form.fields | {"name": "an.li", "password": PASSWORD}
    value = visitor.cookie.value
    for _ in range(2):
        visitor.client.set_cookie("console", value, domain="sms.example.org", path="/console")
        assert visitor.ask("POST", form.action, data=fields).location == "/console/"
        assert visitor.is_signed_in
    assert len(raw.keys("{staff}:session:*")) == 1
    assert acts(built) == [("an.li", "signed_in")]


@pytest.mark.parametrize("how", ["disabled", "password", "revoked"])
def test_session_ends_with_the_account_the_password_or_by_an_operator(
    sits: Sitting, built: Container, how: str
):
    browser, accounts = sits(Role.AUDITOR), staff_accounts(built)
    by = Person("command:test")
    if how == "disabled":
        accounts.disable("auditor-1", by)
    elif how == "password":
        accounts.set_password("auditor-1", "another-long-phrase", by)
    else:
        accounts.revoke_sessions("auditor-1", by)
    assert not browser.is_signed_in


def test_stored_session_shows_no_id_of_a_cookie(sits: Sitting, raw: "redis.Redis"):
    browser = sits(Role.OPERATOR)
    with browser.client.session_transaction("/console/", base_url=PUBLIC_URL) as held:
        session_id = held["visit"]
    stored = b"".join(key + plain_bytes(raw, key) for key in raw.keys("{staff}*"))
    assert session_id.encode() not in stored
    assert PASSWORD.encode() not in stored
    assert session_id not in browser.cookie.value


def test_given_password_must_be_changed_first(app: Flask, built: Container):
    add_staff(built, "an.li", Role.OPERATOR, must_change=True)
    browser = StaffBrowser(app.test_client(), CONSOLE, "an.li")
    browser.signs_in()
    assert "请先修改密码" in browser.seen.text
    assert 'name="new"' in browser.goes("").html
    new = {"password": PASSWORD, "new": "another-long-phrase", "again": "another-long-phrase"}
    refused = {"again": "x" * 12, "new": "short", "password": "wrong"}
    for name, typed in refused.items():
        assert browser.presses("/password", **(new | {name: typed})).status == 400
    assert browser.presses("/password", **new).status == 200
    assert browser.is_signed_in
    other = StaffBrowser(app.test_client(), CONSOLE, "an.li")
    assert other.signs_in(password=PASSWORD).status == 400
    assert other.signs_in(password="another-long-phrase").status == 200


def test_own_new_password_ends_all_other_sessions(app: Flask, sits: Sitting):
    browser = sits(Role.OPERATOR)
    other = StaffBrowser(app.test_client(), CONSOLE, "operator-1")
    other.signs_in()
    browser.goes("password")
    phrase = "another-long-phrase"
    browser.presses("/password", password=PASSWORD, new=phrase, again=phrase)
    assert browser.is_signed_in
    assert not other.is_signed_in


def test_language_is_chosen_and_survives_the_sign_in(app: Flask, built: Container):
    add_staff(built, "an.li", Role.OPERATOR)
    browser = StaffBrowser(app.test_client(), CONSOLE, "an.li", language="en")
    assert "Staff sign-in" in browser.goes("sign-in").text
    assert "员工登录" in browser.presses("/language").text
    browser.signs_in()
    assert browser.seen.status == 200
    assert '<html lang="zh-CN">' in browser.seen.html


def test_pages_are_closed_without_a_key(settings: Settings, built: Container):
    closed = replace(settings, secret_key="")
    client = create_app(closed, built.with_changes(settings=closed)).test_client()
    for area in StaffArea:
        for path in ("", "sign-in", "password"):
            answer = client.get(f"/{area}/{path}")
            assert (answer.status_code, "SECRET_KEY" in answer.text) == (403, True)


def test_cookie_is_of_the_area_alone(sits: Sitting):
    cookie = sits(Role.SUPERVISOR, COUNTER).cookie
    assert (cookie.path, cookie.http_only, cookie.secure) == ("/counter", True, True)
    assert cookie.same_site == "Lax"
    assert cookie.expires is not None
    assert cookie.expires - dt.datetime.now(dt.UTC) <= dt.timedelta(hours=24)


def test_nobody_is_told_more_by_an_odd_form(client: FlaskClient, visitor: StaffBrowser):
    del client
    visitor.goes("sign-in")
    form = visitor.form("/enter")
    odd: tuple[dict[str, str], ...] = (
        {"once": ""}, {"once": "x" * 32}, {"name": "\ud7ff\x00"}, {"password": "\x00" * 300},
    )  # fmt: skip
    for typed in odd:
        assert visitor.ask("POST", form.action, data=form.fields | typed).status_code == 400
