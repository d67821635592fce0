"""The code by text at the sign-in of staff."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis
from flask import Flask

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.staff import Role, StaffArea
from receipts.model.vocabulary import Msisdn
from receipts.staff.accounts import Person
from receipts.store.codec import decode_record
from receipts.store.sealed_text import TextSealer
from tests.conftest import PUBLIC_URL, ZHEJIANG, TestClock
from tests.support.browser import CODE, KEY
from tests.support.fixtures import posted
from tests.support.metrics import counted
from tests.support.plain_store import plain_bytes
from tests.support.staff import StaffBrowser, add_staff, staff_accounts, staff_acts

CONSOLE, COUNTER = StaffArea.CONSOLE, StaffArea.COUNTER
WRONG = "验证码有误或已失效"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, staff_codes=("console",))


def codes(raw: "redis.Redis") -> list[str]:
    """The codes that were texted to the phone, oldest first."""
    sealer, stored = TextSealer((KEY,)), map(raw.get, raw.keys("*:receipt:*"))
    sent = [sealer.open(found) for each in stored if (found := decode_record(Receipt, each))]
    sent = [each for each in sent if each.kind is MessageKind.CODE and each.number == ZHEJIANG]
    matches = [CODE.search(each.text) for each in sorted(sent, key=lambda each: each.created_at)]
    return [match[1] for match in matches if match]


@pytest.fixture
def browser(app: Flask, built: Container) -> StaffBrowser:
    """A browser whose person has typed the right password."""
    add_staff(built, "an.li", Role.OPERATOR, phone=ZHEJIANG)
    browser = StaffBrowser(app.test_client(), CONSOLE, "an.li")
    browser.signs_in()
    return browser


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_right_code_opens_the_console(browser: StaffBrowser, raw: "redis.Redis", built: Container):
    assert "输入验证码" in browser.seen.text
    assert not browser.is_signed_in
    browser.goes("code")
    (code,) = codes(raw)
    assert posted(raw) == 1
    browser.presses("/code", code=code)
    assert browser.is_signed_in
    acts = [act.act for act in staff_acts(built)]
    assert acts == ["staff_added", "code_sent", "signed_in"]


def test_stored_records_do_not_show_the_code(browser: StaffBrowser, raw: "redis.Redis"):
    (code,) = codes(raw)
    del browser
    assert not [key for key in raw.keys("*") if code.encode() in plain_bytes(raw, key)]


def test_three_wrong_codes_end_the_sign_in(browser: StaffBrowser, raw: "redis.Redis"):
    (code,) = codes(raw)
    before = counted("sms_receipt_staff_sign_ins", result="wrong code")
    for typed in (wrong(code), "abc", wrong(wrong(code)), wrong(wrong(wrong(code)))):
        assert WRONG in browser.presses("/code", code=typed).text
    assert counted("sms_receipt_staff_sign_ins", result="wrong code") == before + 4
    assert WRONG in browser.presses("/code", code=code).text
    assert not browser.is_signed_in


def test_tries_at_once_are_counted_too(
    browser: StaffBrowser, app: Flask, built: Container, raw: "redis.Redis"
):
    (code,) = codes(raw)
    form, cookie = browser.form("/code"), browser.cookie.value
    guesses = [f"{(int(code) + n) % 1_000_000:06}" for n in range(1, 9)]

    def guess(typed: str) -> int:
        other = StaffBrowser(app.test_client(), CONSOLE)
        other.client.set_cookie("console", cookie, domain="sms.example.org", path="/console")
        return other.ask("POST", form.action, data=form.fields | {"code": typed}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(guess, guesses)) == {400}
    compared = [act for act in staff_acts(built) if act.act == "wrong_code"]
    assert 1 <= len(compared) <= 3


def test_code_is_good_for_five_minutes(browser: StaffBrowser, raw: "redis.Redis", clock: TestClock):
    clock.move(minutes=5)
    assert WRONG in browser.presses("/code", code=codes(raw)[0]).text


def test_form_that_is_sent_twice_opens_one_session(browser: StaffBrowser, raw: "redis.Redis"):
    form, cookie = browser.form("/code"), browser.cookie.value
    for _ in range(2):
        browser.client.set_cookie("console", cookie, domain="sms.example.org", path="/console")
        answer = browser.ask("POST", form.action, data=form.fields | {"code": codes(raw)[0]})
        assert answer.status_code == 303
        assert browser.is_signed_in
    assert len(raw.keys("{staff}:session:*")) == 1


def test_password_form_that_is_sent_twice_texts_one_code(browser: StaffBrowser, raw: "redis.Redis"):
    browser.goes("sign-in")
    form = browser.form("/enter")
    typed = {"name": "an.li", "password": "a-long-enough-phrase"}
    before, cookie = len(codes(raw)), browser.cookie.value
    for _ in range(2):
        browser.client.set_cookie("console", cookie, domain="sms.example.org", path="/console")
        assert browser.ask("POST", form.action, data=form.fields | typed).status_code == 303
    assert len(codes(raw)) == before + 1


def test_session_before_the_code_opens_no_page(browser: StaffBrowser):
    with browser.client.session_transaction("/console/", base_url=PUBLIC_URL) as held:
        held.update(staff=held["code_for"], visit=held["code_visit"])
    assert not browser.is_signed_in


def test_account_that_is_disabled_meanwhile_does_not_enter(
    browser: StaffBrowser, built: Container, raw: "redis.Redis"
):
    add_staff(built, "bo.wu", Role.OPERATOR)
    staff_accounts(built).disable("an.li", Person("command:test"))
    assert WRONG in browser.presses("/code", code=codes(raw)[0]).text


def test_account_without_a_phone_is_told_so(app: Flask, built: Container):
    add_staff(built, "bo.wu", Role.OPERATOR)
    browser = StaffBrowser(app.test_client(), CONSOLE, "bo.wu")
    assert "没有登记手机号码" in browser.signs_in().text
    assert not browser.is_signed_in
    assert staff_acts(built)[-1].act == "sign_in_without_phone"
    # A wrong password learns nothing of it.
    assert "没有登记手机号码" not in browser.signs_in(password="a-wrong-password").text


def test_other_area_asks_for_no_code(app: Flask, built: Container):
    add_staff(built, "cai.he", Role.CLERK)
    browser = StaffBrowser(app.test_client(), COUNTER, "cai.he")
    browser.signs_in()
    assert browser.is_signed_in


def test_rotated_key_takes_the_code_and_keeps_the_session(
    browser: StaffBrowser, settings: Settings, built: Container, raw: "redis.Redis"
):
    (code,) = codes(raw)
    browser.presses("/code", code=code)
    both = replace(settings, secret_key=f"another-key-of-16-characters,{KEY}")
    app = create_app(both, built.with_changes(settings=both))
    later = StaffBrowser(app.test_client(), CONSOLE)
    value = browser.cookie.value
    later.client.set_cookie("console", value, domain="sms.example.org", path="/console")
    assert later.is_signed_in


def test_phone_that_is_a_customer_gets_no_portal_session(
    browser: StaffBrowser, built: Container, raw: "redis.Redis"
):
    browser.presses("/code", code=codes(raw)[0])
    assert built.store.load(Msisdn(ZHEJIANG), login=True).login is None
