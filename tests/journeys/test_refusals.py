"""Who cannot be served hears so clearly, in both languages and at both doors."""

import json

import pytest

from tests.support.phones import Phones
from tests.support.product import Running

BEIJING, UNICOM, JILIN = "13800138000", "13001012345", "13844012345"


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        (UNICOM, "您的号码不属于中国移动", "Your number is with another operator"),
        (BEIJING, "您的归属地北京尚未开通", "not offered in Beijing, your home province, yet"),
    ],
    ids=["another operator's", "a province not covered"],
)
def test_a_number_we_cannot_serve_is_refused_by_text_and_by_phone_in_both_languages(
    phones: Phones, service: Running, number: str, zh: str, en: str
) -> None:
    phone = phones.standing(number)
    assert zh in phone.asks("KTDXHZ")
    assert en in phone.asks("SUBSCRIBE")
    phone.calls()
    phone.hears(zh)
    phone.hears(en)
    phone.is_hung_up_on()
    held = json.loads(service.command("show", number).stdout)
    assert (held["state"], held["fees"]) == ("none", None)


def test_a_yes_after_a_refusal_opens_nothing(phones: Phones, service: Running) -> None:
    phone = phones.fresh("unicom")
    phone.asks("KTDXHZ")
    assert "中国移动" in phone.asks("是")
    assert json.loads(service.command("show", phone.number).stdout)["state"] == "none"


def test_where_the_hotline_cannot_do_it_the_voice_names_the_doors_that_can(phones: Phones) -> None:
    phone = phones.standing(JILIN)
    phone.calls()
    said = phone.hears("吉林暂不支持电话办理")
    assert "发短信到7500" in said.replace(" ", "")
    assert "网上营业厅" in said
    said = phone.hears("This cannot be done by phone in Jilin")
    assert "a text to 7500" in said.replace("7 5 0 0", "7500")
    phone.is_hung_up_on()


def test_where_the_hotline_cannot_do_it_a_text_can(phones: Phones) -> None:
    phone = phones.fresh("CN-JL")
    assert "每月2元" in phone.asks("KTHZ")
    assert "已开通" in phone.asks("是")


def test_a_caller_who_hides_the_number_is_told_what_to_do(phones: Phones) -> None:
    phone = phones.fresh("CN-GD")
    phone.calls(withheld=True)
    phone.hears("无法识别您的号码")
    phone.hears("We cannot see your number")
    phone.is_hung_up_on()
