"""A number is whose phone can read the code: few codes, few tries, a short visit."""

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
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import OutboxEntry
from receipts.ports.provider import PermanentError, TemporaryError, UnknownOutcomeError
from tests.conftest import GUANGDONG, PUBLIC_URL, UNICOM, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import contents
from tests.web.portal.conftest import Browsers
from web.portal.passcodes import PasscodeService

WRONG = "验证码不正确"


def test_everybody_is_answered_alike_customer_or_not(browsers: Browsers, network: Network):
    network.open(GUANGDONG)
    pages = []
    for number in (GUANGDONG, UNICOM, "+8619512345678"):
        browser = browsers(number)
        browser.goes("sign-in")
        for _ in range(7):  # also when it has had enough codes
            browser.presses("code", number=number)
            told = browser.seen.text.replace(Msisdn(number).masked, "…")
            pages.append((browser.seen.status, told))
            browser.goes("sign-in")
    assert len(set(pages)) == 1


def test_a_number_gets_a_code_a_minute_and_five_a_day(browser: Browser, clock: TestClock):
    def ask(times: int) -> int:
        for _ in range(times):
            browser.goes("sign-in")
            browser.presses("code", number=GUANGDONG)
        return len(browser.texts())

    assert ask(3) == 1
    for _ in range(8):
        clock.move(minutes=1)
        ask(2)
    assert len(browser.texts()) == 5
    clock.move(hours=13)  # past midnight in China
    assert ask(1) == 6


def test_five_wrong_tries_spend_a_code(browser: Browser):
    browser.goes("sign-in")
    browser.presses("code", number=GUANGDONG)
    right = browser.code()
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert WRONG in browser.presses("enter", code=wrong).text
    seen = browser.presses("enter", code=right)
    assert (seen.status, WRONG in seen.text) == (400, True)
    assert "登录" in browser.goes().text


def test_a_code_is_good_for_five_minutes(browser: Browser, clock: TestClock):
    browser.goes("sign-in")
    browser.presses("code", number=GUANGDONG)
    clock.move(minutes=5)
    assert WRONG in browser.presses("enter", code=browser.code()).text


def test_a_newer_code_takes_the_place_of_the_one_before(browser: Browser, clock: TestClock):
    codes = []
    for _ in range(2):
        browser.goes("sign-in")
        browser.presses("code", number=GUANGDONG)
        codes.append(browser.code())
        clock.move(minutes=1)
    assert WRONG in browser.presses("enter", code=codes[0]).text
    assert browser.presses("enter", code=codes[1]).state == "未开通"


def test_a_code_is_read_as_people_type_it(browser: Browser):
    browser.goes("sign-in")
    browser.presses("code", number="138 0288 0000")
    typed = browser.code().translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    assert browser.presses("enter", code=f" {typed[:3]} {typed[3:]} ").status == 200


def test_a_form_sent_twice_is_one_visit_and_lets_nobody_in_after_it(browser: Browser):
    browser.goes("sign-in")
    browser.presses("code", number=GUANGDONG)
    form, code = browser.seen.form("enter"), browser.code()
    assert browser.sends(form, code=code).state == "未开通"
    inside = browser.client.get_cookie("hall", "sms.example.org", "/hall")
    assert inside is not None
    browser.presses("sign-out")
    other = f"{(int(code) + 1) % 1_000_000:06}"
    for typed in (code, other):
        browser.goes("sign-in")
        browser.presses("code", number=GUANGDONG)
        again = browser.seen.form("enter")
        again.fields["once"] = form.fields["once"]
        browser.sends(again, code=typed)
        assert "sign-out" not in browser.goes().html


def test_two_clicks_on_sign_in_are_both_let_in(browser: Browser, app: Flask, raw: redis.Redis):
    browser.goes("sign-in")
    browser.presses("code", number=GUANGDONG)
    form, code = browser.seen.form("enter"), browser.code()
    waiting = browser.client.get_cookie("hall", "sms.example.org", "/hall")
    assert waiting is not None
    twin = Browser(app.test_client(), raw)
    twin.client.set_cookie("hall", waiting.value, domain="sms.example.org", path="/hall")
    for each in (browser, twin):
        assert each.sends(form, code=code).state == "未开通"


