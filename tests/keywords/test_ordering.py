"""Double opt-in by SMS: an offer with its price, then a yes."""

import datetime as dt

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock
from tests.support.fixtures import FUJIAN, GUANGXI, SHANXI, audit, charges, moves, stand, standing
from tests.support.reports import swept
from tests.support.texter import Phone, Texter, chinese

YES = ("是", "Y", "y", "1", "ＹＥＳ", "yes", "Yes!", "是。", " 是 ", "ｙ", "１", "①", "\ufeff是")
NO = ("否", "N", "n", "0", "NO", "No.", "Ｎ")
OTHER = ("不", "不要", "不用了", "PT", "CXDXHZ", "帮助", "EN", "", "取消流量包", "2", "no thanks")
NEARLY_YES = (
    *(
        "好的",
        "是的",
        "是的谢谢",
        "可以",
        "嗯嗯",
        "确认开通",
        "是的吗",
        "是？",
        "我要开通",
        "是（考虑中）",
    ),
    *("yes please", "yep", "OK", "Sure!", "I agree", "yes, but when", "\U0001f44d"),
)


@pytest.mark.parametrize(("number", "keyword", "facts"), [
    (GUANGDONG, "开通短信回执",
     ("短信回执", "每月1元", "当月按整月收费", "QXDXHZ", "48小时", "是")),
    (GUANGDONG, "SUBSCRIBE",
     ("SMS Receipt", "1 yuan a month", "first month in full", "QXDXHZ", "48 hours", "Y")),
    (GUANGXI, "KTDXHZ", ("每月0.5元", "每条送达回执0.05元", "前20条免费", "QXDXHZ", "48小时")),
    (SHANXI, "KTHZ", ("每条送达回执0.1元", "QXHZ", "48小时")),
    (JILIN, "KTHZ", ("每月2元", "QXHZ", "48小时")),
    (ZHEJIANG, "KTHZ", ("每月3元", "首30天免费", "再次确认才收费", "QXHZ", "24小时")),
    (FUJIAN, "KTDXHZ", ("免费", "QXDXHZ", "48小时")),
])  # fmt: skip
def test_offer_has_price_first_charge_keyword_and_window(
    phone: Phone, number: str, keyword: str, facts: tuple[str, ...]
):
    offer = phone(number).says(keyword)
    assert [fact for fact in facts if fact not in offer] == []


def test_order_opens_and_charges_nothing(me: Texter, built: Container):
    me.says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "pending"
    assert charges(built, GUANGDONG) == []


def test_every_spelling_of_yes_opens(me: Texter, built: Container):
    for yes in YES:
        stand(built, GUANGDONG, "none")
        me.says("KTDXHZ")
        me.says(yes)
        assert standing(built, GUANGDONG).state == "active", yes
        assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_opening_reply_has_price_mode_and_keywords(me: Texter):
    me.says("开通短信回执")
    reply = me.says("是")
    for fact in ("已开通", "每月1元", "闪信", "PT", "QXDXHZ"):
        assert fact in reply


@pytest.mark.parametrize("yes", ["Y", "1", "YES"])
def test_english_order_keeps_english_after_a_code_word(me: Texter, built: Container, yes: str):
    me.says("SUBSCRIBE")
    assert "SMS Receipt is on" in me.says(yes)
    assert standing(built, GUANGDONG).language == "en"
    assert not chinese(me.says("CXDXHZ"))


def test_every_spelling_of_no_ends_the_order(me: Texter, built: Container):
    for no in NO:
        me.says("KTDXHZ")
        reply = me.says(no)
        assert "未开通，本次未收费" in reply or "cancelled at no charge" in reply
        assert standing(built, GUANGDONG).state == "none", no
        assert charges(built, GUANGDONG) == []


def test_other_answer_ends_the_order_and_reports_it(me: Texter, built: Container):
    for other in OTHER:
        me.says("KTDXHZ")
        reply = me.says(other)
        assert "申请已取消" in reply or "request is cancelled" in reply, other
        assert standing(built, GUANGDONG).state == "none"
        assert "没有待您确认的开通申请" in me.says("是")


def test_nearly_a_yes_is_asked_again_and_the_order_stands(me: Texter, built: Container):
    me.says("KTDXHZ")
    order = standing(built, GUANGDONG).order
    for nearly in NEARLY_YES:
        reply = me.says(nearly)
        assert "请只回复一个“是”字" in reply or "reply just Y" in reply, nearly
        assert standing(built, GUANGDONG).order == order
    assert charges(built, GUANGDONG) == []
    assert "已开通" in me.says("是")


