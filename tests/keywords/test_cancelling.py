"""Cancellation by SMS: free, effective by province, and no second charge on return."""

import datetime as dt

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.fixtures import HEBEI, audit, charges, moves, stand, standing
from tests.support.texter import Phone, Texter, chinese

KEYWORDS = (
    "QXDXHZ", "取消短信回执", "退订短信回执", "退订", "TD", "CANCEL", "STOP", "qx dxhz",
    "Unsubscribe",
)  # fmt: skip


def test_every_keyword_cancels(me: Texter, built: Container):
    for keyword in KEYWORDS:
        stand(built, GUANGDONG, "active")
        reply = me.says(keyword)
        assert "已取消" in reply or "is cancelled" in reply
        assert standing(built, GUANGDONG).state == "ending", keyword


@pytest.mark.parametrize(("utc", "last_day", "ends_at"), [
    ("2026-11-22T04:00", "11月30日", "2026-12-01T00:00:00+08:00"),
    ("2026-11-30T15:59", "11月30日", "2026-12-01T00:00:00+08:00"),
    ("2026-11-30T16:01", "12月31日", "2027-01-01T00:00:00+08:00"),
])  # fmt: skip
def test_cancelled_service_runs_to_the_end_of_the_month_in_shanghai(
    me: Texter, built: Container, clock: TestClock, utc: str, last_day: str, ends_at: str
):
    clock.at = dt.datetime.fromisoformat(f"{utc}+00:00")
    stand(built, GUANGDONG, "active")
    reply = me.says("QXDXHZ")
    assert f"至{last_day}" in reply
    assert "KTDXHZ" in reply
    assert standing(built, GUANGDONG).ends_at == dt.datetime.fromisoformat(ends_at)


def test_cancelled_service_ends_at_once_in_hebei(phone: Phone, built: Container):
    stand(built, HEBEI, "active")
    assert "立即生效，截至本月的费用照收" in phone(HEBEI).says("QXDXHZ")
    assert standing(built, HEBEI).state == "none"


def test_cancellation_is_free(me: Texter, network: Network, built: Container):
    network.open(GUANGDONG)
    before = charges(built, GUANGDONG)
    me.says("QXDXHZ")
    assert charges(built, GUANGDONG) == before == [("monthly", 100)]


@pytest.mark.fixed_day
def test_second_cancellation_keeps_the_end(me: Texter, built: Container, clock: TestClock):
    stand(built, GUANGDONG, "active")
    me.says("QXDXHZ")
    before = standing(built, GUANGDONG)
    clock.move(days=2)
    assert "11月30日" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG) == before


@pytest.mark.parametrize(("number", "fen"), [(GUANGDONG, 100), (HEBEI, 150)])
def test_return_in_the_same_month_is_charged_once(
    phone: Phone, built: Container, number: str, fen: int
):
    for text in ("KTDXHZ", "是", "QXDXHZ", "KTDXHZ", "是"):
        phone(number).says(text)
    assert standing(built, number).state == "active"
    assert standing(built, number).ends_at is None
    assert charges(built, number) == [("monthly", fen)]


def test_return_needs_confirmation(me: Texter, built: Container):
    stand(built, GUANGDONG, "ending")
    assert "每月1元" in me.says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "ending"
    me.says("否")
    assert standing(built, GUANGDONG).state == "ending"
    assert standing(built, GUANGDONG).order is None


@pytest.mark.fixed_day
def test_return_in_the_next_month_is_charged_for_it(
    me: Texter, network: Network, built: Container, clock: TestClock
):
    network.open(GUANGDONG)
    stand(built, GUANGDONG, "none", opened_at=None)
    clock.move(days=20)
    me.says("KTDXHZ")
    me.says("是")
    assert charges(built, GUANGDONG, "2026-11", "2026-12") == [("monthly", 100), ("monthly", 100)]


def test_cancellation_without_subscription_changes_nothing(me: Texter, built: Container):
    assert "尚未开通" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG).version == 0


