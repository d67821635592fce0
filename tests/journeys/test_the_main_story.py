"""From the first text to the last: what the service is for, with the phones of the page."""

import json
from collections.abc import Callable

from tests.support.phones import Event, Phone, Phones, seconds_between
from tests.support.product import Running

GUANGDONG, ZHEJIANG, JILIN = "13802880000", "13957112345", "13844012345"


def test_open_text_a_friend_see_the_flash_turn_to_ordinary_and_back_cancel_by_phone(
    phones: Phones, service: Running
) -> None:
    phone = phones.standing(GUANGDONG)
    _open_by_text(phone)
    _text_a_friend(phone, "晚上一起吃饭吗?", phone.flash)
    assert "普通短信" in phone.asks("PT")
    _text_a_friend(phone, "七点?", lambda: phone.inbox("7500"))
    _switch_back_and_cancel_by_phone(phone)
    _read_what_the_call_did(phone)
    held = json.loads(service.command("show", GUANGDONG).stdout)
    assert (held["state"], held["mode"], held["channel"]) == ("ending", "flash", "text")
    assert held["ends_at"] > held["opened_at"]
    _text_a_friend(phone, "到了吗?", phone.flash)  # it serves to the end of the month


def _open_by_text(phone: Phone) -> None:
    offer = phone.asks("KTDXHZ")
    assert "每月1元" in offer
    assert "回复“是”确认" in offer
    assert "已开通" in phone.asks("是")


def _text_a_friend(phone: Phone, words: str, receipt: Callable[[], Event]) -> None:
    phone.text(ZHEJIANG, words)
    texted = phone.wait(lambda e: e.get("peer") == ZHEJIANG, 5, "its own text")
    told = receipt()
    assert told["body"].startswith(f"您发送给{ZHEJIANG}的短信已于")
    assert told["body"].endswith("成功送达。")
    assert seconds_between(texted, told) <= 2


def _switch_back_and_cancel_by_phone(phone: Phone) -> None:
    phone.calls()
    phone.hears("改为闪信接收")  # the menu's words follow how the caller stands
    phone.presses("2")
    phone.hears("已改为闪信接收")
    phone.presses("1")
    phone.hears("您确定要取消短信回执吗")
    phone.presses("1")
    phone.hears("短信回执已取消")
    phone.hangs_up()


def _read_what_the_call_did(phone: Phone) -> None:
    summary = phone.inbox("7500")["body"]
    assert "您刚才致电10086办理了" in summary
    assert "回执改为闪信" in summary
    assert "取消短信回执" in summary


def test_a_person_who_calls_may_open_by_keys_after_hearing_the_price(phones: Phones) -> None:
    phone = phones.fresh("CN-GD")
    phone.calls()
    phone.hears("普通话请按 1")
    phone.presses("1")
    phone.hears("开通短信回执，请按")
    phone.presses("1")
    phone.hears("每月1元")
    phone.presses("1")
    phone.hears("已开通")
    phone.hangs_up()
    assert "您刚才致电10086办理了：开通短信回执" in phone.inbox("7500")["body"]
    phone.text(ZHEJIANG, "hi")
    assert "成功送达" in phone.flash()["body"]


def test_an_english_speaker_is_served_in_english_from_offer_to_receipt(phones: Phones) -> None:
    phone = phones.fresh("CN-GD")
    assert "Reply Y within 48 hours" in phone.asks("subscribe")
    assert phone.asks("y").startswith("SMS Receipt is open: 1.00 yuan a month.")
    phone.text(ZHEJIANG, "hello")
    assert phone.flash()["body"].startswith(f"Your message to {ZHEJIANG} was delivered at ")


def test_nothing_opens_without_a_yes(phones: Phones, service: Running) -> None:
    phone = phones.fresh("CN-GD")
    phone.asks("KTDXHZ")
    assert "未开通" in phone.asks("否")
    assert json.loads(service.command("show", phone.number).stdout)["state"] == "none"
    assert service.command("charges", phone.number).stdout == ""


def test_the_later_of_two_flashes_takes_the_screen(phones: Phones) -> None:
    phone = phones.fresh("CN-GD").opens()
    for friend in (ZHEJIANG, JILIN):
        phone.text(friend, "hi")
        assert friend in phone.flash()["body"]
    shown = phones.get(f"phones/{phone.number}/events")["phone"]["flash"]["body"]
    assert JILIN in shown


def test_texts_to_several_friends_at_once_are_told_on_one_flash(
    phones: Phones, service: Running
) -> None:
    phone = phones.fresh("CN-GD").opens()
    for friend in (ZHEJIANG, JILIN):
        phone.text(friend, "hi")
    text = f"2条短信：{JILIN}、{ZHEJIANG}已送达。"
    assert sorted(phone.flash()["body"]) == sorted(text)  # whichever arrived last comes first
    told = [
        json.loads(line)
        for line in service.command("receipts", phone.number).stdout.split("\n")[:-1]
    ]
    assert {each["text"] for each in told} == {phone.arrived()[-1]}
    assert len(phones.sent_to(phone.number)) == 1


def test_the_receipt_waits_for_a_phone_that_was_switched_off(phones: Phones) -> None:
    phone = phones.fresh("CN-GD").opens()
    friend = phones.fresh("CN-ZJ")
    phones.post(f"phones/{friend.number}/power", on=False)
    phone.text(friend.number, "hi")
    assert "未送达" in phone.flash()["body"]
