"""A short cancel within a day of an advertisement gets the question what to stop."""

import pytest

from app.bootstrap import Container
from receipts.model.vocabulary import Language, PromotionCategory
from tests.conftest import GUANGDONG, TestClock
from tests.support.fixtures import a_receipt, stand, standing
from tests.support.texter import Texter


def after_advertisement(
    built: Container, promotion: str | None = "ringtones", language: Language = Language.ZH
) -> None:
    """Put a subscriber into the store who has just got a receipt, with an advertisement."""
    now = built.clock.now()
    kind = PromotionCategory.ADVERTISING
    stand(built, GUANGDONG, "active", promotions=kind, promotions_since=now, language=language)
    a_receipt(built, GUANGDONG, promotion=promotion)


@pytest.mark.parametrize("keyword", ["TD", "td", "退订", "取消", "STOP", "unsubscribe"])
def test_short_cancel_after_advertisement_is_asked_back(me: Texter, built: Container, keyword: str):
    after_advertisement(built)
    reply = me.says(keyword)
    assert "回复1" in reply or "Reply 1" in reply
    assert standing(built, GUANGDONG).state == "active"


def test_one_cancels_the_service(me: Texter, built: Container):
    after_advertisement(built)
    me.says("TD")
    assert "已取消" in me.says("1")
    assert standing(built, GUANGDONG).state == "ending"


def test_two_ends_the_advertisements_alone(me: Texter, built: Container):
    after_advertisement(built)
    me.says("TD")
    assert "附带" in me.says("２")
    held = standing(built, GUANGDONG)
    assert (held.state, held.promotions) == ("active", PromotionCategory.NONE)


@pytest.mark.parametrize("answer", ["TD", "是", "好的"])
def test_unclear_answer_is_asked_again(me: Texter, built: Container, answer: str):
    after_advertisement(built)
    question = me.says("TD")
    assert me.says(answer) == question
    assert standing(built, GUANGDONG).state == "active"


@pytest.mark.parametrize("answer", ["否", "0"])
def test_no_keeps_both(me: Texter, built: Container, answer: str):
    after_advertisement(built)
    me.says("TD")
    assert "没有取消" in me.says(answer)
    held = standing(built, GUANGDONG)
    assert (held.state, held.promotions) == ("active", PromotionCategory.ADVERTISING)


@pytest.mark.parametrize("text", ["QXDXHZ", "取消短信回执", "退订短信回执"])
def test_cancel_that_names_the_service_cancels_at_once(me: Texter, built: Container, text: str):
    after_advertisement(built)
    assert "已取消" in me.says(text)


@pytest.mark.parametrize(("promotion", "hours"), [("ringtones", 24), (None, 0), ("lights", 0)])
def test_cancel_without_recent_advertisement_cancels_at_once(
    me: Texter, built: Container, clock: TestClock, promotion: str | None, hours: int
):
    after_advertisement(built, promotion)
    clock.move(hours=hours)
    assert "已取消" in me.says("TD")


def test_answer_after_half_an_hour_changes_nothing(me: Texter, built: Container, clock: TestClock):
    after_advertisement(built)
    me.says("TD")
    clock.move(minutes=31)
    me.says("1")
    assert standing(built, GUANGDONG).state == "active"
