"""Account by SMS: display mode, status, receipts, charges, help and language."""

import datetime as dt

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Order
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet
from tests.conftest import GUANGDONG, JILIN, Network, TestClock
from tests.support.fixtures import GUANGXI, SHAANXI, a_receipt, stand, standing
from tests.support.texter import Phone, Texter, chinese

TEXT, FLASH = DisplayMode.TEXT, DisplayMode.FLASH


@pytest.mark.parametrize(("keywords", "before", "after", "replies"), [
    (("PT", "pt", "ＰＴ", "普通短信", "ORDINARY"), FLASH, TEXT,
     ("已改为普通短信", "now come as regular")),
    (("SX", "sx", "闪信", "閃信", "FLASH"), TEXT, FLASH, ("已改为闪信", "pop up on the screen")),
])  # fmt: skip
def test_keyword_switches_the_mode(
    me: Texter, built: Container, keywords: tuple[str, ...], before: DisplayMode,
    after: DisplayMode, replies: tuple[str, str],
):  # fmt: skip
    for keyword in keywords:
        stand(built, GUANGDONG, "active", before)
        reply = me.says(keyword)
        assert any(each in reply for each in replies)
        assert standing(built, GUANGDONG).mode == after, keyword


@pytest.mark.parametrize(("mode", "keyword"), [(TEXT, "PT"), (FLASH, "SX")])
def test_current_mode_is_confirmed_without_change(
    me: Texter, built: Container, mode: DisplayMode, keyword: str
):
    before = stand(built, GUANGDONG, "active", mode)
    assert "已经是" in me.says(keyword)
    assert standing(built, GUANGDONG) == before


@pytest.mark.parametrize("keyword", ["PT", "SX"])
def test_mode_without_subscription_is_answered_with_the_keyword_to_open(
    me: Texter, built: Container, keyword: str
):
    assert "KTDXHZ" in me.says(keyword)
    assert standing(built, GUANGDONG).state == "none"


@pytest.mark.parametrize("state", ["ending", "suspended"])
def test_holder_can_switch_in_every_state(me: Texter, built: Container, state: str):
    stand(built, GUANGDONG, state)
    assert "已改为普通短信" in me.says("PT")
    assert standing(built, GUANGDONG).mode == "text"


@pytest.mark.fixed_day
@pytest.mark.parametrize(("state", "facts"), [
    ("none", ("没有开通", "每月1元", "KTDXHZ")),
    ("active", ("您已开通", "每月1元", "闪信", "0元", "QXDXHZ")),
    ("ending", ("已取消", "11月30日", "闪信", "0元", "KTDXHZ")), ("suspended", ("欠费", "QXDXHZ")),
])  # fmt: skip
def test_status_by_state(me: Texter, built: Container, state: str, facts: tuple[str, ...]):
    stand(built, GUANGDONG, state)
    reply = me.says("CXDXHZ")
    assert [fact for fact in facts if fact not in reply] == []


@pytest.mark.parametrize(("days", "spent"), [(0, "1元"), (20, "0元")], ids=["same month", "next"])
def test_status_has_the_charges_of_this_month(
    me: Texter, network: Network, clock: TestClock, days: int, spent: str
):
    network.open(GUANGDONG)
    clock.move(days=days)
    assert f"本月费用{spent}" in me.says("CXDXHZ")


def test_pending_order_is_listed_with_its_own_tariff(
    me: Texter, built: Container, clock: TestClock
):
    order = Order("text", clock.now(), clock.now() + dt.timedelta(hours=48), "GD-1")
    stand(built, GUANGDONG, "ending", order=order)
    assert "每月1元" in me.says("0000")


@pytest.mark.fixed_day
def test_last_three_receipts_are_listed_newest_first(
    me: Texter, built: Container, clock: TestClock
):
    stand(built, GUANGDONG, "active")
    for minute, outcome in enumerate(("failed", "rejected", "no_answer", "delivered")):
        clock.at = clock.at.replace(minute=minute)
        a_receipt(built, GUANGDONG, seed=f"{minute}", outcome=ReceiptOutcome(outcome))
    assert me.says("ZJHZ") == (
        "最近回执：13957112345 12:03已送达；13957112345 12:02暂无结果；13957112345 12:01被网络拒绝"
    )


def test_missing_receipts_are_reported(me: Texter, built: Container):
    assert "暂无回执记录" in me.says("最近回执")
    a_receipt(built, JILIN)
    assert "暂无回执记录" in me.says("最近回执")


@pytest.mark.fixed_day
def test_charges_are_summed_by_kind(phone: Phone, built: Container, clock: TestClock):
    owner, now = Msisdn(GUANGXI), clock.now()
    fee = Charge("monthly-2026-11", owner, ChargeKind.MONTHLY, 50, "2026-11", "m", now, "GX-1")
    receipts = [
        Charge(f"receipt-{n}", owner, ChargeKind.RECEIPT, 5, "2026-11", "r", now, "GX-1")
        for n in range(3)
    ]
    free = Charge("receipt-free", owner, ChargeKind.RECEIPT, 0, "2026-11", "r", now, "GX-1")
    built.store.commit(ChangeSet(owner, charges=(fee, *receipts, free)))
    assert "合计0.65元：月功能费0.5元，回执费0.15元（3条）" in phone(GUANGXI).says("KFJL")


