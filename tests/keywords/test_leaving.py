"""Cancelling by text: free, never harder than opening, and never charged twice for coming back."""

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from tests.conftest import GUANGDONG, TestClock
from tests.support.fixtures import HEBEI, audit, charges, moves, stand, standing
from tests.support.texter import Phone, Texter, chinese

WORDS = (
    "QXDXHZ",
    "取消短信回执",
    "退订短信回执",
    "退订",
    "TD",
    "CANCEL",
    "STOP",
    "Unsubscribe",
    "qx dxhz",
)


def test_every_word_for_cancelling_cancels(me: Texter, built: Container):
    for word in WORDS:
        stand(built, GUANGDONG, "active")
        reply = me.says(word)
        assert "已取消" in reply or "is cancelled" in reply
        assert standing(built, GUANGDONG).state == "ending", word


def test_a_cancelled_service_runs_to_the_end_of_the_month_in_guangdong(
    me: Texter, built: Container
):
    stand(built, GUANGDONG, "active")
    assert "至11月30日" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG).ends_at.isoformat() == "2026-12-01T00:00:00+08:00"


def test_a_cancelled_service_ends_at_once_in_hebei(phone: Phone, built: Container):
    stand(built, HEBEI, "active")
    assert "即时生效" in phone(HEBEI).says("QXDXHZ")
    assert standing(built, HEBEI).state == "none"


def test_the_month_ends_in_shanghai_not_in_london(me: Texter, built: Container, clock: TestClock):
    clock.at = clock.at.replace(month=11, day=30, hour=15, minute=59)  # 23:59 in Shanghai
    stand(built, GUANGDONG, "active")
    assert "11月30日" in me.says("QXDXHZ")
    clock.move(minutes=2)
    stand(built, GUANGDONG, "active")
    assert "12月31日" in me.says("QXDXHZ")


def test_cancelling_tells_how_to_come_back(me: Texter, built: Container):
    stand(built, GUANGDONG, "active")
    assert "KTDXHZ" in me.says("QXDXHZ")


def test_cancelling_costs_nothing_and_asks_nothing_back(me: Texter, built: Container):
    me.says("KTDXHZ")
    me.says("是")
    before = charges(built, GUANGDONG)
    me.says("QXDXHZ")
    assert charges(built, GUANGDONG) == before == [("monthly", 100)]


def test_cancelling_twice_keeps_the_end_and_says_so(me: Texter, built: Container, clock: TestClock):
    stand(built, GUANGDONG, "active")
    me.says("QXDXHZ")
    before = standing(built, GUANGDONG)
    clock.move(days=2)
    assert "11月30日" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG) == before


def test_coming_back_in_the_same_month_is_charged_once(me: Texter, built: Container):
    for word in ("KTDXHZ", "是", "QXDXHZ", "KTDXHZ", "是"):
        me.says(word)
    assert standing(built, GUANGDONG).state == "active"
    assert standing(built, GUANGDONG).ends_at is None
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_coming_back_where_cancelling_counts_at_once_is_charged_once_too(
    phone: Phone, built: Container
):
    friend = phone(HEBEI)
    for word in ("KTDXHZ", "是", "QXDXHZ", "KTDXHZ", "是"):
        friend.says(word)
    assert standing(built, HEBEI).state == "active"
    assert charges(built, HEBEI) == [("monthly", 150)]


def test_coming_back_needs_a_yes_like_any_order(me: Texter, built: Container):
    stand(built, GUANGDONG, "ending")
    assert "每月1元" in me.says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "ending"
    me.says("否")
    assert standing(built, GUANGDONG).state == "ending"
    assert standing(built, GUANGDONG).order is None


def test_coming_back_next_month_is_charged_for_that_month(
    me: Texter, built: Container, clock: TestClock
):
    for word in ("KTDXHZ", "是"):
        me.says(word)
    stand(built, GUANGDONG, "none", opened_at=None)
    clock.move(days=20)
    for word in ("KTDXHZ", "是"):
        me.says(word)
    assert charges(built, GUANGDONG, "2026-11", "2026-12") == [("monthly", 100), ("monthly", 100)]


def test_cancelling_what_was_never_opened_is_answered_kindly(me: Texter, built: Container):
    assert "尚未开通" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG).version == 0


def test_cancelling_instead_of_a_yes_drops_the_order(me: Texter, built: Container):
    me.says("KTDXHZ")
    assert "未开通，未收费" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG).state == "none"


def test_cancelling_after_the_window_drops_the_order_with_the_same_words(
    me: Texter, built: Container, clock: TestClock
):
    me.says("KTDXHZ")
    clock.move(hours=49)
    assert "未开通，未收费" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG).order is None


def test_an_unpaid_customer_may_always_cancel(me: Texter, built: Container):
    stand(built, GUANGDONG, "suspended")
    assert "已取消" in me.says("QXDXHZ")
    assert standing(built, GUANGDONG).state == "none"


def test_an_unpaid_customer_cannot_order_again_and_hears_why(me: Texter, built: Container):
    stand(built, GUANGDONG, "suspended")
    assert "欠费" in me.says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "suspended"


def test_english_words_the_carrier_keeps_work_when_they_reach_us(me: Texter, built: Container):
    """On a short code of our own SUBSCRIBE, YES and CANCEL arrive untouched."""
    assert not chinese(me.says("SUBSCRIBE"))
    assert "is open" in me.says("YES")
    assert "is cancelled" in me.says("CANCEL")
    assert standing(built, GUANGDONG).state == "ending"


def test_a_stop_the_carrier_has_answered_cancels_in_silence(
    me: Texter, built: Container, raw: redis.Redis
):
    stand(built, GUANGDONG, "active")
    assert me.says("STOP", OptOutType="STOP") == ""
    assert standing(built, GUANGDONG).state == "ending"
    assert moves(raw, GUANGDONG) == [("active", "ending")]


def test_a_stop_the_carrier_has_answered_drops_a_waiting_order(
    me: Texter, built: Container, raw: redis.Redis
):
    me.says("KTDXHZ")
    assert me.says("STOP", OptOutType="STOP") == ""
    assert standing(built, GUANGDONG).state == "none"
    assert moves(raw, GUANGDONG)[1:] == [("pending", "none")]


@pytest.mark.parametrize("kind", ["START", "HELP", "SOMETHING-NEW"])
def test_other_words_the_carrier_has_answered_are_kept_and_change_nothing(
    me: Texter, built: Container, raw: redis.Redis, kind: str
):
    before = stand(built, GUANGDONG, "active")
    assert me.says(kind, OptOutType=kind) == ""
    after = standing(built, GUANGDONG)
    assert after.chain  # what was heard is linked into the chain of consent
    assert replace(after, version=before.version, chain=before.chain) == before
    assert [each["heard"] for each in audit(raw, GUANGDONG)] == [f"{kind}: {kind}"]


def test_a_start_the_carrier_has_answered_opens_nothing(me: Texter, built: Container):
    assert me.says("START", OptOutType="START") == ""
    assert standing(built, GUANGDONG).state == "none"
    assert charges(built, GUANGDONG) == []


def test_a_stop_from_a_stranger_is_kept_for_the_record(
    me: Texter, built: Container, raw: redis.Redis
):
    assert me.says("退订", OptOutType="STOP") == ""
    assert standing(built, GUANGDONG).state == "none"
    assert [each["heard"] for each in audit(raw, GUANGDONG)] == ["STOP: 退订"]
