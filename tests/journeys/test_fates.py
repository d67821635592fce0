"""The last digits of the recipient choose the report; the sender gets one receipt of it."""

import pytest

from tests.support.phones import BEGIN, Phone, Phones
from tests.support.product import Service

TAILS = {
    **dict.fromkeys(("1111", "0005", "0006", "0007", "0008"), "delivered"),
    **dict.fromkeys(("0001", "0002"), "failed"),
    "0003": "rejected",
}
Receipts = dict[str, list[dict[str, str]]]
NEVER, OFF_NET = f"{BEGIN['CN-ZJ']}0004", f"{BEGIN['unicom']}2345"


def friend(tail: str) -> str:
    return f"{BEGIN['CN-ZJ']}{tail}"


@pytest.fixture(scope="module")
def sender(phones: Phones) -> Phone:
    """A customer with a text for each delivery scenario, after the slowest report."""
    phone = phones.fresh("CN-GD").opens()
    phone.asks("PT")  # flashes of one moment would come as one
    for tail in TAILS:
        phone.text(friend(tail), f"hello {tail}")
    phone.text(NEVER, "hello nobody")
    phone.text(OFF_NET, "hello elsewhere")
    slow = friend("0007")
    phone.wait(lambda e: e["kind"] == "text" and slow in e["body"], what=f"the receipt for {slow}")
    return phone


@pytest.fixture(scope="module")
def receipts(sender: Phone, service: Service) -> Receipts:
    """Output of ``sms-receipt receipts``, by recipient."""
    found: Receipts = {}
    for receipt in service.lines("receipts", sender.number, "--limit", "100"):
        found.setdefault(receipt["to"].removeprefix("+86"), []).append(receipt)
    return found


@pytest.mark.parametrize(("tail", "outcome"), TAILS.items())
def test_each_final_status_gives_exactly_one_receipt(
    sender: Phone, phones: Phones, receipts: Receipts, tail: str, outcome: str
):
    assert [r["outcome"] for r in receipts[friend(tail)]] == [outcome]
    assert sum(friend(tail) in body for body in sender.arrived()) == 1
    assert sum(friend(tail) in m["body"] for m in phones.sent_to(sender.number)) == 1


def test_receipt_text_follows_the_status(sender: Phone):
    texts = {tail: next(b for b in sender.arrived() if friend(tail) in b) for tail in TAILS}
    assert "短信已" in texts["1111"]
    assert "未送达：对方" in texts["0001"]
    assert "关机" in texts["0001"]
    assert "空号" in texts["0002"]
    assert "被网络拒绝" in texts["0003"]
    assert "短信已" in texts["0008"], "the first final status stands"


def test_text_without_a_report_gives_no_receipt(sender: Phone, receipts: Receipts):
    assert NEVER not in receipts
    assert not [body for body in sender.arrived() if NEVER in body]


def test_off_net_recipient_gives_no_receipt(sender: Phone, receipts: Receipts):
    reported = [e for e in sender.told("delivered") if OFF_NET in e["to"]]
    assert [e["answer"] for e in reported] == ["204"], "the report was taken"
    assert OFF_NET not in receipts
    assert not [body for body in sender.arrived() if OFF_NET in body]


def test_each_report_is_taken_at_the_first_attempt(sender: Phone):
    assert {(e["answer"], e["attempt"]) for e in sender.told()} == {("204", 1)}


def test_number_without_subscription_gets_no_receipt(phones: Phones):
    stranger, other = phones.fresh("CN-GD"), phones.fresh("CN-GD").opens()
    stranger.text(friend("1111"), "hi")
    stranger.wait(
        lambda e: e["kind"] == "callback" and e["news"] == "delivered", what="the network's report"
    )
    # A receipt requested later arrives: one for the stranger would be here by now.
    other.text(friend("1111"), "hi")
    other.flash()
    assert stranger.arrived() == []
    assert phones.sent_to(stranger.number) == []
