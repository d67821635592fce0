"""Switching, asking, and reading back: what a customer is told about the own service."""

import datetime as dt

import pytest

from app.bootstrap import Container
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Order
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet
from tests.conftest import GUANGDONG, JILIN, TestClock
from tests.support.fixtures import GUANGXI, SHAANXI, a_receipt, stand, standing
from tests.support.texter import Phone, Texter, chinese

PT = ("PT", "pt", "ＰＴ", "普通短信", "ORDINARY")
SX = ("SX", "sx", "闪信", "閃信", "FLASH")


def test_pt_turns_receipts_into_ordinary_messages(me: Texter, built: Container):
    for word in PT:
        stand(built, GUANGDONG, "active")
        reply = me.says(word)
        assert "已改为普通短信" in reply or "now come as ordinary" in reply
        assert standing(built, GUANGDONG).mode == "text", word


def test_sx_turns_receipts_back_into_flash(me: Texter, built: Container):
    for word in SX:
        stand(built, GUANGDONG, "active", DisplayMode.TEXT)
        reply = me.says(word)
        assert "已改为闪信" in reply or "now come as flash" in reply
        assert standing(built, GUANGDONG).mode == "flash", word


@pytest.mark.parametrize(("mode", "word"), [(DisplayMode.TEXT, "PT"), (DisplayMode.FLASH, "SX")])
def test_asking_for_the_mode_one_has_changes_nothing(
    me: Texter, built: Container, mode: DisplayMode, word: str
):
    before = stand(built, GUANGDONG, "active", mode)
    assert "已经是" in me.says(word)
    assert standing(built, GUANGDONG) == before


@pytest.mark.parametrize("word", ["PT", "SX"])
def test_switching_without_the_service_says_how_to_open_it(me: Texter, built: Container, word: str):
    assert "KTDXHZ" in me.says(word)
    assert standing(built, GUANGDONG).state == "none"


@pytest.mark.parametrize("state", ["ending", "suspended"])
def test_who_holds_the_service_may_switch_whatever_its_state(
    me: Texter, built: Container, state: str
):
    stand(built, GUANGDONG, state)
    assert "已改为普通短信" in me.says("PT")
    assert standing(built, GUANGDONG).mode == "text"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("none", ("尚未开通", "每月1元", "KTDXHZ")),
        ("active", ("使用中", "每月1元", "闪信", "0元", "QXDXHZ")),
        ("ending", ("已取消", "11月30日", "闪信", "0元", "KTDXHZ")),
        ("suspended", ("欠费", "QXDXHZ")),
    ],
)
def test_asking_tells_how_one_stands(
    me: Texter, built: Container, state: str, told: tuple[str, ...]
):
    stand(built, GUANGDONG, state)
    reply = me.says("CXDXHZ")
    assert [each for each in told if each not in reply] == []


def test_asking_tells_what_this_month_has_cost(me: Texter):
    me.says("KTDXHZ")
    me.says("是")
    assert "本月已产生费用1元" in me.says("CXDXHZ")


def test_asking_in_december_does_not_tell_novembers_cost(me: Texter, clock: TestClock):
    me.says("KTDXHZ")
    me.says("是")
    clock.move(days=20)
    assert "本月已产生费用0元" in me.says("CXDXHZ")


def test_asking_tells_the_price_agreed_upon_not_todays(
    me: Texter, built: Container, clock: TestClock
):
    """A pending order is told with its own tariff, whatever the book says by then."""
    order = Order("text", clock.now(), clock.now() + dt.timedelta(hours=48), "GD-1")
    stand(built, GUANGDONG, "ending", order=order)
    assert "每月1元" in me.says("0000")


def test_the_last_receipts_are_listed_newest_first_and_at_most_three(
    me: Texter, built: Container, clock: TestClock
):
    stand(built, GUANGDONG, "active")
    for minute, outcome in enumerate(("failed", "rejected", "no_answer", "delivered")):
        clock.at = clock.at.replace(minute=minute)
        a_receipt(built, GUANGDONG, seed=f"{minute}", outcome=ReceiptOutcome(outcome))
    reply = me.says("ZJHZ")
    assert reply == (
        "最近回执：13957112345 11-22 12:03 已送达；"
        "13957112345 11-22 12:02 无结果；13957112345 11-22 12:01 被拒绝"
    )


def test_the_last_receipts_of_nobody_are_none(me: Texter, built: Container):
    assert "还没有您的回执记录" in me.says("最近回执")
    a_receipt(built, JILIN)
    assert "还没有您的回执记录" in me.says("最近回执")


