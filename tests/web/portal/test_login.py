"""Login by passcode: limits, sessions, CSRF."""

import datetime as dt
import re
import time
from dataclasses import replace
from types import SimpleNamespace

import itsdangerous.timed
import pytest
import redis
from flask import Flask

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings, SettingsError
from receipts.model.vocabulary import Msisdn
from tests.conftest import GUANGDONG, PUBLIC_URL, UNICOM, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import contents
from tests.support.plain_store import plain_bytes
from tests.web.portal.conftest import Browsers, cookie, copy_cookie

WRONG = "验证码不正确"


def request_code(browser: Browser, number: str = GUANGDONG) -> None:
    browser.goes("sign-in")
    browser.presses("code", number=number)


def test_login_pages_do_not_reveal_subscriptions(browsers: Browsers, network: Network):
    network.open(GUANGDONG)
    pages = set()
    for number in (GUANGDONG, UNICOM, "+8619512345678"):
        browser, told = browsers(number), []
        browser.goes("sign-in")
        for _ in range(7):  # above the limits, too
            browser.presses("code", number=number)
            told.append(
                (browser.seen.status, browser.seen.text.replace(Msisdn(number).masked, "…"))
            )
            browser.goes("sign-in")
        pages.add(tuple(told))
    assert len(pages) == 1


def test_passcodes_are_limited_per_minute_and_day(browser: Browser, clock: TestClock):
    clock.move_to_next_morning()

    def ask(times: int) -> int:
        for _ in range(times):
            request_code(browser)
        return len(browser.texts())

    assert ask(3) == 1
    for _ in range(8):
        clock.move(minutes=1)
        ask(2)
    assert len(browser.texts()) == 5
    clock.move_to_next_morning()
    assert ask(1) == 6


def test_five_wrong_attempts_invalidate_the_passcode(browser: Browser):
    request_code(browser)
    right = browser.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert WRONG in browser.presses("enter", code=wrong).text
    seen = browser.presses("enter", code=right)
    assert (seen.status, WRONG in seen.text) == (400, True)
    assert "登录" in browser.goes().text


SEPARATED = (
    "【{}{}】。",
    "{}-{},",
    "{}-{}",
    "{} {}",
    "{}.{}",
    "{}—{}",
    "\u2068{}\u2011{}\u2069",
    "\u2007{}\u200d{}\ufe0f",
)


@pytest.mark.parametrize("form", SEPARATED)
def test_passcode_is_taken_with_separators_and_invisible_marks(browser: Browser, form: str):
    request_code(browser, f"\u2068tel:{GUANGDONG}\u2069")
    code = browser.code()
    assert browser.presses("enter", code=form.format(code[:3], code[3:])).state == "未开通"


def test_passcode_expires_after_five_minutes(browser: Browser, clock: TestClock):
    request_code(browser)
    clock.move(minutes=5)
    assert WRONG in browser.presses("enter", code=browser.code()).text


def test_earlier_passcode_stays_valid_for_its_five_minutes(browser: Browser, clock: TestClock):
    codes = []
    for _ in range(2):
        request_code(browser)
        codes.append(browser.code())
        clock.move(minutes=1)
    assert browser.presses("enter", code=codes[0]).state == "未开通"
    browser.presses("sign-out")
    request_code(browser)
    # A login uses up every code of the number.
    assert WRONG in browser.presses("enter", code=codes[1]).text


def test_passcode_outlives_neither_its_minutes_nor_five_wrong_tries(
    browser: Browser, clock: TestClock
):
    request_code(browser)
    first = browser.code()
    clock.move(minutes=4, seconds=59)
    request_code(browser)
    wrong = f"{(int(first) + 1) % 1_000_000:06}"
    for _ in range(4):
        browser.presses("enter", code=wrong)
    clock.move(seconds=1)
    assert WRONG in browser.presses("enter", code=first).text  # the fifth try of the second code
    assert WRONG in browser.presses("enter", code=browser.code()).text


def test_request_within_a_minute_is_told_that_none_was_sent(browser: Browser, clock: TestClock):
    request_code(browser)
    assert "5分钟内有效（至" in browser.seen.text
    assert "60 秒后可重新获取" in browser.seen.text
    clock.move(seconds=13)
    browser.presses("code")
    assert len(browser.texts()) == 1
    assert browser.seen.told == ["每分钟只发送一次验证码，本次没有再发。"]
    assert "将以短信发送" not in browser.seen.text
    assert 'data-tens="4" data-ones="7"' in browser.seen.html
    assert "最近一次发往138****0000的验证码在" in browser.seen.text
    clock.move(seconds=47)
    assert "秒后" not in browser.goes("code").text
    assert browser.seen.told == []
    assert "将以短信发送" in browser.presses("code").text
    assert len(browser.texts()) == 2


