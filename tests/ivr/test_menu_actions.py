"""Actions of the voice menu: open, cancel, switch, query, agent."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import DisplayMode, Language, ReceiptOutcome
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock
from tests.ivr.conftest import Dial, NetworkWith
from tests.ivr.spoken_length import seconds
from tests.ivr.test_page_length import LONGEST_SECONDS
from tests.support.caller import Call, Line
from tests.support.fixtures import GUANGXI, HEBEI, a_receipt, audit, charges, moves, stand, standing


@pytest.mark.parametrize(("keys", "facts"), [
    ("11", ("每月1元", "当月按整月收费", "随时可以取消", "确认开通请按 1")),
    ("21", ("1 yuan a month", "first month in full", "Cancel any time", "press 1")),
])  # fmt: skip
def test_offer_precedes_opening(dial: Dial, built: Container, keys: str, facts: tuple[str, ...]):
    text = dial(keys=keys).last.text
    assert [fact for fact in facts if fact not in text] == []
    assert standing(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG) == []


def test_yes_opens_and_charges_at_once(dial: Dial, built: Container, raw: redis.Redis):
    text = dial(keys="111").last.text
    assert "立即生效。资费：每月1元" in text
    assert "取消短信回执请按 2" in text
    opened = standing(built, GUANGDONG)
    assert (opened.state, opened.channel, opened.order) == ("active", "voice", None)
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    assert [each["door"] for each in audit(raw, GUANGDONG)] == ["voice", "voice"]


def test_trial_offer_names_second_confirmation(dial: Dial, built: Container):
    call = dial(keys="11", number=ZHEJIANG)
    assert "首30天免费" in call.last.text
    assert "再次确认才收费" in call.last.text
    call.presses("1")
    assert charges(built, ZHEJIANG) == []


def test_no_opens_nothing(dial: Dial, built: Container):
    reply = dial(keys="112").last
    assert "没有开通，也没有收费" in reply.text
    assert reply.place["at"] == "menu"
    assert standing(built, GUANGDONG).state == "none"


@pytest.mark.fixed_day
def test_cancellation_needs_confirmation(dial: Dial, built: Container):
    call = dial("active", "2")
    assert "确认取消请按 1" in call.last.text
    assert standing(built, GUANGDONG).state == "active"
    text = call.presses("1").text
    assert "可用到11月30日" in text
    assert "继续使用短信回执" in text
    assert standing(built, GUANGDONG).state == "ending"


def test_cancellation_is_immediate_in_hebei(dial: Dial, built: Container):
    assert "立即生效，截至本月的费用照收" in dial("active", "21", HEBEI).last.text
    assert standing(built, HEBEI).state == "none"


def test_declined_cancellation_changes_nothing(dial: Dial, built: Container):
    assert "没有取消" in dial("active", "22").last.text
    assert standing(built, GUANGDONG).state == "active"


def test_reopening_in_the_same_month_is_charged_once(line: Line, built: Container):
    for state, keys in (("active", "11"), ("ending", "21"), ("active", "11")):
        line().does(keys)
        assert standing(built, GUANGDONG).state == state
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_sms_order_can_be_dropped_by_phone(
    dial: Dial, network: Network, built: Container, raw: redis.Redis
):
    network.text(GUANGDONG, "开通短信回执")
    call = dial()
    assert "取消开通申请请按 2" in call.last.text
    assert "申请已取消，本次申请未收费" in call.presses("21").text
    assert standing(built, GUANGDONG).state == "none"
    assert moves(raw, GUANGDONG)[-1] == ("pending", "none")


def test_sms_order_can_be_confirmed_by_phone(dial: Dial, network: Network, built: Container):
    network.text(GUANGDONG, "开通短信回执")
    dial(keys="11")
    assert standing(built, GUANGDONG).state == "active"
    assert standing(built, GUANGDONG).order is None


@pytest.mark.parametrize(
    ("mode", "text", "after"),
    [(DisplayMode.FLASH, "普通短信", "text"), (DisplayMode.TEXT, "闪信", "flash")],
)
def test_mode_switch_updates_the_menu(
    dial: Dial, built: Container, mode: DisplayMode, text: str, after: str
):
    reply = dial("active", "6", mode=mode).last
    assert f"今后回执以{text}" in reply.text
    assert standing(built, GUANGDONG).mode == after
    assert reply.place["mode"] == after


@pytest.mark.fixed_day
@pytest.mark.parametrize(("state", "facts"), [
    ("none", ("没有开通", "每月1元")), ("active", ("您已开通", "每月1元", "闪信", "0元")),
    ("ending", ("已取消", "11月30日", "0元")), ("suspended", ("欠费",)),
])  # fmt: skip
def test_account_status_by_state(dial: Dial, state: str, facts: tuple[str, ...]):
    text = dial(state, "3").last.text
    assert [fact for fact in facts if fact not in text] == []


@pytest.mark.fixed_day
def test_last_receipts_are_read_newest_first(dial: Dial, built: Container, clock: TestClock):
    for minute, outcome in enumerate(("failed", "rejected", "no_answer", "delivered")):
        clock.at = clock.at.replace(minute=minute)
        a_receipt(built, GUANGDONG, seed=f"{minute}", outcome=ReceiptOutcome(outcome))
    says = dial("active", "4").last.says
    assert [text for _, text in says if "尾号" in text] == [
        "12点03分发给尾号二三四五，已送达。",
        "12点02分发给尾号二三四五，暂无结果。",
        "12点01分发给尾号二三四五，被网络拒绝。",
    ]


@pytest.mark.fixed_day
def test_english_receipts_have_their_day(dial: Dial, built: Container, clock: TestClock):
    a_receipt(built, GUANGDONG)
    clock.move(days=1)
    spoken = "To 2 3 4 5, sent on 22 November at 12:00 p.m.: delivered."
    assert ("en-US", spoken) in dial("active", "4", language=Language.EN).last.says


@pytest.mark.parametrize("days", [0, 1, 20])
@pytest.mark.parametrize("outcome", ReceiptOutcome)
@pytest.mark.parametrize("language", Language)
def test_receipts_read_out_take_at_most_fifteen_seconds(
    dial: Dial,
    built: Container,
    clock: TestClock,
    days: int,
    outcome: ReceiptOutcome,
    language: Language,
):
    for seed in range(3):
        a_receipt(built, GUANGDONG, seed=f"{seed}", outcome=outcome)
    clock.move(days=days)
    heading, *said = [text for _, text in dial("active", "4", language=language).last.says]
    read = [heading, *(text for text in said if "2 3 4 5" in text or "二三四五" in text)]
    assert len(read) > 1
    assert sum(map(seconds, read)) <= LONGEST_SECONDS, read


def test_missing_receipts_are_reported(dial: Dial, built: Container):
    a_receipt(built, JILIN)
    assert "暂无回执记录" in dial("active", "4").last.text


def test_suspended_customer_cannot_open(dial: Dial, built: Container):
    call = dial("none", "1")
    stand(built, GUANGDONG, "suspended", language=Language.ZH)
    assert "欠费" in call.presses("1").text
    assert standing(built, GUANGDONG).state == "suspended"
    assert charges(built, GUANGDONG) == []


def test_opening_by_sms_during_the_call_is_charged_once(
    dial: Dial, network: Network, built: Container
):
    call = dial(keys="11")
    network.open()
    assert "您已经开通" in call.presses("1").text
    assert "取消短信回执请按 2" in call.last.text
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_configured_agent_is_dialled(network_with: NetworkWith):
    call = Call(network_with(agent_number="+862010086"))
    call.dials()
    reply = call.presses("0")
    assert reply.dialled == "+862010086"
    assert [each.tag for each in reply.root] == ["Say", "Dial", "Gather", "Redirect"]


def test_agent_is_offered_only_where_a_number_is_set(dial: Dial, network_with: NetworkWith):
    dial("active")
    call = Call(network_with(agent_number="+862010086"))
    assert "人工服务请按 0" in call.dials().text
    assert "人工" not in dial("active").last.text


def test_missing_agent_is_explained(dial: Dial):
    reply = dial(keys="10").last
    assert reply.dialled is None
    assert "暂不提供人工服务" in reply.text
    assert "七五零零" in reply.text
    assert reply.place["at"] == "menu"


@pytest.mark.parametrize(
    ("number", "monthly"),
    [(GUANGXI, [("monthly", 50)]), (HEBEI, [("monthly", 150)]), (ZHEJIANG, [])],
)
def test_opening_costs_the_price_of_the_province(
    line: Line, built: Container, number: str, monthly: list[tuple[str, int]]
):
    line(number).does("11")
    assert standing(built, number).state == "active"
    assert charges(built, number) == monthly
