"""Pages of receipts, charges and monthly services."""

import re

import pytest

from app.bootstrap import Container
from receipts.delivery.status_updates import StatusUpdates
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import DisplayMode, Msisdn, ReceiptOutcome
from receipts.ports.provider import ProviderStatus
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import GUANGXI, SHANXI, a_receipt, standing
from tests.support.months import Months
from tests.web.portal.conftest import Browsers

FRIENDS = ("+8613800138000", "+8613800138001")


@pytest.mark.fixed_day
def test_receipts_are_listed_newest_first(customer: Browser, built: Container, clock: TestClock):
    assert "暂无回执记录" in customer.goes("receipts").text
    a_receipt(built, GUANGDONG, seed="0a")
    clock.move(minutes=1)
    a_receipt(
        built, GUANGDONG, seed="0b", outcome=ReceiptOutcome.FAILED, mode=DisplayMode.TEXT,
        recipient=Msisdn("+8613977112345"),
    )  # fmt: skip
    text = customer.goes("receipts").text
    assert "12:01 13977112345 未送达 12:01 普通短信" in text
    assert text.index("13977112345") < text.index("13957112345 已送达 12:00 闪信")


def test_all_receipts_that_are_kept_are_listed_in_pages(customer: Browser, built: Container):
    for index in range(65):
        friend = Msisdn(f"+86139571{index:05}")
        a_receipt(built, GUANGDONG, seed=f"{index:04x}", recipient=friend, text="…")
        if index % 3 == 0:
            notice = {"kind": MessageKind.NOTICE, "recipient": None}
            a_receipt(built, GUANGDONG, seed=f"{index:04x}e", **notice)
    pages = [customer.goes("receipts")]
    while older := pages[-1].link("next"):
        pages.append(customer.goes(older))
    shown = [re.findall(r"139571\d{5}", page.text) for page in pages]
    assert [len(each) for each in shown] == [30, 30, 5]
    assert [n for each in shown for n in each] == [f"139571{i:05}" for i in range(64, -1, -1)]
    assert ["较新的回执" in page.text for page in pages] == [False, True, True]
    back = customer.goes(pages[2].link("prev"))
    assert re.findall(r"139571\d{5}", back.text) == shown[1]
    assert re.findall(r"139571\d{5}", customer.goes(back.link("prev")).text) == shown[0]
    for odd in ("0", "-1", "x", "１", "9" * 40, ""):
        for name in ("older", "newer", "search"):
            assert customer.goes(f"receipts?{name}={odd}").text == pages[0].text


def test_new_receipt_moves_no_page(customer: Browser, built: Container):
    for index in range(40):
        a_receipt(built, GUANGDONG, seed=f"{index:04x}", recipient=Msisdn(f"+86139571{index:05}"))
    older = customer.goes("receipts").link("next")
    before = customer.goes(older).text
    a_receipt(built, GUANGDONG, seed="new")
    assert customer.goes(older).text == before


@pytest.mark.fixed_day
def test_charges_have_item_and_reason(
    browsers: Browsers, built: Container, clock: TestClock, network: Network
):
    months = Months(built, clock)
    browser = browsers(GUANGXI)
    browser.signs_in()
    assert "暂无费用记录" in browser.goes("charges").text
    network.open(GUANGXI)
    for index in range(21):
        network.status(f"SM{index:032x}", "delivered", sender=GUANGXI)
        months.send(GUANGXI)
    months.pass_to("2026-12-02 00:00")
    months.bill("2026-12")
    clock.move(minutes=1)
    browser.signs_in()
    text = browser.goes("charges").text
    assert "您于11月22日通过7500短信开通" in text
    assert "2026年12月 合计 0.5元" in text
    assert "月功能费（2026年11月） 开通当月 0.5元" in text
    assert "当月使用短信回执" in text
    assert "发给13957112345的短信已送达（免费额度内） 0元" in text
    english = browser.presses("english")
    assert english.status == 200
    assert "13957112345 was delivered (within the free allowance)" in browser.goes("charges").text
    assert "Monthly fee, November 2026 month of subscribing" in (browser.goes("charges").text)


@pytest.mark.fixed_day
def test_credit_names_the_text_of_its_receipt_in_the_month_of_the_news(
    browsers: Browsers, built: Container, clock: TestClock, network: Network
):
    months = Months(built, clock)
    network.open(SHANXI)
    for index in range(2):
        network.status(f"SM{index:032x}", "delivered", sender=SHANXI, friend=FRIENDS[index])
    months.send(SHANXI)
    months.pass_to("2026-12-02 00:00")
    (receipt,) = (
        each for each in built.store.receipts_of(Msisdn(SHANXI), 9, MessageKind.RECEIPT)
        if each.recipient == FRIENDS[1]
    )  # fmt: skip
    update = (receipt.id, ProviderStatus.UNDELIVERED, "undelivered 30003", None)
    for _ in range(2):
        assert StatusUpdates(built.store, built.lifecycle).apply(*update)
    browser = browsers(SHANXI)
    browser.signs_in()
    text = browser.goes("charges").text
    assert "2026年12月 合计 -0.1元" in text
    assert "12月2日 回执费退还 发给13800138001的短信，回执未送达 -0.1元" in text
    assert "2026年11月 合计 0.2元" in text
    assert text.count("回执费退还") == 1
    browser.presses("english")
    told = "Credit the receipt for your text to 13800138001 did not reach you -0.10 yuan"
    assert told in browser.goes("charges").text


@pytest.mark.fixed_day
def test_all_charges_that_are_kept_are_listed_in_pages(
    browsers: Browsers, built: Container, clock: TestClock, network: Network
):
    months = Months(built, clock)
    network.open(GUANGXI)
    kept = [(year, month) for year in range(2026, 2030) for month in range(1, 13)][10:40]
    for year, month in kept:
        months.pass_to(f"{year}-{month:02}-02 09:00")
        if month % 4:  # no bill in every fourth month
            months.bill(f"{year}-{month:02}")
    browser = browsers(GUANGXI)
    browser.signs_in()
    pages, shown = [browser.goes("charges").text], []
    while "更早的费用" in pages[-1]:
        pages.append(browser.goes(f"charges?page={len(pages) + 1}").text)
    for page in pages:
        shown += re.findall(r"(\d{4})年(\d+)月 合计", page)
    billed = [(str(y), str(m)) for y, m in kept if m % 4 or (y, m) == kept[0]]
    assert shown == billed[::-1]
    assert len(pages) == -(-len(billed) // 6)
    assert ["较新的费用" in page for page in pages] == [index > 0 for index in range(len(pages))]
    assert browser.goes(f"charges?page={len(pages) + 1}").text.count("暂无费用记录") == 1
    assert browser.goes("charges?page=x").text == pages[0]


@pytest.mark.fixed_day
def test_services_are_listed_and_cancelled(customer: Browser, built: Container):
    assert "您在7500没有已订业务" in customer.goes("services").text
    customer.opens()
    seen = customer.goes("services")
    assert "短信回执 使用中 每月1元" in seen.text
    assert customer.presses("cancel").state == "已取消，可用至11月30日"
    assert standing(built, GUANGDONG).state == "ending"
    seen = customer.goes("services")
    assert "已取消，可用至11月30日" in seen.text
    assert not seen.offers("cancel")