def test_leaving_ends_the_visit_wherever_its_cookie_is(browser: Browser, browsers: Browsers):
    browser.signs_in()
    inside = browser.client.get_cookie("hall", "sms.example.org", "/hall")
    assert inside is not None
    thief = browsers()
    thief.client.set_cookie("hall", inside.value, domain="sms.example.org", path="/hall")
    assert thief.goes().state == "未开通"
    browser.presses("sign-out")
    assert "获取验证码" in thief.goes().text


def test_a_visit_lasts_half_an_hour(browser: Browser, clock: TestClock):
    browser.signs_in()
    clock.move(minutes=29)
    assert browser.goes().state == "未开通"
    clock.move(minutes=1)
    assert "获取验证码" in browser.goes().text


def test_asking_for_a_code_ends_nobodys_visit(
    browser: Browser, browsers: Browsers, clock: TestClock
):
    browser.signs_in()
    clock.move(minutes=2)
    stranger = browsers()
    stranger.goes("sign-in")
    stranger.presses("code", number=GUANGDONG)
    assert browser.goes().state == "未开通"


@pytest.mark.parametrize(
    "number", ["", "7500", "10086", "+14155550123", "13802880000x", "１" * 70, "010 6552 9988"]
)
def test_what_is_no_mobile_number_gets_no_code(browser: Browser, raw: redis.Redis, number: str):
    before = contents(raw)
    browser.goes("sign-in")
    seen = browser.presses("code", number=number)
    assert (seen.status, seen.told) == (400, ["请输入11位中国内地手机号码。"])
    assert contents(raw) == before


def test_neither_number_nor_code_is_in_an_address_and_the_cookie_is_well_kept(browser: Browser):
    browser.signs_in()
    browser.opens()
    for address in browser.addresses:
        assert not re.search(r"1380288|[^0-9][0-9]{6}[^0-9]", address), address
    kept = browser.client.get_cookie("hall", "sms.example.org", "/hall")
    assert kept is not None
    assert (kept.http_only, kept.secure, kept.same_site) == (True, True, "Lax")
    assert kept.expires is not None
    left = kept.expires - dt.datetime.now(dt.UTC)
    assert dt.timedelta(minutes=28) < left <= dt.timedelta(minutes=30)


# -- what is kept of a code ----------------------------------------------------------------------


@pytest.fixture
def sent(built: Container) -> tuple[Receipt, OutboxEntry]:
    """A code on its way."""
    sending = built.lifecycle
    PasscodeService(built.store, sending, built.clock, "k" * 16).send(
        Msisdn(GUANGDONG), Language.ZH
    )
    (posted,) = built.clients.outbox.fetch("one", 9, 0.001)
    (text,) = built.store.receipts([posted.receipt_id])
    assert text is not None
    return text, posted


@pytest.mark.parametrize(
    "failure", [None, PermanentError("no"), TemporaryError("later"), UnknownOutcomeError("lost")]
)
def test_once_sent_or_given_up_the_code_is_kept_nowhere(
    built: Container,
    raw: redis.Redis,
    clock: TestClock,
    sent: tuple[Receipt, OutboxEntry],
    failure: PermanentError | TemporaryError | UnknownOutcomeError | None,
):
    text, posted = sent
    delivery, store = built.lifecycle, built.store
    code = text.text[:6]
    assert code.isdigit()
    store.commit(delivery.mark_sending(text, posted))
    (sending,) = store.receipts([text.id])
    assert sending is not None
    if failure is None:
        store.commit(delivery.accepted(sending, "P1", posted))
    else:
        store.commit(delivery.failed(sending, failure, posted))
    if isinstance(failure, TemporaryError):
        clock.move(minutes=6)
        (waiting,) = store.receipts([text.id])
        assert waiting is not None
        store.commit(delivery.mark_sending(waiting, posted))
    (kept,) = store.receipts([text.id])
    assert kept is not None
    if isinstance(failure, UnknownOutcomeError):
        # It may have to be looked up by its words, and is forgotten within the hour.
        (key,) = raw.keys(f"*:receipt:{text.id}")
        assert 0 < raw.ttl(key) <= 3600
    else:
        assert kept.text == ""
        assert not any(code.encode() in value for value in contents(raw).values())


