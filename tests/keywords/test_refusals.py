"""Ineligible senders: the reason in their language, and no order."""

import pytest
import redis

from app.bootstrap import Container
from tests.conftest import BEIJING, GUANGDONG, UNICOM
from tests.support.fixtures import audit, charges, stand, standing
from tests.support.texter import Phone, chinese

LANDLINE = "+862087654321"
OFF_NET = ("仅限中国移动客户", "China Mobile customers only")
REASONS = dict.fromkeys((UNICOM, LANDLINE), OFF_NET) | {
    BEIJING: ("北京暂未提供", "not yet available in Beijing")
}
TEXTS = ("KTDXHZ", "开通短信回执", "是", "PT", "CXDXHZ", "0000", "帮助", "qqqqqq", "")


@pytest.mark.parametrize("number", REASONS)
def test_refusal_names_the_reason(phone: Phone, number: str):
    zh = REASONS[number][0]
    reply = phone(number).says("开通短信回执")
    assert zh in reply
    assert "未产生短信回执费用" in reply


@pytest.mark.parametrize("number", REASONS)
def test_refusal_is_in_the_language_of_the_text(phone: Phone, number: str):
    assert REASONS[number][1] in phone(number).says("SUBSCRIBE")


@pytest.mark.parametrize("number", [UNICOM, BEIJING])
def test_ineligible_sender_can_choose_english(phone: Phone, number: str):
    assert not chinese(phone(number).says("EN"))


@pytest.mark.parametrize("number", REASONS)
def test_no_text_of_an_ineligible_sender_leaves_an_order(
    phone: Phone, built: Container, raw: redis.Redis, number: str
):
    for text in TEXTS:
        phone(number).says(text)
        phone(number).says("是")
    assert standing(built, number).version == 0
    assert charges(built, number) == []
    assert audit(raw, number) == []


def test_refusals_are_limited_per_hour(phone: Phone):
    answered = [bool(phone(UNICOM).says("KTDXHZ")) for _ in range(43)]
    assert answered == [True] * 41 + [False] * 2


@pytest.mark.parametrize("number", [UNICOM, BEIJING])
@pytest.mark.parametrize("state", ["active", "ending", "suspended"])
def test_holder_can_list_and_cancel_where_opening_is_refused(
    phone: Phone, built: Container, number: str, state: str
):
    stand(built, number, state)
    assert phone(number).says("0000")
    phone(number).says("TD")
    assert standing(built, number).state in {"none", "ending"}


def test_refusal_of_one_number_does_not_affect_another(phone: Phone, built: Container):
    phone(BEIJING).says("KTDXHZ")
    phone(GUANGDONG).says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "pending"