def test_nearly_a_yes_to_the_end_of_a_trial_is_asked_again(
    phone: Phone, built: Container, clock: TestClock
):
    customer = phone(ZHEJIANG)
    customer.says("开通短信回执")
    customer.says("是")
    clock.move(days=29, hours=2)
    assert swept(built) == 1
    assert "试用期满后" in customer.says("好的")
    assert standing(built, ZHEJIANG).order is not None
    assert charges(built, ZHEJIANG) == []


def test_end_of_an_order_is_reported_above_the_hint_limit(me: Texter, built: Container):
    for _ in range(4):
        me.says("qqqqqqqq")
    me.says("KTDXHZ")
    assert "申请已取消" in me.says("qqqqqqqq")
    assert standing(built, GUANGDONG).state == "none"


def test_query_instead_of_a_yes_is_answered_too(me: Texter):
    me.says("KTDXHZ")
    reply = me.says("CXDXHZ")
    assert "申请已取消" in reply
    assert "没有开通" in reply


@pytest.mark.parametrize(
    ("number", "hours", "price"), [(GUANGDONG, 48, "每月1元"), (ZHEJIANG, 24, "每月3元")]
)
def test_yes_after_the_window_of_the_province_gets_a_new_offer(
    phone: Phone, built: Container, clock: TestClock, number: str, hours: int, price: str
):
    customer = phone(number)
    customer.says("开通短信回执")
    clock.move(hours=hours)
    reply = customer.says("是")
    assert "已失效" in reply
    assert price in reply
    assert (standing(built, number).state, charges(built, number)) == ("pending", [])
    assert "已开通" in customer.says("是")


def test_yes_within_the_window_opens(me: Texter, built: Container, clock: TestClock):
    me.says("KTDXHZ")
    clock.move(hours=47, minutes=59, seconds=59)
    me.says("是")
    assert standing(built, GUANGDONG).state == "active"


def test_yes_after_expiry_of_the_order_gets_a_new_offer(
    me: Texter, built: Container, clock: TestClock
):
    stand(built, GUANGDONG, "none", lapsed_at=clock.now())
    clock.move(days=5)
    assert "已失效" in me.says("是")
    assert standing(built, GUANGDONG).state == "pending"


def test_yes_without_an_order_changes_nothing(me: Texter, built: Container, raw: object):
    assert "没有待您确认的开通申请" in me.says("是")
    assert "KTDXHZ" in me.says("1")
    assert standing(built, GUANGDONG).version == 0
    assert audit(raw, GUANGDONG) == []


@pytest.mark.parametrize(("text", "reply"), [
    ("是", "您已开通"), ("1", "您已开通"), ("好的", "您已开通"),
    ("否", "没有等您答复的问题"), ("KTDXHZ", "您已开通"),
])  # fmt: skip
def test_text_after_opening_charges_nothing_more(
    me: Texter, network: Network, built: Container, text: str, reply: str
):
    network.open(GUANGDONG)
    assert reply in me.says(text)
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_repeated_order_has_a_full_window(me: Texter, built: Container, clock: TestClock):
    me.says("KTDXHZ")
    clock.move(hours=40)
    assert "每月1元" in me.says("KTDXHZ")
    clock.move(hours=40)
    me.says("是")
    assert standing(built, GUANGDONG).state == "active"


@pytest.mark.parametrize("number", [ZHEJIANG, FUJIAN, SHANXI])
def test_trial_or_province_without_monthly_fee_charges_nothing(
    phone: Phone, built: Container, number: str
):
    customer = phone(number)
    customer.says("开通短信回执")
    customer.says("是")
    assert standing(built, number).state == "active"
    assert charges(built, number) == []


def test_order_and_confirmation_are_audited(me: Texter, raw: object):
    me.says("开通短信回执")
    me.says("是")
    assert moves(raw, GUANGDONG) == [("none", "pending"), ("pending", "active")]
    entries = [(e["door"], e["heard"], e["tariff"]) for e in audit(raw, GUANGDONG)]
    assert entries == [("text", "开通短信回执", "GD-1"), ("text", "是", "GD-1")]


def test_first_month_is_charged_at_once_while_the_clock_runs(
    network: Network, built: Container, monkeypatch: pytest.MonkeyPatch
):
    def runs(self: TestClock) -> dt.datetime:
        self.move(microseconds=1)
        return self.at

    monkeypatch.setattr(TestClock, "now", runs)
    network.open(GUANGDONG)
    assert charges(built, GUANGDONG) == [("monthly", 100)]