def test_a_code_is_on_no_list_and_never_sent_late(
    built: Container, raw: redis.Redis, clock: TestClock, sent: tuple[Receipt, OutboxEntry]
):
    text, posted = sent
    assert built.store.receipts_of(Msisdn(GUANGDONG), 100, None) == []
    assert raw.keys("*:unsure") == []
    clock.move(minutes=5, seconds=1)
    (change,) = [built.lifecycle.mark_sending(text, posted)]
    (ended,) = change.records
    assert isinstance(ended, Receipt)
    assert (ended.state.value, ended.text) == ("expired", "")


def test_what_is_kept_of_a_visit_is_no_key_to_it(browser: Browser, raw: redis.Redis):
    browser.signs_in()
    with browser.client.session_transaction("/hall/", base_url=PUBLIC_URL) as session:
        visit = session["visit"]
    assert not any(visit.encode() in (raw.dump(key) or b"") for key in raw.keys("*"))


# -- the gate ------------------------------------------------------------------------------------


def test_a_form_that_is_not_this_browsers_own_changes_nothing(
    browser: Browser, browsers: Browsers, raw: redis.Redis
):
    browser.signs_in()
    other = browsers()
    other.goes("sign-in")
    foreign = other.seen.form("code").fields["csrf_token"]
    before = contents(raw)
    for token in (foreign, "", "é" * 22):
        form = browser.goes().form("english")
        form.fields["csrf_token"] = token
        seen = browser.sends(form)
        assert (seen.status, "没有办成" in seen.text) == (403, True)
    assert contents(raw) == before


@pytest.mark.parametrize(("minutes", "status"), [(29, 200), (31, 403)])
def test_a_form_is_good_as_long_as_a_visit(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, minutes: int, status: int
):
    form = browser.goes("sign-in").form("code")
    later = time.time() + 60 * minutes
    monkeypatch.setattr(itsdangerous.timed, "time", SimpleNamespace(time=lambda: later))
    assert browser.sends(form, number=GUANGDONG).status == status


def test_a_form_without_its_session_is_refused(browser: Browser):
    form = browser.goes("sign-in").form("code")
    browser.client.delete_cookie("hall", domain="sms.example.org", path="/hall")
    assert browser.sends(form, number=GUANGDONG).status == 403


def test_webhooks_need_no_csrf_token_and_set_no_cookie(network: Network):
    answer = network.text(GUANGDONG, "KTDXHZ")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers


def test_a_stranger_is_shown_the_way_in(browser: Browser, raw: redis.Redis):
    before = contents(raw)
    for page in ("", "open", "confirm", "cancel", "receipts", "charges", "services"):
        assert "获取验证码" in browser.goes(page).text
    form = browser.goes("sign-in").form("code")
    for door in ("wish", "sign-out"):
        form.action = f"/hall/{door}"
        assert "获取验证码" in browser.sends(form, wish="open").text
    assert contents(raw) == before


def test_without_a_key_the_hall_stays_shut(settings: Settings, built: Container, raw: redis.Redis):
    keyless = replace(settings, secret_key="")
    shut = create_app(keyless, replace(built, settings=keyless))
    browser = Browser(shut.test_client(), raw)
    for page in ("", "sign-in", "static/hall.css", "elsewhere"):
        seen = browser.goes(page)
        assert (seen.status, seen.answer.mimetype) == (403, "text/html")
        assert "网上营业厅暂未开放" in seen.text
    assert shut.test_client().get("/healthz").status_code == 200


def test_a_short_key_is_none():
    with pytest.raises(SettingsError, match="SECRET_KEY: give at least 16"):
        Settings.read({"SECRET_KEY": "guess"})
