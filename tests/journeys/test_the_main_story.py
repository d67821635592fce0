"""The main story: subscribe, text, read receipts, change the mode, cancel."""

import re
from collections.abc import Callable

from tests.support.phones import Event, Phone, Phones, seconds_between
from tests.support.product import Service

GUANGDONG, ZHEJIANG, JILIN = "13802880000", "13957112345", "13844012345"


def test_customer_subscribes_changes_the_mode_and_cancels(phones: Phones, service: Service):
    phone = phones.standing(GUANGDONG)
    _open_by_text(phone)
    _text_a_friend(phone, "晚上一起吃饭吗?", phone.flash)
    assert "普通短信" in phone.asks("PT")
    _text_a_friend(phone, "七点?", lambda: phone.inbox("7500"))
    _switch_back_and_cancel_by_phone(phone)
    _read_what_the_call_did(phone)
    shown = service.shows(GUANGDONG)
    assert (shown["state"], shown["mode"], shown["channel"]) == ("ending", "flash", "text")
    assert shown["ends_at"] > shown["opened_at"]
    _text_a_friend(phone, "到了吗?", phone.flash)  # active to the end of the month


def _open_by_text(phone: Phone) -> None:
    offer = phone.asks("KTDXHZ")
    assert "每月1元" in offer
    assert "回复“是”确认" in offer
    assert "已开通" in phone.asks("是")


def _text_a_friend(phone: Phone, words: str, receipt: Callable[[], Event]) -> None:
    phone.text(ZHEJIANG, words)
    texted = phone.wait(lambda e: e.get("peer") == ZHEJIANG, what="its own text")
    told = receipt()
    sentence = f"您[0-9:]+发给{ZHEJIANG}的短信已(于[0-9:]+)?送达。"
    assert re.fullmatch(sentence, told["body"])
    assert seconds_between(texted, told) <= 2


def _switch_back_and_cancel_by_phone(phone: Phone) -> None:
    phone.calls()
    phone.hears("改收闪信请按 6")  # the menu follows the mode
    phone.presses("6")
    phone.hears("今后回执以闪信")
    phone.presses("2")
    phone.hears("确认取消请按 1")
    phone.presses("1")
    phone.hears("短信回执已取消")
    phone.hangs_up()


def _read_what_the_call_did(phone: Phone) -> None:
    summary = phone.inbox("7500")["body"]
    assert "您致电10086已办理" in summary
    assert "回执已改为闪信" in summary
    assert "取消短信回执" in summary


def test_caller_subscribes_by_keys_after_the_price(phones: Phones):
    phone = phones.fresh("CN-GD")
    phone.calls()
    for prompt in ("普通话请按 1", "开通短信回执请按 1", "每月1元"):
        phone.hears(prompt)
        phone.presses("1")
    phone.hears("已开通")
    phone.hangs_up()
    assert "您致电10086已办理：已开通短信回执" in phone.inbox("7500")["body"]
    phone.text(ZHEJIANG, "hi")
    assert "短信已" in phone.flash()["body"]


def test_english_customer_gets_english_from_offer_to_receipt(phones: Phones):
    phone = phones.fresh("CN-GD")
    assert "Reply Y within 48 hours" in phone.asks("subscribe")
    assert phone.asks("y").startswith("SMS Receipt is on: 1 yuan a month.")
    phone.text(ZHEJIANG, "hello")
    sentence = f"Your text to {ZHEJIANG} .[0-9:]+. was delivered( at [0-9:]+)?[.]"
    assert re.fullmatch(sentence, phone.flash()["body"])


def test_no_subscription_without_a_yes(phones: Phones, service: Service):
    phone = phones.fresh("CN-GD")
    phone.asks("KTDXHZ")
    assert "未开通" in phone.asks("否")
    assert service.shows(phone.number)["state"] == "none"
    assert service.lines("charges", phone.number) == []


def test_texts_to_several_recipients_at_once_share_one_flash(phones: Phones, service: Service):
    phone = phones.fresh("CN-GD").opens()
    for friend in (ZHEJIANG, JILIN):
        phone.text(friend, "hi")
    text = f"您发出的2条短信：{JILIN}、{ZHEJIANG}已送达。"
    flashed = re.sub("（[0-9:]+）", "", phone.flash()["body"])
    assert sorted(flashed) == sorted(text)  # the latest comes first
    receipts = service.lines("receipts", phone.number)
    assert {each["text"] for each in receipts} == {phone.arrived()[-1]}
    assert len(phones.sent_to(phone.number)) == 1


def test_receipt_of_a_text_to_a_switched_off_phone_says_undelivered(phones: Phones):
    phone = phones.fresh("CN-GD").opens()
    friend = phones.fresh("CN-ZJ")
    phones.post(f"phones/{friend.number}/power", on=False)
    phone.text(friend.number, "hi")
    assert "未送达" in phone.flash()["body"]
