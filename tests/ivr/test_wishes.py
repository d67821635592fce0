"""What a caller can have done: open, cancel, switch, ask, hear receipts, reach a person."""

from dataclasses import replace

import pytest
import redis

from app import bootstrap
from app.bootstrap import Container
from app.factory import create_app
from receipts.model.vocabulary import DisplayMode, Language, ReceiptOutcome
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock
from tests.support.caller import Call, Line
from tests.support.fixtures import GUANGXI, HEBEI, a_receipt, audit, charges, moves, stand, standing


def test_the_price_is_said_before_the_yes_and_nothing_is_opened_before_it(
    call: Call, built: Container
):
    call.dials()
    told = call.presses("11")
    for fact in ("每月1元", "11月22日", "随时可以取消", "确认开通请按 1"):
        assert fact in told.text
    assert standing(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG) == []


def test_the_price_is_said_in_english_too(call: Call):
    call.dials()
    told = call.presses("21")
    for fact in ("1.00 yuan a month", "22 November", "cancel at any time", "press 1"):
        assert fact in told.text


def test_a_yes_opens_at_once_and_is_charged(call: Call, built: Container, raw: redis.Redis):
    call.dials()
    told = call.presses("111")
    assert "已开通，每月1元" in told.text
    assert "取消短信回执，请按 1" in told.text
    opened = standing(built, GUANGDONG)
    assert (opened.state, opened.channel, opened.order) == ("active", "voice", None)
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    assert [each["door"] for each in audit(raw, GUANGDONG)] == ["voice", "voice"]


def test_a_trial_is_told_with_its_first_charge_date(line: Line, built: Container):
    call = line(ZHEJIANG)
    call.dials()
    told = call.presses("11")
    assert "首30天免费" in told.text
    assert "12月22日" in told.text
    call.presses("1")
    assert charges(built, ZHEJIANG) == []


def test_a_no_opens_nothing_and_says_so(call: Call, built: Container):
    call.dials()
    told = call.presses("112")
    assert "没有开通，也没有收费" in told.text
    assert told.place["at"] == "menu"
    assert standing(built, GUANGDONG).state == "none"


def test_cancelling_asks_first(call: Call, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call.dials()
    assert "您确定要取消" in call.presses("1").text
    assert standing(built, GUANGDONG).state == "active"
    told = call.presses("1")
    assert "可以用到11月30日" in told.text
    assert "继续使用短信回执" in told.text
    assert standing(built, GUANGDONG).state == "ending"


def test_cancelling_counts_at_once_where_it_does(line: Line, built: Container):
    stand(built, HEBEI, "active", language=Language.ZH)
    call = line(HEBEI)
    call.dials()
    assert "即时生效" in call.presses("11").text
    assert standing(built, HEBEI).state == "none"


def test_not_cancelling_after_all_says_so(call: Call, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call.dials()
    assert "没有取消" in call.presses("12").text
    assert standing(built, GUANGDONG).state == "active"


def test_keeping_a_cancelled_service_costs_nothing_more_this_month(line: Line, built: Container):
    line().does("11")
    line().does("11")
    assert standing(built, GUANGDONG).state == "ending"
    line().does("11")
    assert standing(built, GUANGDONG).state == "active"
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_an_order_made_by_text_can_be_dropped_by_phone(
    call: Call, network: Network, built: Container, raw: redis.Redis
):
    network.text(GUANGDONG, "开通短信回执")
    assert "不再办理，请按 2" in call.dials().text
    assert "没有开通，也没有收费" in call.presses("21").text
    assert standing(built, GUANGDONG).state == "none"
    assert moves(raw, GUANGDONG)[-1] == ("pending", "none")


def test_an_order_made_by_text_can_be_opened_by_phone(
    call: Call, network: Network, built: Container
):
    network.text(GUANGDONG, "开通短信回执")
    call.dials()
    call.presses("11")
    assert standing(built, GUANGDONG).state == "active"
    assert standing(built, GUANGDONG).order is None


@pytest.mark.parametrize(
    ("mode", "told", "after"),
    [(DisplayMode.FLASH, "普通短信", "text"), (DisplayMode.TEXT, "闪信", "flash")],
)
def test_one_key_switches_the_mode_and_the_menu_follows(
    call: Call, built: Container, mode: DisplayMode, told: str, after: str
):
    stand(built, GUANGDONG, "active", mode, language=Language.ZH)
    call.dials()
    assert f"已改为{told}接收" in call.presses("2").text
    assert standing(built, GUANGDONG).mode == after
    assert call.last.place["mode"] == after


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("none", ("尚未开通", "每月1元")),
        ("active", ("使用中", "每月1元", "闪信", "0元")),
        ("ending", ("已取消", "11月30日", "0元")),
        ("suspended", ("欠费",)),
    ],
)
def test_asking_tells_how_one_stands(
    call: Call, built: Container, state: str, told: tuple[str, ...]
):
    stand(built, GUANGDONG, state, language=Language.ZH)
    call.dials()
    text = call.presses("3").text
    assert [each for each in told if each not in text] == []