def test_sixth_request_of_a_day_is_told_that_none_comes(browser: Browser, clock: TestClock):
    clock.move_to_next_morning()
    request_code(browser)
    for _ in range(4):
        clock.move(minutes=1)
        browser.presses("code")
    assert len(browser.texts()) == 5
    assert "重新获取" not in browser.seen.text
    clock.move(minutes=6)
    request_code(browser)
    assert len(browser.texts()) == 5
    (told,) = browser.seen.told
    assert told.startswith("138****0000今天的5次验证码已用完，今天不再发送。")
    assert "目前没有有效的验证码" in browser.seen.text
    assert "将以短信发送" not in browser.seen.text
    clock.move_to_next_morning()
    assert browser.goes("code").told == []
    assert "将以短信发送" in browser.presses("code").text


def test_code_page_in_english_says_what_happens(browsers: Browsers, clock: TestClock):
    browser = browsers(language="en")
    request_code(browser)
    assert "We are texting a code to 138****0000. It is valid for 5 minutes" in browser.seen.text
    browser.presses("code")
    assert browser.seen.told == ["Only one code is sent a minute, so no new one was sent."]
    assert "You can get a new code in 60 s." in browser.seen.text
    clock.move(minutes=5)
    assert "There is no valid code for 138****0000 now." in browser.goes("code").text


def test_passcode_may_have_spaces_and_full_width_digits(browser: Browser):
    request_code(browser, "138 0288 0000")
    typed = browser.code().translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    assert browser.presses("enter", code=f" {typed[:3]} {typed[3:]} ").status == 200


def test_repeated_login_form_opens_no_session_after_logout(browser: Browser):
    request_code(browser)
    form, code = browser.seen.form("enter"), browser.code()
    assert browser.sends(form, code=code).state == "未开通"
    browser.presses("sign-out")
    other = f"{(int(code) + 1) % 1_000_000:06}"
    for typed in (code, other):
        request_code(browser)
        again = browser.seen.form("enter")
        again.fields["once"] = form.fields["once"]
        browser.sends(again, code=typed)
        assert "sign-out" not in browser.goes().html


def test_double_click_on_login_succeeds_twice(browser: Browser, app: Flask, raw: redis.Redis):
    request_code(browser)
    form, code = browser.seen.form("enter"), browser.code()
    twin = Browser(app.test_client(), raw)
    copy_cookie(browser, twin)
    for each in (browser, twin):
        assert each.sends(form, code=code).state == "未开通"


def test_logout_ends_the_session_of_a_copied_cookie(customer: Browser, browsers: Browsers):
    thief = browsers()
    copy_cookie(customer, thief)
    assert thief.goes().state == "未开通"
    customer.presses("sign-out")
    assert "获取验证码" in thief.goes().text


def test_session_expires_after_half_an_hour(customer: Browser, clock: TestClock):
    clock.move(minutes=29)
    assert customer.goes().state == "未开通"
    clock.move(minutes=1)
    assert "获取验证码" in customer.goes().text


def test_passcode_request_ends_no_session(customer: Browser, browsers: Browsers, clock: TestClock):
    clock.move(minutes=2)
    stranger = browsers()
    request_code(stranger)
    assert customer.goes().state == "未开通"


@pytest.mark.parametrize(
    "number", ["", "7500", "10086", "+14155550123", "13802880000x", "１" * 70, "010 6552 9988"]
)
def test_invalid_number_gets_no_passcode(browser: Browser, raw: redis.Redis, number: str):
    before = contents(raw)
    browser.goes("sign-in")
    seen = browser.presses("code", number=number)
    assert (seen.status, seen.told) == (400, ["请输入11位中国内地手机号码。"])
    assert contents(raw) == before


def test_urls_have_no_number_or_passcode_and_the_cookie_is_protected(customer: Browser):
    customer.opens()
    for address in customer.addresses:
        assert not re.search(r"1380288|[^0-9][0-9]{6}[^0-9]", address), address
    kept = cookie(customer)
    assert (kept.http_only, kept.secure, kept.same_site) == (True, True, "Lax")
    assert kept.expires is not None
    left = kept.expires - dt.datetime.now(dt.UTC)
    assert dt.timedelta(minutes=28) < left <= dt.timedelta(minutes=30)


