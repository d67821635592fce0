"""The friend's last digits decide what the network reports; the sender hears it once."""

import json

import pytest

from tests.support.phones import BEGIN, Phone, Phones
from tests.support.product import Running

TAILS = {
    "1111": "delivered",
    "0001": "failed",
    "0002": "failed",
    "0003": "rejected",
    "0005": "delivered",
    "0006": "delivered",
    "0007": "delivered",
    "0008": "delivered",
}
NEVER, OFF_NET = f"{BEGIN['CN-ZJ']}0004", f"{BEGIN['unicom']}2345"


def friend(tail: str) -> str:
    return f"{BEGIN['CN-ZJ']}{tail}"


@pytest.fixture(scope="module")
def sender(phones: Phones) -> Phone:
    """A customer who has texted a friend of every fate, after the slowest was heard of."""
    phone = phones.fresh("CN-GD").opens()
    phone.asks("PT")  # flashes of one moment would come as one
    for tail in TAILS:
        phone.text(friend(tail), f"hello {tail}")
    phone.text(NEVER, "hello nobody")
    phone.text(OFF_NET, "hello elsewhere")
    slow = friend("0007")
    phone.wait(lambda e: e["kind"] == "text" and slow in e["body"], 20, f"the receipt for {slow}")
    return phone


@pytest.fixture(scope="module")
def receipts(sender: Phone, service: Running) -> dict[str, list[dict[str, str]]]:
    """What ``sms-receipt receipts`` prints, by friend."""
    told: dict[str, list[dict[str, str]]] = {}
    for line in service.command("receipts", sender.number, "--limit", "100").stdout.splitlines():
        receipt = json.loads(line)
        told.setdefault(receipt["to"].removeprefix("+86"), []).append(receipt)
    return told


@pytest.mark.parametrize(("tail", "outcome"), TAILS.items())
def test_every_final_fate_gives_exactly_one_receipt(
    sender: Phone,
    phones: Phones,
    receipts: dict[str, list[dict[str, str]]],
    tail: str,
    outcome: str,
) -> None:
    assert [r["outcome"] for r in receipts[friend(tail)]] == [outcome]
    assert len([body for body in sender.arrived() if friend(tail) in body]) == 1
    assert len([m for m in phones.sent_to(sender.number) if friend(tail) in m["body"]]) == 1


def test_the_words_of_each_receipt_follow_its_fate(sender: Phone) -> None:
    told = {tail: next(b for b in sender.arrived() if friend(tail) in b) for tail in TAILS}
    assert "成功送达" in told["1111"]
    assert "未送达：对方" in told["0001"]
    assert "停机、空号" in told["0002"]
    assert "被网络拒绝" in told["0003"]
    assert "成功送达" in told["0008"], "the first final word stands"


def test_a_text_nobody_reports_on_gives_no_receipt(
    sender: Phone, receipts: dict[str, list[dict[str, str]]]
) -> None:
    assert NEVER not in receipts
    assert not [body for body in sender.arrived() if NEVER in body]


def test_an_off_net_friend_gives_no_receipt(
    sender: Phone, receipts: dict[str, list[dict[str, str]]]
) -> None:
    reported = [e for e in sender.told("delivered") if OFF_NET in e["to"]]
    assert [e["answer"] for e in reported] == ["204"], "the network reported, and was heard"
    assert OFF_NET not in receipts
    assert not [body for body in sender.arrived() if OFF_NET in body]


def test_every_report_of_the_network_was_taken_at_once(sender: Phone) -> None:
    told = sender.told()
    assert told
    assert {(e["answer"], e["attempt"]) for e in told} == {("204", 1)}


def test_a_person_who_never_subscribed_gets_no_receipt(phones: Phones) -> None:
    stranger, other = phones.fresh("CN-GD"), phones.fresh("CN-GD").opens()
    stranger.text(friend("1111"), "hi")
    stranger.wait(
        lambda e: e["kind"] == "callback" and e["news"] == "delivered", 5, "the network's report"
    )
    # A customer's receipt, asked for later, has come: the stranger's would have been here first.
    other.text(friend("1111"), "hi")
    other.flash()
    assert stranger.arrived() == []
    assert phones.sent_to(stranger.number) == []
