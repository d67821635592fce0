"""Search of receipts by recipient and day; the receipt's own words and what became of it."""

import re

import pytest

from app.bootstrap import Container
from receipts.model.message import FailureCause
from receipts.model.receipt import MessageKind
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import DisplayMode, FailureReason, Language, Msisdn, ReceiptOutcome
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import GUANGXI, a_receipt
from tests.web.portal.conftest import Browsers

FRIENDS = ("13957112345", "13957112346", "13977112345")


@pytest.fixture
def history(customer: Browser, built: Container, clock: TestClock) -> Browser:
    """A signed-in customer with a text to each friend on each of three days, oldest first."""
    for at in range(3):
        for index, friend in enumerate(FRIENDS):
            sent = ReportedTime(built.clock.now())
            number = Msisdn(f"+86{friend}")
            seed, text = f"{at}{index}", f"text {at}"
            a_receipt(built, GUANGDONG, seed=seed, recipient=number, text=text, text_sent=sent)
        clock.move(days=1)
    customer.signs_in()
    return customer


def found(browser: Browser) -> list[str]:
    """The recipients of the rows, newest first."""
    return re.findall(r"<td>(1[0-9]{10})</td>", browser.seen.html)


def searches(browser: Browser, to: str = "", day: str = "") -> None:
    browser.goes("receipts")
    browser.presses("receipts/search", to=to, day=day)


@pytest.mark.parametrize(
    ("typed", "friends"),
    [
        ("345", (0, 2)), ("13957112346", (1,)), ("+86 139 7711 2345", (2,)),
        ("8613957112345", (0,)), ("００８６１３９５７１１２３４５", (0,)), ("112-346", (1,)),
        (" ", (0, 1, 2)), ("999", ()),
    ],
)  # fmt: skip
def test_recipient_is_found_by_number_or_last_digits(
    history: Browser, typed: str, friends: tuple[int, ...]
):
    searches(history, to=typed)
    assert set(found(history)) == {FRIENDS[index] for index in friends}
    assert len(found(history)) == 3 * len(friends)
    assert ("没有符合条件的回执" in history.seen.text) == (not friends)


@pytest.mark.fixed_day
def test_day_is_that_of_the_text_in_china(history: Browser, built: Container):
    late = "2026-11-24T15:59:00+00:00"  # 23:59 in China
    for seed, at in (("a1", late), ("a2", "2026-11-24T16:00:00+00:00")):
        sent = ReportedTime(built.clock.now().fromisoformat(at))
        a_receipt(built, GUANGDONG, seed=seed, recipient=Msisdn("+8613811112222"), text_sent=sent)
    searches(history, to="2222", day="2026-11-24")
    assert found(history) == ["13811112222"]
    searches(history, day="2026-11-23")
    assert found(history) == list(FRIENDS[::-1])
    for empty in ("2026-11-21", "2027-01-01", "2000-01-01", "2099-12-31"):
        searches(history, day=empty)
        assert found(history) == []
        assert history.seen.status == 200


@pytest.mark.parametrize(
    ("to", "day", "wrong"),
    [
        ("12", "", {"to"}), ("abc", "", {"to"}), ("1" * 16, "", {"to"}), ("", "yesterday", {"day"}),
        ("", "2026-02-30", {"day"}), ("", "9999-12-31", {"day"}), ("", "0001-01-01", {"day"}),
        ("x", "2026-13-01", {"to", "day"}), ("<b>", "", {"to"}),
    ],
)  # fmt: skip
def test_wrong_search_keeps_what_was_typed_and_points_to_it(
    history: Browser, to: str, day: str, wrong: set[str]
):
    searches(history, to=to, day=day)
    seen = history.seen
    assert seen.status == 400
    assert found(history) == []
    assert (seen.value("to"), seen.value("day")) == (to, day)
    for name in ("to", "day"):
        (field,) = re.findall(rf'<input id="{name}"[^>]*>', seen.html)
        points = f'aria-invalid="true" aria-describedby="error-{name}"' in field
        assert points == (name in wrong)
        assert (f'id="error-{name}"' in seen.html) == (name in wrong)
    assert "输入有误" in re.findall("<title>(.+)</title>", seen.html)[0]