@pytest.mark.fixed_day
@pytest.mark.parametrize(("number", "months", "total", "receipts"), [
    (3, ["2026-11"], "0.1元", "回执费0.15元（3条）。其中已退1条未送达的回执，共0.05元。"),
    (3, ["2026-11", "2026-12"], "-0.05元", "回执费0元（0条）。其中已退1条未送达的回执，共0.05元。"),
    (1, ["2026-11"], "0元", "回执费0.05元（1条）。其中已退1条未送达的回执，共0.05元。"),
])  # fmt: skip
def test_credit_is_told_in_the_month_of_its_news(
    phone: Phone, built: Container, clock: TestClock, number: int, months: list[str], total: str,
    receipts: str,
):  # fmt: skip
    owner, now = Msisdn(GUANGXI), clock.now()
    charged = [
        Charge(f"receipt-{n}", owner, ChargeKind.RECEIPT, 5, months[0], "r", now, "GX-1")
        for n in range(number)
    ]
    credit = replace(
        charged[0], id="credit-0", kind=ChargeKind.CREDIT, fen=-5, month=months[-1],
        charge_id="receipt-0",
    )  # fmt: skip
    built.store.commit(ChangeSet(owner, charges=(*charged, credit)))
    clock.move(days=20 * (len(months) - 1))
    assert f"合计{total}：月功能费0元，{receipts}" in phone(GUANGXI).says("KFJL")


@pytest.mark.fixed_day
@pytest.mark.parametrize(("keyword", "facts"), [
    ("为什么扣费", ("1元", "您于11月22日通过7500短信开通：每月1元。")),
    ("why?", ("1.00 yuan in total",
              "You subscribed on 22 November by text to 7500: 1 yuan a month.")),
    ("扣费记录", ("合计1元：月功能费1元，回执费0元（0条）",)),
])  # fmt: skip
def test_charges_have_their_consent(
    me: Texter, network: Network, keyword: str, facts: tuple[str, ...]
):
    network.open(GUANGDONG)
    reply = me.says(keyword)
    assert [fact for fact in facts if fact not in reply] == []


@pytest.mark.parametrize("keyword", ["0000", "00000"])
def test_list_has_the_service_and_its_number(me: Texter, built: Container, keyword: str):
    stand(built, GUANGDONG, "active")
    reply = me.says(keyword)
    assert "短信回执（每月1元）" in reply
    assert "取消请回复1" in reply
    assert "可以用到" not in reply
    me.says("1")
    assert standing(built, GUANGDONG).state == "ending"


@pytest.mark.parametrize(
    ("keyword", "reply"), [("0000", "在7500没有已订业务"), ("KFJL", "未产生费用")]
)
def test_empty_lists_are_reported(me: Texter, keyword: str, reply: str):
    assert reply in me.says(keyword)


@pytest.mark.parametrize("state", ["active", "ending", "suspended", "none"])
def test_help_names_the_keywords_in_every_state(me: Texter, built: Container, state: str):
    stand(built, GUANGDONG, state)
    for text in ("HELP", "BZ", "?", "？", "帮助", "INFO"):
        reply = me.says(text)
        keywords = ("KTDXHZ", "QXDXHZ", "CXDXHZ", "PT", "SX")
        assert [each for each in keywords if each not in reply] == []


@pytest.mark.parametrize(
    ("number", "keywords"), [(JILIN, ("KTHZ", "QXHZ", "CXHZ")), (SHAANXI, ("HZKT", "HZQX", "HZCX"))]
)
def test_help_names_the_keywords_of_the_province(
    phone: Phone, number: str, keywords: tuple[str, ...]
):
    reply = phone(number).says("BZ")
    assert [each for each in keywords if each not in reply] == []


@pytest.mark.parametrize(("keyword", "before", "reply", "after"), [
    *((keyword, None, "in English", "en") for keyword in ("EN", "英文", "ENGLISH", "english")),
    *((keyword, Language.EN, "使用中文", "zh") for keyword in ("ZH", "中文", "CHINESE")),
])  # fmt: skip
def test_chosen_language_is_kept(
    me: Texter, built: Container, keyword: str, before: Language | None, reply: str, after: str
):
    stand(built, GUANGDONG, "none", language=before)
    assert reply in me.says(keyword)
    assert standing(built, GUANGDONG).language == after
    for text in ("CXDXHZ", "1"):
        assert chinese(me.says(text)) == (after == "zh")


def test_keyword_of_the_other_language_sets_the_language_of_one_reply(me: Texter, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    assert not chinese(me.says("STATUS"))
    assert chinese(me.says("CXDXHZ"))
    assert standing(built, GUANGDONG).language == "zh"


def test_code_words_are_answered_in_the_stored_language(me: Texter, built: Container):
    stand(built, GUANGDONG, "active", language=Language.EN)
    for keyword in ("CXDXHZ", "PT", "0000", "BZ", "TD", "KTDXHZ", "Y", "ZJHZ", "KFJL"):
        assert not chinese(me.says(keyword))
        assert standing(built, GUANGDONG).language == "en"


def test_default_language_is_chinese(me: Texter):
    for text in ("CXDXHZ", "PT", "0000", "BZ", "TD", "1", "qqqqqq", "ZJHZ"):
        assert chinese(me.says(text))


def test_english_sentence_is_answered_in_english(me: Texter):
    assert not chinese(me.says("please help me with this thing"))
