"""Requests for passcodes by strangers: who gets one, the bounds, and tries in other browsers."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from commands.diagnostics.checks import run_checks
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Msisdn
from receipts.store.connection import RedisConnection, connected
from tests.conftest import BEIJING, GUANGDONG, UNICOM, UNKNOWN, ZHEJIANG, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import HEBEI, SHANXI, stand
from tests.web.portal.conftest import Browsers

WRONG = "验证码不正确"
SATELLITE = "+8613490001234"
Limited = Callable[..., Callable[[], Browser]]


def outbox(raw: "redis.Redis") -> int:
    """The texts that were given to the workers."""
    return sum(raw.xlen(key) for key in raw.keys("*:outbox"))


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("sms_receipt_codes_total", {"result": result}) or 0


def asks(browser: Browser, number: str = GUANGDONG) -> int:
    """Ask for a code in a fresh form; the status of the page."""
    browser.goes("sign-in")
    return browser.presses("code", number=number).status


@pytest.mark.parametrize(
    ("number", "state", "texts"),
    [
        (GUANGDONG, "none", 1), (SHANXI, "none", 1), (UNKNOWN, "none", 1), (HEBEI, "active", 1),
        (BEIJING, "suspended", 1), (UNICOM, "ending", 1), (UNICOM, "none", 0),
        (BEIJING, "none", 0), (HEBEI, "none", 0), (SATELLITE, "none", 0),
        ("+8617091234567", "none", 0),
    ],
)  # fmt: skip
def test_only_a_number_that_can_use_the_portal_is_texted(
    browser: Browser, built: Container, raw: redis.Redis, number: str, state: str, texts: int
):
    if state != "none":
        stand(built, number, state)
    assert asks(browser, number) == 200
    assert outbox(raw) == texts


def test_page_is_the_same_whether_a_code_is_texted_or_not(browsers: Browsers):
    pages, headers, cookies = set(), set(), set()
    for number in (GUANGDONG, UNICOM, BEIJING, SATELLITE):
        browser = browsers(number)
        browser.goes("sign-in")
        answer = browser.client.post(
            "/hall/code", base_url=browser.base,
            data=browser.seen.form("code").fields | {"number": number},
        )  # fmt: skip
        headers.add(tuple((k, v) for k, v in answer.headers if k not in {"Set-Cookie", "Date"}))
        cookies.add(len(answer.headers["Set-Cookie"]) // 16)
        wrong = [browser.goes("code").form("enter") and browser.presses("enter", code="000000")]
        told = [browser.goes("code").text, *(each.text for each in wrong)]
        pages.add(tuple(text.replace(Msisdn(number).masked, "…") for text in told))
    assert (len(pages), len(headers), len(cookies)) == (1, 1, 1)


def test_store_has_no_code_that_is_not_texted(browsers: Browsers):
    browser = browsers(UNICOM)
    asks(browser, UNICOM)
    assert [text[:6] for text in browser.texts()] == ["------"]
    assert WRONG in browser.presses("enter", code="------").text


def test_form_is_taken_once(browser: Browser, raw: redis.Redis):
    form = browser.goes("sign-in").form("code")
    for tail in range(20):
        browser.sends(form, number=f"138028800{tail:02}")
    assert outbox(raw) == 1
    assert (browser.seen.status, browser.seen.told) == (
        400,
        ["此页面已提交过，请核对号码后再提交一次。"],
    )
    assert "验证码将以短信发送" in browser.presses("code", number=ZHEJIANG).text
    assert outbox(raw) == 2


def test_second_click_shows_the_page_of_the_first(browser: Browser, raw: redis.Redis):
    form = browser.goes("sign-in").form("code")
    first = browser.sends(form, number=GUANGDONG).text
    assert browser.sends(form, number=GUANGDONG).text == first
    assert outbox(raw) == 1


def test_two_tabs_each_send_their_form(browser: Browser, raw: redis.Redis):
    one, two = (browser.goes("sign-in").form("code") for _ in range(2))
    browser.sends(one, number=GUANGDONG)
    assert browser.sends(two, number=ZHEJIANG).status == 200
    assert outbox(raw) == 2


@pytest.mark.parametrize("once", ["a" * 16, "a" * 32, "", "-"])
def test_form_key_of_another_maker_is_refused(browser: Browser, raw: redis.Redis, once: str):
    form = browser.goes("sign-in").form("code")
    assert browser.sends(form, number=GUANGDONG, once=once).status == 400
    assert outbox(raw) == 0


def test_form_key_of_another_browser_is_refused(browsers: Browsers, raw: redis.Redis):
    mine, other = (browsers().goes("sign-in") for _ in range(2))
    del other
    stranger = browsers()
    form = stranger.goes("sign-in").form("code")
    form.fields["once"] = mine.form("code").fields["once"]
    assert stranger.sends(form, number=GUANGDONG).status == 400
    assert outbox(raw) == 0


@pytest.fixture
def limited(settings: Settings, built: Container, raw: redis.Redis) -> Limited:
    """Factory of fresh browsers of an application with other bounds."""

    def make(**bounds: int) -> Callable[[], Browser]:
        ours = replace(settings, **bounds)
        app = create_app(ours, replace(built, settings=ours))
        return lambda: Browser(app.test_client(), raw)

    return make


def test_requests_of_a_visitor_are_bounded(limited: Limited, raw: redis.Redis):
    fresh, before = limited(codes_per_visitor=3), counted("visitor")
    browser = fresh()
    statuses = [asks(browser, f"+861380288{tail:04}") for tail in range(5)]
    assert statuses == [200] * 3 + [429] * 2
    assert "请求过多，本次没有发送" in browser.seen.text
    assert 0 < int(browser.seen.answer.headers["Retry-After"]) <= 3600
    assert outbox(raw) == 3
    assert counted("visitor") == before + 2
    assert asks(fresh()) == 200


def test_requests_of_an_address_are_bounded(limited: Limited, raw: redis.Redis):
    fresh = limited(codes_per_address=3)
    statuses = [asks(fresh(), f"+861380288{tail:04}") for tail in range(5)]
    assert statuses == [200] * 3 + [429] * 2
    assert outbox(raw) == 3
    elsewhere = fresh()
    elsewhere.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    assert asks(elsewhere) == 200


def test_address_in_a_header_of_a_stranger_is_not_believed(limited: Limited):
    fresh, statuses = limited(codes_per_address=3), []
    for tail in range(5):
        browser = fresh()
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{tail}"
        statuses.append(asks(browser, f"+861380288{tail:04}"))
    assert statuses == [200] * 3 + [429] * 2


def test_all_requests_together_are_bounded_with_an_alarm(limited: Limited, raw: redis.Redis):
    fresh = limited(codes_a_minute=2)
    with capture_logs() as logs:
        statuses = [asks(fresh(), f"+861380288{tail:04}") for tail in range(6)]
    assert statuses == [200] * 2 + [429] * 4
    assert outbox(raw) == 2
    assert sum("CODES_A_MINUTE" in entry["event"] for entry in logs) == 1


def test_doctor_tells_when_all_requests_together_reach_their_bound(
    limited: Limited, settings: Settings
):
    fresh, ours = limited(codes_a_minute=2), replace(settings, codes_a_minute=2)
    told = []
    for tail in range(3):
        (line,) = (each for each in run_checks(ours) if "sign-in codes" in each.subject)
        told.append((line.ok, f"{tail} of 2" in line.subject))
        asks(fresh(), f"+861380288{tail:04}")
    assert told == [(True, True), (True, True), (False, True)]


def test_requests_are_counted_by_result(browser: Browser, browsers: Browsers):
    names = ("asked", "sent", "no_service", "too_soon")
    before = [counted(name) for name in names]
    asks(browser)
    asks(browser)
    asks(browsers(UNICOM), UNICOM)
    assert [counted(n) - was for n, was in zip(names, before, strict=True)] == [3, 1, 1, 1]


def test_request_without_the_counters_store_gets_a_kind_page(
    settings: Settings, built: Container, raw: redis.Redis
):
    nowhere = RedisConnection(connected("redis://127.0.0.1:9"))
    lost = replace(built, clients=replace(built.clients, connection=nowhere))
    browser = Browser(create_app(settings, lost).test_client(), raw)
    assert asks(browser) == 503
    assert "操作未成功" in browser.seen.text
    assert outbox(raw) == 0


def wrong_code(browser: Browser) -> str:
    return f"{(int(browser.code()) + 1) % 1_000_000:06}"


def strangers_try(browsers: Browsers, owner: Browser, times: int) -> Browser:
    """Another browser that asks for a code of the same number, which is too soon, and guesses."""
    stranger = browsers()
    asks(stranger)
    for _ in range(times):
        assert WRONG in stranger.presses("enter", code=wrong_code(owner)).text
    return stranger


def test_wrong_tries_of_another_browser_leave_the_owner_the_code(
    browser: Browser, browsers: Browsers, built: Container
):
    asks(browser)
    stranger = strangers_try(browsers, browser, 9)
    assert WRONG in stranger.presses("enter", code=browser.code()).text
    (told,) = built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.NOTICE)
    assert "在另一浏览器多次输错" in told.text
    assert browser.presses("enter", code=browser.code()).state == "未开通"


def test_fewer_wrong_tries_of_another_browser_are_not_told(
    browser: Browser, browsers: Browsers, built: Container
):
    asks(browser)
    stranger = strangers_try(browsers, browser, 4)
    assert stranger.presses("enter", code=browser.code()).state == "未开通"
    assert built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.NOTICE) == []


def test_phone_is_told_of_strangers_once_a_day(
    browser: Browser, browsers: Browsers, built: Container, clock: TestClock
):
    clock.move_to_next_morning()
    for _ in range(4):
        asks(browser)
        strangers_try(browsers, browser, 6)
        clock.move(minutes=6)
    assert len(built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.NOTICE)) == 1
    clock.move(days=1)
    asks(browser)
    strangers_try(browsers, browser, 6)
    assert len(built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.NOTICE)) == 2


def test_guesses_of_many_browsers_at_one_code_are_bounded(
    browser: Browser, browsers: Browsers, built: Container
):
    asks(browser)
    for _ in range(12):
        strangers_try(browsers, browser, 1)
    (code,) = built.store.load(Msisdn(GUANGDONG), login=True).login.codes
    assert (code.tries, code.other_tries) == (0, 5)


def test_texts_still_work_when_strangers_use_up_the_codes(
    browsers: Browsers, network: Network, clock: TestClock
):
    for _ in range(5):
        asks(browsers())
        clock.move(minutes=1)
    assert network.text(GUANGDONG, "KTDXHZ").text.count("<Message>") == 1