def test_the_last_receipts_are_read_out_newest_first(
    call: Call, built: Container, clock: TestClock
):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    for minute, outcome in enumerate(("failed", "rejected", "no_answer", "delivered")):
        clock.at = clock.at.replace(minute=minute)
        a_receipt(built, GUANGDONG, seed=f"{minute}", outcome=ReceiptOutcome(outcome))
    call.dials()
    lines = [text for _, text in call.presses("4").says if "尾号" in text]
    assert lines == [
        "11月22日 12:03，发给尾号2 3 4 5的短信，已送达。",
        "11月22日 12:02，发给尾号2 3 4 5的短信，还没有结果。",
        "11月22日 12:01，发给尾号2 3 4 5的短信，被网络拒绝。",
    ]


def test_receipts_are_read_out_in_english_with_their_day(call: Call, built: Container):
    stand(built, GUANGDONG, "active", language=Language.EN)
    a_receipt(built, GUANGDONG)
    call.dials()
    spoken = "22 November 12:00, your message to the number ending in 2 3 4 5: delivered."
    assert ("en-US", spoken) in call.presses("4").says


def test_without_receipts_the_line_says_so(call: Call, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    a_receipt(built, JILIN)
    call.dials()
    assert "还没有您的回执记录" in call.presses("4").text


def test_an_unpaid_customer_hears_why_nothing_opens(call: Call, built: Container):
    stand(built, GUANGDONG, "none", language=Language.ZH)
    call.dials()
    call.presses("1")
    stand(built, GUANGDONG, "suspended", language=Language.ZH)
    assert "欠费" in call.presses("1").text
    assert standing(built, GUANGDONG).state == "suspended"
    assert charges(built, GUANGDONG) == []


def test_who_opened_by_text_meanwhile_is_not_charged_twice(
    call: Call, network: Network, built: Container
):
    call.dials()
    call.presses("11")
    network.open()
    assert "您已经开通" in call.presses("1").text
    assert "取消短信回执，请按 1" in call.last.text
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_an_agent_is_dialled_where_there_is_one(built: Container):
    ours = replace(built.settings, agent_number="+862010086")
    call = Call(Network(create_app(ours, bootstrap.services(ours)).test_client()))
    call.dials()
    told = call.presses("0")
    assert told.dialled == "+862010086"
    assert [each.tag for each in told.root] == ["Say", "Dial", "Gather", "Redirect"]


def test_without_an_agent_the_line_says_what_to_do_instead(call: Call):
    call.dials()
    told = call.presses("10")
    assert told.dialled is None
    assert "没有人工座席" in told.text
    assert "7 5 0 0" in told.text
    assert told.place["at"] == "menu"


@pytest.mark.parametrize("number", [GUANGXI, HEBEI, ZHEJIANG])
def test_each_province_opens_at_its_own_price(line: Line, built: Container, number: str):
    line(number).does("11")
    monthly = {GUANGXI: [("monthly", 50)], HEBEI: [("monthly", 150)], ZHEJIANG: []}
    assert standing(built, number).state == "active"
    assert charges(built, number) == monthly[number]
