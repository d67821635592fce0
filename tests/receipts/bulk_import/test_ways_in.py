"""Ported numbers and unknown provinces in texts and calls."""

import pytest

from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Msisdn
from tests.conftest import BEIJING, GUANGDONG, UNICOM, UNKNOWN, ZHEJIANG, Network
from tests.receipts.bulk_import.conftest import Desk
from tests.support.caller import Call


def call(network: Network, caller: str, sid: str = "CA01") -> str:
    """The first prompt of a call."""
    return network.post("/voice", CallSid=sid, From=caller, To="10086").get_data(as_text=True)


def receipts(desk: Desk, number: str) -> list[str | None]:
    found = desk.built.store.receipts_of(Msisdn(number), 10, MessageKind.RECEIPT)
    return [receipt.recipient for receipt in found]


def test_recipient_ported_out_gives_no_receipt(desk: Desk, network: Network):
    network.open(GUANGDONG)
    network.status("SM01", "delivered", friend=ZHEJIANG)
    desk.ported("13957112345,china_telecom", name="left.csv")
    network.status("SM02", "delivered", friend=ZHEJIANG)
    assert receipts(desk, GUANGDONG) == [ZHEJIANG]
    desk.ported("13957112345,china_mobile", name="back.csv")
    network.status("SM03", "delivered", friend=ZHEJIANG)
    assert receipts(desk, GUANGDONG) == [ZHEJIANG, ZHEJIANG]


def test_recipient_ported_in_gives_receipts(desk: Desk, network: Network):
    network.open(GUANGDONG)
    network.status("SM01", "delivered", friend=UNICOM)
    assert receipts(desk, GUANGDONG) == []
    desk.ported("13001012345,china_mobile")
    network.status("SM02", "delivered", friend=UNICOM)
    assert receipts(desk, GUANGDONG) == [UNICOM]


def test_number_ported_in_may_subscribe(desk: Desk, network: Network):
    refused = network.text(UNICOM, "开通短信回执").get_data(as_text=True)
    assert "回复“是”" not in refused
    assert "Gather" not in call(network, UNICOM)
    desk.customers("13001012345,china_mobile,CN-GD")
    assert "Gather" in call(network, UNICOM, "CA02")
    network.open(UNICOM)
    assert desk.shown(UNICOM)["state"] == "active"
    assert desk.shown(UNICOM)["province"] == "CN-GD"


def test_number_ported_out_is_refused(desk: Desk, network: Network):
    ours = network.text(UNICOM, "开通短信回执").get_data(as_text=True)
    desk.ported("13802880000,china_unicom")
    left = network.text(GUANGDONG, "开通短信回执").get_data(as_text=True)
    assert left == ours
    assert call(network, GUANGDONG) == call(network, UNICOM)
    network.open(GUANGDONG)
    assert desk.shown(GUANGDONG)["state"] == "none"


@pytest.mark.parametrize(
    ("word", "told"),
    [("KFJL", "合计1元"), ("0000", "没有"), ("QXDXHZ", "尚未开通"), ("ZJHZ", "回执记录")],
)
def test_number_ported_out_may_still_query(desk: Desk, network: Network, word: str, told: str):
    network.open(GUANGDONG)
    desk.ported("13802880000,china_unicom")
    assert told in network.text(GUANGDONG, word).get_data(as_text=True)
    assert "仅限中国移动" in network.text(GUANGDONG, "KTDXHZ").get_data(as_text=True)


def test_unknown_province_is_asked_for_by_text_without_a_price(desk: Desk, network: Network):
    asked = network.text(UNKNOWN, "开通短信回执").get_data(as_text=True)
    assert "1 广东" in asked
    assert "元" not in asked
    network.text(UNKNOWN, "6")
    assert desk.shown(UNKNOWN)["province"] == "CN-ZJ"
    assert desk.shown(UNKNOWN)["source"] == "asked"
    network.open(UNKNOWN)
    assert desk.shown(UNKNOWN)["state"] == "active"


@pytest.mark.parametrize("answer", ["浙江省", "zhejiang", "Zhejiang Province", "CN-ZJ", "浙"])
def test_home_province_is_named_in_any_form(desk: Desk, network: Network, answer: str):
    network.text(UNKNOWN, "开通短信回执")
    network.text(UNKNOWN, answer)
    assert desk.shown(UNKNOWN)["province"] == "CN-ZJ"


def test_unknown_province_is_asked_for_in_a_call(desk: Desk, network: Network):
    assert "at=language" in call(network, UNKNOWN)
    caller = Call(network, UNKNOWN)
    caller.dials()
    asked = caller.presses("1")
    assert asked.place["at"] == "which_province"
    assert "元" not in asked.text
    assert desk.of(UNKNOWN).province is None


def test_key_without_a_province_is_refused(desk: Desk, network: Network):
    caller = Call(network, UNKNOWN)
    caller.dials()
    caller.presses("1")
    assert "at=which_province" in caller.presses("D").link
    assert desk.of(UNKNOWN).province is None
    caller.presses("8")
    assert desk.of(UNKNOWN).province == "CN-SN"


def test_listed_province_is_not_asked_for(desk: Desk, network: Network):
    desk.customers("19512345678,china_mobile,CN-FJ")
    assert "免费" in network.text(UNKNOWN, "开通短信回执").get_data(as_text=True)
    assert "at=which_province" not in call(network, UNKNOWN)


@pytest.mark.parametrize(("province", "price"), [("CN-FJ", "免费"), ("CN-HE", "每月1.5元")])
def test_recorded_province_wins_over_the_prefix(
    desk: Desk, network: Network, province: str, price: str
):
    desk.customers(f"13802880000,china_mobile,{province}")
    assert price in network.text(GUANGDONG, "开通短信回执").get_data(as_text=True)


def test_customer_of_an_uncovered_province_is_refused(desk: Desk, network: Network):
    uncovered = network.text(BEIJING, "开通短信回执").get_data(as_text=True)
    assert "北京" in uncovered
    desk.customers("13802880000,china_mobile,CN-BJ")
    assert network.text(GUANGDONG, "开通短信回执").get_data(as_text=True) == uncovered
