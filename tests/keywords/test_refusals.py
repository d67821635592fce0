"""Numbers we cannot serve: a clear answer in their language, and no order."""

import pytest
import redis

from app.bootstrap import Container
from tests.conftest import BEIJING, GUANGDONG, UNICOM
from tests.support.fixtures import audit, charges, stand, standing
from tests.support.texter import Phone, chinese

HONG_KONG = "+85291234567"
LANDLINE = "+862087654321"
MACHINE = "+861400123456789"

ZH = {
    UNICOM: "仅限中国移动客户",
    HONG_KONG: "仅限中国移动客户",
    LANDLINE: "仅限中国移动客户",
    MACHINE: "仅限中国移动客户",
    BEIJING: "北京尚未开通",
}
EN = {
    UNICOM: "China Mobile customers only",
    HONG_KONG: "China Mobile customers only",
    BEIJING: "not offered in Beijing",
}
WISHES = ("KTDXHZ", "开通短信回执", "是", "PT", "CXDXHZ", "0000", "帮助", "qqqqqq", "")


@pytest.mark.parametrize(("number", "told"), ZH.items())
def test_who_cannot_be_served_hears_why_in_chinese(phone: Phone, number: str, told: str):
    reply = phone(number).says("开通短信回执")
    assert told in reply
    assert "未收取费用" in reply


@pytest.mark.parametrize(("number", "told"), EN.items())
def test_who_cannot_be_served_hears_why_in_english(phone: Phone, number: str, told: str):
    assert told in phone(number).says("SUBSCRIBE")


@pytest.mark.parametrize("number", [UNICOM, BEIJING])
def test_choosing_english_is_answered_in_english_even_where_we_do_not_serve(
    phone: Phone, number: str
):
    assert not chinese(phone(number).says("EN"))


@pytest.mark.parametrize("number", ZH)
def test_no_word_of_who_cannot_be_served_leaves_an_order(
    phone: Phone, built: Container, raw: redis.Redis, number: str
):
    for wish in WISHES:
        phone(number).says(wish)
        phone(number).says("是")
    assert standing(built, number).version == 0
    assert charges(built, number) == []
    assert audit(raw, number) == []


def test_a_refusal_is_not_repeated_for_ever(phone: Phone):
    answered = [bool(phone(UNICOM).says("KTDXHZ")) for _ in range(22)]
    assert answered == [True] * 20 + [False] * 2


@pytest.mark.parametrize("number", [UNICOM, BEIJING])
@pytest.mark.parametrize("state", ["active", "ending", "suspended"])
def test_who_holds_the_service_may_leave_it_wherever_the_number_went(
    phone: Phone, built: Container, number: str, state: str
):
    """Cancelling and listing stay open where opening is not."""
    stand(built, number, state)
    assert phone(number).says("0000")
    phone(number).says("TD")
    assert standing(built, number).state in {"none", "ending"}


def test_a_refused_customer_may_still_be_served_from_another_number(phone: Phone, built: Container):
    phone(BEIJING).says("KTDXHZ")
    phone(GUANGDONG).says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "pending"