def test_number_is_in_no_address_and_search_is_good_for_one_customer(
    history: Browser, browsers: Browsers
):
    searches(history, to="13957112345")
    address = history.addresses[-1]
    assert "search=" in address
    assert "112345" not in address
    assert history.seen.value("to") == "13957112345"
    other = browsers(GUANGXI)
    other.signs_in()
    assert other.goes(address.removeprefix("/hall/")).value("to") == ""
    changed = address[:-5] + "AAAAA"
    assert history.goes(changed.removeprefix("/hall/")).value("to") == ""


def test_search_without_a_token_is_refused(history: Browser):
    history.goes("receipts")
    form = history.seen.form("receipts/search")
    assert history.sends(form, csrf_token="x", to="345").status == 403


def test_pages_of_a_search_stay_in_the_search(customer: Browser, built: Container):
    for index in range(70):
        friend = FRIENDS[index % 2]
        a_receipt(built, GUANGDONG, seed=f"{index:04}", recipient=Msisdn(f"+86{friend}"), text="…")
    searches(customer, to="2346")
    first = found(customer)
    customer.goes(customer.seen.link("next"))
    assert (len(first), len(found(customer))) == (30, 5)
    assert set(found(customer)) == {FRIENDS[1]}
    customer.goes(customer.seen.link("prev"))
    assert found(customer) == first


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (FailureReason.SWITCHED_OFF, "对方手机关机或不在服务区 · "),
        (FailureReason.FAILED, "原因不明 · "),
        (FailureReason.EXPIRED, "在有效期内未能送达，可稍后再发 · "), (None, ""),
    ],
)  # fmt: skip
def test_failure_is_explained_as_its_receipt_does(
    customer: Browser, built: Container, failure: FailureReason | None, told: str
):
    fates = {
        ReceiptState.DUE: "回执待发送",
        ReceiptState.SENT: "回执已发出",
        ReceiptState.DELIVERED: "回执已送达您的手机",
        ReceiptState.UNDELIVERED: "回执未能送达您的手机",
        ReceiptState.UNSURE: "回执是否发出待核实",
    }
    for index, (state, fate) in enumerate(fates.items()):
        a_receipt(
            built, GUANGDONG, seed=f"{index}", outcome=ReceiptOutcome.FAILED, failure=failure,
            mode=DisplayMode.TEXT, state=state,
        )  # fmt: skip
        assert f"普通短信 {told}{fate}" in customer.goes("receipts").text


def test_report_leads_to_the_reason_in_the_list(
    customer: Browser, network: Network, built: Container
):
    network.open(GUANGDONG)
    network.status("SM" + "1" * 32, "undelivered", sender=GUANGDONG)
    (made,) = built.store.receipts_of(Msisdn(GUANGDONG), 9, MessageKind.RECEIPT)
    assert made.failure is FailureReason.FAILED
    assert "未送达" in customer.goes("receipts").text
    assert "原因不明" in customer.seen.text
    network.status("SM" + "2" * 32, "delivered", sender=GUANGDONG)
    assert built.store.receipts_of(Msisdn(GUANGDONG), 1, MessageKind.RECEIPT)[0].failure is None


def test_every_reason_and_state_of_a_receipt_has_its_words(built: Container):
    texts = built.portal(lambda: Msisdn(GUANGDONG)).catalogue
    for language in Language:
        said = {texts.render(f"progress.{state}", language) for state in ReceiptState}
        assert len(said) == len(ReceiptState)
    assert all(f"reason.{reason}" in texts for reason in FailureReason)
    causes = {FailureReason(cause.value) for cause in FailureCause if cause != "unknown"}
    assert causes < set(FailureReason)
