"""Opening by text: the price first, then a yes, and nothing without it."""

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, TestClock
from tests.support.fixtures import FUJIAN, GUANGXI, SHANXI, audit, charges, moves, stand, standing
from tests.support.texter import Phone, Texter, chinese

YES = ("是", "Y", "y", "1", "ＹＥＳ", "yes", "Yes!", "是。", " 是 ", "ｙ", "１", "①", "\ufeff是")
NO = ("否", "N", "n", "0", "NO", "No.", "Ｎ")
OTHER = ("好的", "不", "是的吗", "PT", "CXDXHZ", "帮助", "EN", "", "\U0001f44d", "2", "yes please")


def test_an_offer_tells_price_first_charge_date_how_to_cancel_and_for_how_long(me: Texter):
    offer = me.says("开通短信回执")
    for told in ("短信回执", "每月1元", "11月22日", "QXDXHZ", "48小时", "是"):
        assert told in offer


def test_an_english_offer_tells_the_same_in_english(me: Texter):
    offer = me.says("SUBSCRIBE")
    for told in ("SMS Receipt", "1.00 yuan a month", "22 November", "QXDXHZ", "48 hours", "Y"):
        assert told in offer


@pytest.mark.parametrize(
    ("number", "word", "told"),
    [
        (GUANGXI, "KTDXHZ", ("每月0.5元", "每条回执0.05元", "前20条免费", "QXDXHZ", "48小时")),
        (SHANXI, "KTHZ", ("每条回执0.1元", "QXHZ", "48小时")),
        (JILIN, "KTHZ", ("每月2元", "QXHZ", "48小时")),
        (ZHEJIANG, "KTHZ", ("每月3元", "首30天免费", "12月22日", "QXHZ", "24小时")),
        (FUJIAN, "KTDXHZ", ("免费", "QXDXHZ", "48小时")),
    ],
)
def test_each_province_offers_its_own_price_words_and_window(
    phone: Phone, number: str, word: str, told: tuple[str, ...]
):
    offer = phone(number).says(word)
    assert [each for each in told if each not in offer] == []


def test_nothing_is_opened_or_charged_before_the_second_yes(me: Texter, built: Container):
    me.says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "pending"
    assert charges(built, GUANGDONG) == []


def test_every_way_to_say_yes_opens_the_service(me: Texter, built: Container):
    for yes in YES:
        stand(built, GUANGDONG, "none")
        me.says("KTDXHZ")
        me.says(yes)
        assert standing(built, GUANGDONG).state == "active", yes
        assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_opening_is_answered_with_price_mode_and_the_way_out(me: Texter):
    me.says("开通短信回执")
    reply = me.says("是")
    for told in ("已开通", "每月1元", "闪信", "PT", "QXDXHZ"):
        assert told in reply


@pytest.mark.parametrize("yes", ["Y", "1", "YES"])
def test_who_orders_in_english_is_served_in_english_whatever_the_yes(
    me: Texter, built: Container, yes: str
):
    """The English offer itself asks for Y, a word of no language."""
    me.says("SUBSCRIBE")
    assert "SMS Receipt is open" in me.says(yes)
    assert standing(built, GUANGDONG).language == "en"
    assert not chinese(me.says("CXDXHZ"))


def test_every_way_to_say_no_ends_the_order(me: Texter, built: Container):
    for no in NO:
        me.says("KTDXHZ")
        reply = me.says(no)
        assert "未开通，未收费" in reply or "Nothing was opened or charged" in reply
        assert standing(built, GUANGDONG).state == "none", no
        assert charges(built, GUANGDONG) == []


def test_any_other_answer_ends_the_order_and_says_so(me: Texter, built: Container):
    for other in OTHER:
        me.says("KTDXHZ")
        reply = me.says(other)
        assert "办理已结束" in reply or "order has ended" in reply, other
        assert standing(built, GUANGDONG).state == "none"
        assert "没有待您确认的申请" in me.says("是")


