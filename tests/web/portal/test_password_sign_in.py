"""Sign-in with the service password, where the rule book allows it, and its change."""

import pytest
import redis
from werkzeug.security import generate_password_hash

from app.bootstrap import Container
from receipts.model.customer import CustomerCredentials
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from tests.conftest import GUANGDONG, JILIN, UNICOM, TestClock
from tests.support.browser import Browser
from tests.support.counter import QUICK
from tests.support.fixtures import notices
from tests.support.plain_store import plain_bytes
from tests.web.portal.conftest import Browsers

PASSWORD, NEW, WRONG = "246813", "951847", "975310"


def knows(built: Container, number: str = GUANGDONG, *, initial: bool = False) -> None:
    digest = generate_password_hash(PASSWORD, QUICK)
    known = CustomerCredentials(
        Msisdn(number), 1, password_digest=digest, password_is_initial=initial
    )
    built.store.commit(ChangeSet(known.number, records=(known,)))


def credentials(built: Container, number: str = GUANGDONG) -> CustomerCredentials:
    found = built.store.load(Msisdn(number), credentials=True).credentials
    assert found is not None
    return found


def enter(browser: Browser, password: str, number: str = GUANGDONG) -> Browser:
    browser.goes("password-sign-in")
    browser.presses("password-sign-in", number=number, password=password)
    return browser


def change(browser: Browser, present: str, new: str, again: str = "") -> str:
    browser.goes("password")
    browser.presses("password", present=present, new=new, again=again or new)
    return browser.seen.told[0]


def is_signed_in(browser: Browser) -> bool:
    browser.goes("")
    return bool(browser.seen.state)


def test_number_and_password_sign_in(browser: Browser, built: Container):
    knows(built)
    browser.goes("sign-in")
    assert browser.seen.link("用服务密码登录") == "password-sign-in"
    enter(browser, "２４６８１３")  # full width, as some keyboards type
    assert is_signed_in(browser)


@pytest.mark.parametrize("number", [JILIN, UNICOM, "+8613802880001"])
def test_answer_does_not_tell_numbers_apart(browsers: Browsers, built: Container, number: str):
    """A province without it, another network, no password: all as a wrong password."""
    knows(built)
    if number == JILIN:
        knows(built, JILIN)
    told = [enter(browsers(), WRONG).seen, enter(browsers(number), PASSWORD, number).seen]
    pages = {(each.status, each.text) for each in told}
    assert len(pages) == 1
    assert told[0].status == 400
    assert not is_signed_in(browsers(number))


def test_province_without_it_counts_no_wrong_tries(browser: Browser, built: Container):
    knows(built, JILIN)
    enter(browser, WRONG, JILIN)
    assert credentials(built, JILIN).wrong_tries == 0


def test_three_wrong_tries_lock_it_for_the_day(
    browser: Browser, built: Container, clock: TestClock
):
    knows(built)
    answers = {enter(browser, WRONG).seen.text for _ in range(3)}
    answers.add(enter(browser, PASSWORD).seen.text)
    assert len(answers) == 1
    assert len(notices(built, GUANGDONG)) == 1
    assert not is_signed_in(browser)
    clock.move_to_next_morning()
    enter(browser, PASSWORD)
    assert is_signed_in(browser)


def test_repeated_form_counts_one_try(browser: Browser, built: Container):
    knows(built)
    browser.goes("password-sign-in")
    form = browser.seen.form("password-sign-in")
    for _ in range(3):
        browser.sends(form, number=GUANGDONG, password=WRONG)
    assert credentials(built).wrong_tries == 1


def test_first_password_signs_nobody_in_and_is_changed_after_a_code(
    browser: Browser, built: Container
):
    knows(built, initial=True)
    enter(browser, PASSWORD)
    assert "初始" in browser.seen.told[0]
    assert not is_signed_in(browser)
    browser.signs_in()
    assert "已修改" in change(browser, PASSWORD, NEW)
    assert not credentials(built).password_is_initial
    browser.goes("")
    browser.presses("sign-out")
    enter(browser, NEW)
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    ("present", "new", "again", "said"),
    [
        (WRONG, NEW, "", "不正确"),
        (PASSWORD, NEW, "951848", "不一致"),
        (PASSWORD, "12345", "", "6位"),
        (PASSWORD, "111111", "", "重复"),
        (PASSWORD, "121212", "", "重复"),
        (PASSWORD, "123456", "", "连续"),
        (PASSWORD, "654321", "", "连续"),
        (PASSWORD, "138028", "", "手机号码"),
    ],
)
def test_refused_change_keeps_the_password(
    customer: Browser, built: Container, present: str, new: str, again: str, said: str
):
    knows(built)
    before = credentials(built).password_digest
    assert said in change(customer, present, new, again)
    assert customer.seen.status == 400
    assert credentials(built).password_digest == before


def test_change_without_a_password_names_the_store(customer: Browser):
    assert "营业厅" in change(customer, PASSWORD, NEW)


def test_tries_of_a_change_count_into_the_three_of_the_day(customer: Browser, built: Container):
    knows(built)
    for _ in range(3):
        change(customer, WRONG, NEW)
    assert "锁定" in change(customer, PASSWORD, NEW)


def test_no_password_is_in_the_store(customer: Browser, built: Container, raw: redis.Redis):
    knows(built)
    change(customer, PASSWORD, NEW)
    kept = b"".join(plain_bytes(raw, key) for key in raw.scan_iter())
    assert NEW.encode() not in kept
    assert PASSWORD.encode() not in kept


def test_requests_are_bounded_as_those_for_codes(browser: Browser, built: Container):
    knows(built)
    seen = {enter(browser, f"9753{n:02}").seen.status for n in range(40)}
    assert seen == {400, 429}


def test_form_of_another_browser_is_refused(browser: Browser, browsers: Browsers):
    browser.goes("password-sign-in")
    form = browser.seen.form("password-sign-in")
    other = browsers()
    other.goes("password-sign-in")
    assert other.sends(form, number=GUANGDONG, password=PASSWORD).status == 403
