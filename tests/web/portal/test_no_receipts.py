"""Texts without a receipt, each with its reason."""

import re

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG, UNICOM, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import stand
from web.portal import no_receipt_pages

FRIEND = "+8613957112345"


def report(network: Network, index: int, status: str = "delivered", friend: str = FRIEND) -> None:
    network.status(f"SM{index:032x}", status, sender=GUANGDONG, friend=friend)


def test_texts_without_receipt_are_listed_with_their_reasons(
    customer: Browser, network: Network, built: Container
):
    assert "没有这样的短信" in customer.goes("receipts/none").text
    network.open(GUANGDONG)
    report(network, 1, friend=UNICOM)
    report(network, 2)
    report(network, 3, "sent", friend="+8613977112345")
    stand(built, GUANGDONG, "suspended")
    report(network, 4, friend="+8613900000001")
    text = customer.goes("receipts").text
    assert "139571" in text
    seen = customer.goes(customer.seen.link("为什么有的短信没有回执？"))
    assert f"{UNICOM[3:]} 对方不是中国移动客户" in seen.text
    assert "13977112345 网络尚未给出最终结果" in seen.text
    assert "13900000001 当时服务已暂停" in seen.text
    assert "13957112345" not in seen.text  # it has its receipt
    stand(built, GUANGDONG, "active")
    report(network, 3, friend="+8613977112345")
    assert "13977112345" not in customer.goes("receipts/none?page=1").text


def test_texts_without_receipt_have_pages(
    customer: Browser, network: Network, clock: TestClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(no_receipt_pages, "_TEXTS", 3)
    network.open(GUANGDONG)
    for index in range(7):
        clock.move(seconds=1)
        report(network, index, friend=f"+861301111000{index}")
    pages = [customer.goes("receipts/none")]
    while older := pages[-1].link("next"):
        pages.append(customer.goes(older))
    found = [re.findall(r"1301111000(\d)", page.text) for page in pages]
    assert found == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
    assert customer.goes(pages[1].link("prev")).text == pages[0].text
