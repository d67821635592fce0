"""Leaving in one's own words: each wish is heard, and no other sentence cancels."""

import tomllib
from pathlib import Path

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG, TestClock
from tests.support.fixtures import charges, stand, standing
from tests.support.texter import Texter

SENTENCES: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("leaving_sentences.toml").read_text(encoding="utf-8")
)
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
QUESTIONS = ("要取消本号码的短信回执吗", "Cancel SMS Receipt for this number?")


def outcomes(
    me: Texter, built: Container, clock: TestClock, sentences: list[str]
) -> dict[str, tuple[str, str]]:
    """The reply to each sentence of a subscriber, and the state after it."""
    found = {}
    for number, sentence in enumerate(sentences):
        stand(built, GUANGDONG, "active", question=None, ends_at=None)
        reply = me.says(sentence)
        found[sentence] = (reply, standing(built, GUANGDONG).state.value)
        if number % 30 == 0:  # below the limits of an hour and a day
            clock.move(days=1)
    return found


def test_both_kinds_have_at_least_280_sentences():
    for kind in SENTENCES.values():
        assert len({each for sentences in kind.values() for each in sentences}) >= 280


@LANGUAGES
def test_wish_to_leave_cancels_or_is_asked(
    me: Texter, built: Container, clock: TestClock, language: str
):
    found = outcomes(me, built, clock, SENTENCES["leave"][language])
    assert [sentence for sentence, (reply, _) in found.items() if not reply] == []
    missed = [
        sentence
        for sentence, (reply, state) in found.items()
        if state != "ending" and not reply.startswith(QUESTIONS)
    ]
    assert len(missed) <= len(found) * 0.05, missed


@LANGUAGES
def test_sentence_that_stays_cancels_nothing(
    me: Texter, built: Container, clock: TestClock, language: str
):
    found = outcomes(me, built, clock, SENTENCES["stay"][language])
    assert [sentence for sentence, (_, state) in found.items() if state != "active"] == []
    assert [sentence for sentence, (reply, _) in found.items() if not reply] == []


@pytest.mark.parametrize("wish", ["不用了", "我不想要了", "别再发了", "怎么取消", "I want out"])
@pytest.mark.parametrize("answer", ["1", "是", "Y", "好的", "是的，谢谢", "取消", "yes please"])
def test_plain_answer_to_the_question_cancels(me: Texter, built: Container, wish: str, answer: str):
    stand(built, GUANGDONG, "active")
    assert me.says(wish).startswith(QUESTIONS)
    assert standing(built, GUANGDONG).state == "active"
    reply = me.says(answer)
    assert "已取消" in reply or "is cancelled" in reply
    assert standing(built, GUANGDONG).state == "ending"


@pytest.mark.parametrize("answer", ["0", "否", "N", "不要取消", "don't cancel", "不", "no thanks"])
def test_no_to_the_question_keeps_the_service(me: Texter, built: Container, answer: str):
    stand(built, GUANGDONG, "active")
    me.says("不用了")
    reply = me.says(answer)
    assert "没有取消" in reply or "has not been cancelled" in reply
    assert (standing(built, GUANGDONG).state, standing(built, GUANGDONG).question) == (
        "active", None,
    )  # fmt: skip


@pytest.mark.parametrize("answer", ["不用了", "怎么取消", "是吗？"])
def test_unsure_answer_to_the_question_is_asked_again(me: Texter, built: Container, answer: str):
    stand(built, GUANGDONG, "active")
    assert me.says("不用了") == me.says(answer)
    assert standing(built, GUANGDONG).state == "active"


def test_question_ends_with_its_time_and_with_another_text(
    me: Texter, built: Container, clock: TestClock
):
    stand(built, GUANGDONG, "active")
    me.says("不用了")
    clock.move(minutes=31)
    assert "您已开通" in me.says("1")
    me.says("不用了")
    me.says("CXDXHZ")
    assert "您已开通" in me.says("1")
    assert standing(built, GUANGDONG).state == "active"


@pytest.mark.parametrize(("state", "reply"), [
    ("none", "尚未开通"), ("ending", "已经取消"), ("suspended", "要取消本号码"),
])  # fmt: skip
def test_wish_to_leave_follows_the_state(me: Texter, built: Container, state: str, reply: str):
    stand(built, GUANGDONG, state)
    assert reply in me.says("不用了")
    assert standing(built, GUANGDONG).state == state
    assert charges(built, GUANGDONG) == []


def test_wish_to_leave_withdraws_a_request_without_a_question(me: Texter, built: Container):
    for wish in ("不用了", "我不想要了", "取消", "cancel it please", "不要"):
        me.says("KTDXHZ")
        me.says(wish)
        assert standing(built, GUANGDONG).state == "none", wish


@pytest.mark.parametrize(("state", "yes", "no"), [
    ("none", "没有待您确认的开通申请", "没有待您确认的开通申请"),
    ("active", "您已开通", "没有等您答复的问题"),
    ("ending", "已经取消", "已经取消"), ("suspended", "因欠费", "因欠费"),
])  # fmt: skip
def test_answer_without_a_question_gets_the_state(
    me: Texter, built: Container, state: str, yes: str, no: str
):
    stand(built, GUANGDONG, state)
    before = standing(built, GUANGDONG)
    for text, reply in (("是", yes), ("1", yes), ("好的", yes), ("否", no), ("不同意", no)):
        assert reply in me.says(text), text
    assert standing(built, GUANGDONG) == before


def test_hint_to_a_subscriber_names_the_keyword_that_cancels(me: Texter, built: Container):
    stand(built, GUANGDONG, "active")
    for _ in range(9):
        reply = me.says("啦啦啦")
        assert "QXDXHZ" in reply
        assert "KTDXHZ" not in reply


def test_wish_for_another_service_names_ours_and_changes_nothing(me: Texter, built: Container):
    before = stand(built, GUANGDONG, "active")
    assert "不能办理其他业务" in me.says("帮我取消流量包")
    assert standing(built, GUANGDONG) == before