def test_charges_are_told_by_kind(phone: Phone, built: Container, clock: TestClock):
    owner, now = Msisdn(GUANGXI), clock.now()
    fee = Charge("monthly-2026-11", owner, ChargeKind.MONTHLY, 50, "2026-11", "m", now, "GX-1")
    made = [fee] + [
        Charge(f"receipt-{n}", owner, ChargeKind.RECEIPT, 5, "2026-11", "r", now, "GX-1")
        for n in range(3)
    ]
    built.store.commit(ChangeSet(owner, charges=tuple(made)))
    reply = phone(GUANGXI).says("KFJL")
    assert "合计0.65元：月功能费0.5元，回执费0.15元（3条）" in reply


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("为什么扣费", "您于11月22日开通（发短信到7500）：每月1元。"),
        ("why?", "You opened it on 22 November (a text to 7500): 1.00 yuan a month."),
    ],
)
def test_why_one_was_charged_is_told_with_day_door_and_price(me: Texter, word: str, why: str):
    me.says("KTDXHZ")
    me.says("是")
    told = me.says(word)
    assert "1元" in told or "1.00 yuan in all" in told
    assert why in told


def test_no_charges_are_told_as_none(me: Texter):
    assert "没有产生费用" in me.says("KFJL")


def test_a_monthly_fee_alone_is_told_with_receipts_at_nothing(me: Texter):
    """Nothing spent is an amount: "free" would be a promise about the price."""
    me.says("KTDXHZ")
    me.says("是")
    assert "合计1元：月功能费1元，回执费0元（0条）" in me.says("扣费记录")


@pytest.mark.parametrize("word", ["0000", "00000"])
def test_0000_lists_the_service_and_how_to_cancel_it(me: Texter, built: Container, word: str):
    stand(built, GUANGDONG, "active")
    reply = me.says(word)
    assert "短信回执（每月1元）" in reply
    assert "序号1" in reply
    assert "可以用到" not in reply
    me.says("1")
    assert standing(built, GUANGDONG).state == "ending"


def test_0000_without_the_service_says_that_there_is_none(me: Texter):
    assert "没有在7500办理的包月业务" in me.says("0000")


@pytest.mark.parametrize("state", ["active", "ending", "suspended", "none"])
def test_help_tells_the_words_in_every_state(me: Texter, built: Container, state: str):
    stand(built, GUANGDONG, state)
    for word in ("HELP", "BZ", "?", "？", "帮助", "INFO"):
        reply = me.says(word)
        told = ("KTDXHZ", "QXDXHZ", "CXDXHZ", "PT", "SX")
        assert [each for each in told if each not in reply] == []


@pytest.mark.parametrize(
    ("number", "words"), [(JILIN, ("KTHZ", "QXHZ", "CXHZ")), (SHAANXI, ("HZKT", "HZQX", "HZCX"))]
)
def test_help_tells_the_words_of_the_own_province(
    phone: Phone, number: str, words: tuple[str, ...]
):
    reply = phone(number).says("BZ")
    assert [each for each in words if each not in reply] == []


@pytest.mark.parametrize("word", ["EN", "英文", "ENGLISH", "english"])
def test_english_is_kept_for_all_later_replies(me: Texter, built: Container, word: str):
    assert "in English" in me.says(word)
    assert standing(built, GUANGDONG).language == "en"
    assert not chinese(me.says("CXDXHZ"))
    assert not chinese(me.says("1"))


@pytest.mark.parametrize("word", ["ZH", "中文", "CHINESE"])
def test_chinese_is_kept_for_all_later_replies(me: Texter, built: Container, word: str):
    stand(built, GUANGDONG, "none", language=Language.EN)
    assert "以中文" in me.says(word)
    assert standing(built, GUANGDONG).language == "zh"
    assert chinese(me.says("CXDXHZ"))


def test_a_word_in_the_other_language_is_answered_in_it_and_forgotten(me: Texter, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    assert not chinese(me.says("STATUS"))
    assert chinese(me.says("CXDXHZ"))
    assert standing(built, GUANGDONG).language == "zh"


def test_code_words_are_answered_in_the_language_on_record(me: Texter, built: Container):
    stand(built, GUANGDONG, "active", language=Language.EN)
    for word in ("CXDXHZ", "PT", "0000", "BZ", "TD", "KTDXHZ", "Y", "ZJHZ", "KFJL"):
        assert not chinese(me.says(word))
        assert standing(built, GUANGDONG).language == "en"


def test_who_never_chose_a_language_is_answered_in_chinese(me: Texter):
    for word in ("CXDXHZ", "PT", "0000", "BZ", "TD", "1", "qqqqqq", "ZJHZ"):
        assert chinese(me.says(word))


def test_a_sentence_in_english_is_answered_in_english(me: Texter):
    assert not chinese(me.says("please help me with this thing"))
