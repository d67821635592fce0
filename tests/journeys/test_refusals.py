"""Refusals of ineligible numbers, by text and by phone, in both languages."""

import pytest

from tests.support.phones import Phones
from tests.support.product import Service

BEIJING, UNICOM, JILIN = "13800138000", "13001012345", "13844012345"


@pytest.mark.parametrize(
    ("number", "zh", "en"),
    [
        (UNICOM, "不属于中国移动", "with another operator"),
        (BEIJING, "北京", "home province"),
    ],
    ids=["another operator's", "a province not covered"],
)
def test_ineligible_number_is_refused(
    phones: Phones, service: Service, number: str, zh: str, en: str
):
    phone = phones.standing(number)
    assert zh in phone.asks("KTDXHZ")
    assert en in phone.asks("SUBSCRIBE")
    phone.calls()
    phone.hears(zh)
    phone.hears(en)
    phone.is_hung_up_on()
    shown = service.shows(number)
    assert (shown["state"], shown["fees"]) == ("none", None)


def test_yes_after_a_refusal_opens_no_subscription(phones: Phones, service: Service):
    phone = phones.fresh("unicom")
    phone.asks("KTDXHZ")
    assert "中国移动" in phone.asks("是")
    assert service.shows(phone.number)["state"] == "none"


def test_province_without_hotline_hears_the_other_channels(phones: Phones):
    phone = phones.standing(JILIN)
    phone.calls()
    said = phone.hears("吉林暂不支持电话办理")
    assert "七五零零短信" in said.replace(" ", "")
    assert "网上营业厅" in said
    said = phone.hears("This cannot be done by phone in Jilin")
    assert "by text to 7500" in said.replace("7 5 0 0", "7500")
    phone.is_hung_up_on()


def test_province_without_hotline_subscribes_by_text(phones: Phones):
    phone = phones.fresh("CN-JL")
    assert "每月2元" in phone.asks("KTHZ")
    assert "已开通" in phone.asks("是")


def test_withheld_number_hears_instructions(phones: Phones):
    phone = phones.fresh("CN-GD")
    phone.calls(withheld=True)
    phone.hears("无法识别您的号码")
    phone.hears("We can't see your number")