@pytest.mark.parametrize("hours", [0, 49], ids=["within the window", "after it"])
def test_cancellation_drops_a_pending_order(
    me: Texter, built: Container, clock: TestClock, hours: int
):
    me.says("KTDXHZ")
    clock.move(hours=hours)
    assert "未开通，本次未收费" in me.says("QXDXHZ")
    assert (standing(built, GUANGDONG).state, standing(built, GUANGDONG).order) == ("none", None)


@pytest.mark.parametrize(
    ("text", "reply", "state"), [("QXDXHZ", "已取消", "none"), ("KTDXHZ", "欠费", "suspended")]
)
def test_suspended_customer_can_cancel_but_not_order(
    me: Texter, built: Container, text: str, reply: str, state: str
):
    stand(built, GUANGDONG, "suspended")
    assert reply in me.says(text)
    assert standing(built, GUANGDONG).state == state


def test_carrier_keywords_work_on_an_own_short_code(me: Texter, built: Container):
    """There SUBSCRIBE, YES and CANCEL reach the service unanswered."""
    assert not chinese(me.says("SUBSCRIBE"))
    assert "is on" in me.says("YES")
    assert "is cancelled" in me.says("CANCEL")
    assert standing(built, GUANGDONG).state == "ending"


def test_stop_answered_by_the_carrier_cancels_without_reply(
    me: Texter, built: Container, raw: redis.Redis
):
    stand(built, GUANGDONG, "active")
    assert me.says("STOP", OptOutType="STOP") == ""
    assert standing(built, GUANGDONG).state == "ending"
    assert moves(raw, GUANGDONG) == [("active", "ending")]


def test_stop_answered_by_the_carrier_drops_an_order(
    me: Texter, built: Container, raw: redis.Redis
):
    me.says("KTDXHZ")
    assert me.says("STOP", OptOutType="STOP") == ""
    assert standing(built, GUANGDONG).state == "none"
    assert moves(raw, GUANGDONG)[1:] == [("pending", "none")]


@pytest.mark.parametrize(("state", "opt_out", "body"), [
    ("active", "START", "START"), ("active", "HELP", "HELP"), ("active", "NEW-ONE", "NEW-ONE"),
    ("none", "START", "START"), ("none", "STOP", "退订"),
])  # fmt: skip
def test_keyword_answered_by_the_carrier_is_audited_without_change(
    me: Texter, built: Container, raw: redis.Redis, state: str, opt_out: str, body: str
):
    before = stand(built, GUANGDONG, state)
    assert me.says(body, OptOutType=opt_out) == ""
    after = standing(built, GUANGDONG)
    assert after.chain  # head of the consent chain
    assert replace(after, version=before.version, chain=before.chain) == before
    assert charges(built, GUANGDONG) == []
    assert [each["heard"] for each in audit(raw, GUANGDONG)] == [f"{opt_out}: {body}"]


@pytest.mark.parametrize("keep", ["0", ""], ids=["kept", "no reply"])
@pytest.mark.parametrize("sentence", [
    "这条回执别发了", "刚才那条不用发回执", "上一条的回执不要了", "不要这条回执",
    "别给我发这条信息", "don't send me this one", "no receipt for this one please",
    "please do not send a receipt for this text",
])  # fmt: skip
def test_refusal_of_one_receipt_is_asked_and_cancels_nothing_by_itself(
    me: Texter, built: Container, clock: TestClock, sentence: str, keep: str
):
    stand(built, GUANGDONG, "active")
    assert me.says(sentence).startswith(("要取消本号码", "Cancel SMS Receipt for this number?"))
    if keep:
        assert me.says(keep).startswith(("短信回执没有取消", "SMS Receipt has not been cancelled"))
    clock.move(hours=1)
    me.says("1")
    assert standing(built, GUANGDONG).state == "active"
    assert charges(built, GUANGDONG) == []