def test_an_order_ends_aloud_even_when_help_answers_are_used_up(me: Texter, built: Container):
    """Garbage is answered a few times a day only; that an order ended is always said."""
    for _ in range(4):
        me.says("qqqqqqqq")
    me.says("KTDXHZ")
    assert "办理已结束" in me.says("qqqqqqqq")
    assert standing(built, GUANGDONG).state == "none"


def test_a_question_asked_instead_of_a_yes_is_answered_too(me: Texter):
    me.says("KTDXHZ")
    reply = me.says("CXDXHZ")
    assert "办理已结束" in reply
    assert "尚未开通" in reply


def test_a_late_yes_gets_a_fresh_offer_and_opens_nothing(
    me: Texter, built: Container, clock: TestClock
):
    me.says("KTDXHZ")
    clock.move(hours=48)
    again = me.says("是")
    assert "重新" in again
    assert "每月1元" in again
    assert charges(built, GUANGDONG) == []
    assert "已开通" in me.says("是")


def test_a_yes_one_second_before_the_window_ends_opens(
    me: Texter, built: Container, clock: TestClock
):
    me.says("KTDXHZ")
    clock.move(hours=47, minutes=59, seconds=59)
    me.says("是")
    assert standing(built, GUANGDONG).state == "active"


def test_a_yes_after_the_order_lapsed_gets_a_fresh_offer(
    me: Texter, built: Container, clock: TestClock
):
    stand(built, GUANGDONG, "none", lapsed_at=clock.now())
    clock.move(days=5)
    assert "重新" in me.says("是")
    assert standing(built, GUANGDONG).state == "pending"


def test_the_window_is_the_provinces_own(phone: Phone, built: Container, clock: TestClock):
    friend = phone(ZHEJIANG)
    friend.says("KTHZ")
    clock.move(hours=24)
    assert "重新" in friend.says("是")
    assert standing(built, ZHEJIANG).state == "pending"


def test_a_yes_with_no_order_changes_nothing_and_says_so(me: Texter, built: Container, raw: object):
    assert "没有待您确认的申请" in me.says("是")
    assert "KTDXHZ" in me.says("1")
    assert standing(built, GUANGDONG).version == 0
    assert audit(raw, GUANGDONG) == []


def test_a_yes_is_used_up_by_the_order_it_confirmed(me: Texter, built: Container):
    me.says("KTDXHZ")
    me.says("是")
    assert "没有待您确认的申请" in me.says("是")
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_asking_to_open_again_while_an_offer_waits_offers_again_with_a_full_window(
    me: Texter, built: Container, clock: TestClock
):
    me.says("KTDXHZ")
    clock.move(hours=40)
    assert "每月1元" in me.says("KTDXHZ")
    clock.move(hours=40)
    me.says("是")
    assert standing(built, GUANGDONG).state == "active"


def test_opening_twice_is_answered_and_not_charged_twice(me: Texter, built: Container):
    me.says("KTDXHZ")
    me.says("是")
    assert "您已开通" in me.says("KTDXHZ")
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_a_trial_is_not_charged_at_opening(phone: Phone, built: Container):
    friend = phone(ZHEJIANG)
    friend.says("KTHZ")
    friend.says("是")
    assert standing(built, ZHEJIANG).state == "active"
    assert charges(built, ZHEJIANG) == []


@pytest.mark.parametrize("number", [FUJIAN, SHANXI])
def test_a_province_without_a_monthly_fee_charges_none(phone: Phone, built: Container, number: str):
    friend = phone(number)
    friend.says("开通短信回执")
    friend.says("是")
    assert standing(built, number).state == "active"
    assert charges(built, number) == []


def test_order_and_yes_are_kept_with_door_words_and_tariff(me: Texter, raw: object):
    me.says("开通短信回执")
    me.says("是")
    assert moves(raw, GUANGDONG) == [("none", "pending"), ("pending", "active")]
    kept = audit(raw, GUANGDONG)
    assert [(each["door"], each["heard"], each["tariff"]) for each in kept] == [
        ("text", "开通短信回执", "GD-1"),
        ("text", "是", "GD-1"),
    ]