def test_store_has_no_session_id(customer: Browser, raw: redis.Redis):
    with customer.client.session_transaction("/hall/", base_url=PUBLIC_URL) as session:
        session_id = session["visit"]
    assert not any(session_id.encode() in plain_bytes(raw, key) for key in raw.keys("*"))


def test_form_without_the_own_csrf_token_changes_nothing(
    customer: Browser, browsers: Browsers, raw: redis.Redis
):
    other = browsers()
    other.goes("sign-in")
    foreign = other.seen.form("code").fields["csrf_token"]
    before = contents(raw)
    for token in (foreign, "", "é" * 22):
        form = customer.goes().form("english")
        form.fields["csrf_token"] = token
        seen = customer.sends(form)
        assert (seen.status, "操作未成功" in seen.text) == (403, True)
    assert contents(raw) == before


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 403)])
def test_form_expires_with_the_session(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, minutes: int, status: int
):
    form = browser.goes("sign-in").form("code")
    later = time.time() + 60 * minutes
    monkeypatch.setattr(itsdangerous.timed, "time", SimpleNamespace(time=lambda: later))
    assert browser.sends(form, number=GUANGDONG).status == status


def test_form_without_session_is_refused(browser: Browser):
    form = browser.goes("sign-in").form("code")
    browser.client.delete_cookie("hall", domain="sms.example.org", path="/hall")
    assert browser.sends(form, number=GUANGDONG).status == 403


def test_webhooks_need_no_csrf_token_and_set_no_cookie(network: Network):
    answer = network.text(GUANGDONG, "KTDXHZ")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers


def test_pages_without_session_redirect_to_login(browser: Browser, raw: redis.Redis):
    before = contents(raw)
    for page in ("", "open", "confirm", "cancel", "receipts", "charges", "services"):
        assert "获取验证码" in browser.goes(page).text
    form = browser.goes("sign-in").form("code")
    for path in ("wish", "sign-out"):
        form.action = f"/hall/{path}"
        assert "获取验证码" in browser.sends(form, wish="open").text
    assert contents(raw) == before


def test_portal_without_secret_key_is_closed(
    settings: Settings, built: Container, raw: redis.Redis
):
    keyless = replace(settings, secret_key="")
    closed = create_app(keyless, replace(built, settings=keyless))
    browser = Browser(closed.test_client(), raw)
    for page in ("", "sign-in", "static/hall.css", "elsewhere"):
        seen = browser.goes(page)
        assert (seen.status, seen.answer.mimetype) == (403, "text/html")
        assert "网上营业厅暂未开放" in seen.text
    assert closed.test_client().get("/healthz").status_code == 200


def test_short_secret_key_is_refused():
    with pytest.raises(SettingsError, match="SECRET_KEY must be at least 16"):
        Settings.read({"SECRET_KEY": "guess"})


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [("12345", None, "请输入11位"), ("<b>138", None, "请输入11位"), (GUANGDONG, "12ab", WRONG)],
)
def test_typed_input_survives_an_error_and_points_to_it(
    browser: Browser, number: str, code: str | None, told: str
):
    browser.goes("sign-in")
    seen = browser.presses("code", number=number)
    field, typed = "number", number
    if code is not None:
        seen, field, typed = browser.presses("enter", code=code), "code", code
    assert (seen.status, told in seen.text) == (400, True)
    assert seen.value(field) == typed
    (shown,) = re.findall(rf'<input id="{field}"[^>]*>', seen.html)
    assert 'aria-invalid="true" aria-describedby="error"' in shown
    assert "autofocus" in shown
    assert 'role="alert" id="error"' in seen.html
    assert "输入有误" in re.findall("<title>(.+)</title>", seen.html)[0]


def test_form_of_an_old_page_comes_again_with_the_number(browser: Browser):
    form = browser.goes("sign-in").form("code")
    seen = browser.sends(form, number="138 0288 0000", csrf_token="old")
    assert (seen.status, seen.value("number")) == (403, "138 0288 0000")
    assert "此页面已失效" in seen.text
    browser.presses("code", number=seen.value("number"))
    assert len(browser.texts()) == 1


def test_code_page_counts_the_time_that_is_left(browser: Browser, clock: TestClock):
    request_code(browser)
    assert 'data-minutes="5" data-tens="0" data-ones="0"' in browser.seen.html
    clock.move(seconds=83)
    assert 'data-minutes="3" data-tens="3" data-ones="7"' in browser.goes("code").html
    clock.move(minutes=4)
    assert "data-minutes" not in browser.goes("code").html
