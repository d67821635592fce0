"""Summary by SMS after a call, and idempotency of repeated voice requests."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from flask import Flask

from app.bootstrap import Container
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from tests.conftest import GUANGDONG, Network, TestClock
from tests.ivr.conftest import Dial
from tests.support.caller import Call, Line, heard
from tests.support.fixtures import HEBEI, audit, charges, contents, notices, posted, standing


def test_opening_summary_has_price_and_keywords(line: Line, built: Container, raw: redis.Redis):
    line().does("111")
    (text,) = notices(built, GUANGDONG)
    facts = ("10086", "开通短信回执", "每月1元", "QXDXHZ", "CXDXHZ", "7500")
    assert [fact for fact in facts if fact not in text] == []
    assert posted(raw) == 1


@pytest.mark.fixed_day
@pytest.mark.parametrize(("number", "state", "keys", "summary"), [
    (GUANGDONG, "active", "21", "已取消短信回执，可用至11月30日，截至本月的费用照收"),
    (GUANGDONG, "active", "6", "回执已改为普通短信"),
    (GUANGDONG, "ending", "11", "开通短信回执"),
    (GUANGDONG, "pending", "21", "已取消短信回执开通申请"),
    (GUANGDONG, "suspended", "21", "已取消短信回执，立即生效，未缴费用仍需缴清"),
    (HEBEI, "active", "621", "回执已改为普通短信；已取消短信回执，立即生效，截至本月的费用照收"),
])  # fmt: skip
def test_one_summary_names_every_change(
    dial: Dial, network: Network, built: Container, number: str, state: str, keys: str, summary: str
):
    if state == "pending":
        network.text(number, "开通短信回执")
    dial("" if state == "pending" else state, keys, number).hangs_up()
    (text,) = notices(built, number)
    assert summary in text


def test_summary_is_in_the_language_of_the_call(dial: Dial, built: Container):
    dial("active", "6", language=Language.EN).hangs_up()
    (text,) = notices(built, GUANGDONG)
    assert text.startswith("Your call to 10086")


def test_summary_is_free_and_stays_in_the_inbox(line: Line, built: Container):
    line().does("11")
    (notice,) = built.store.receipts_of(Msisdn(GUANGDONG), 9, MessageKind.NOTICE)
    assert (notice.mode, notice.charge_fen, notice.price_fen) == (DisplayMode.TEXT, 0, 0)


@pytest.mark.parametrize("keys", ["", "3", "4", "0", "*#", "22", "9", "888"])
def test_call_without_change_has_no_summary(
    dial: Dial, built: Container, raw: redis.Redis, keys: str
):
    dial("active", keys).hangs_up()
    assert notices(built, GUANGDONG) == []
    assert posted(raw) == 0


def test_repeated_end_sends_no_second_summary(call: Call, built: Container, raw: redis.Redis):
    call.does("111")
    before = contents(raw)
    for _ in range(3):
        call.hangs_up()
    assert contents(raw) == before
    assert len(notices(built, GUANGDONG)) == 1


def eight_at_once(app: Flask, call: Call, link: str, **fields: str) -> set[tuple[int, bytes]]:
    """The different answers to eight simultaneous copies of one request."""

    def post(_: int) -> tuple[int, bytes]:
        network = Network(app.test_client())
        answer = network.post(link, CallSid=call.sid, From=GUANGDONG, **fields)
        return answer.status_code, answer.data

    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(post, range(8)))


def test_simultaneous_ends_send_one_summary(
    dial: Dial, app: Flask, built: Container, raw: redis.Redis
):
    call = dial(keys="111")
    answers = eight_at_once(app, call, "/voice/ended", CallStatus="completed")
    assert answers == {(204, b"")}
    assert len(notices(built, GUANGDONG)) == 1
    assert posted(raw) == 1


def test_missing_end_is_summarised_by_timer(
    dial: Dial, built: Container, clock: TestClock, raw: redis.Redis
):
    call = dial(keys="111")
    timers = built.timer_service()
    clock.move(hours=1, seconds=1)
    for timer in timers.due_timers(10):
        timers.fire(timer)
    assert len(notices(built, GUANGDONG)) == 1
    call.hangs_up()
    assert len(notices(built, GUANGDONG)) == 1
    assert posted(raw) == 1


@pytest.mark.parametrize("same_call", [False, True], ids=["two calls", "key after the end"])
def test_each_end_after_a_change_sends_a_summary(dial: Dial, built: Container, same_call: bool):  # noqa: FBT001
    """The last key and the end of a call arrive by separate requests, in any order."""
    call = dial("active", "6")
    call.hangs_up()
    call = call if same_call else dial()
    call.presses("6")
    call.hangs_up()
    first, second = notices(built, GUANGDONG)
    assert "普通短信" in first
    assert "闪信" in second


@pytest.mark.parametrize("keys", ["1", "111", "11*111"])
def test_repeated_key_gets_the_same_answer(call: Call, raw: redis.Redis, keys: str):
    call.dials()
    for key in keys:
        link = call.last.link
        first = call.presses(key)
        before = contents(raw)
        for _ in range(2):
            again = heard(call.network.post(link, CallSid=call.sid, From=GUANGDONG, Digits=key))
            assert (again.says, again.link) == (first.says, first.link)
        assert contents(raw) == before


@pytest.mark.parametrize(("state", "keys", "key"), [("none", "1", "1"), ("active", "", "6")])
def test_simultaneous_keys_change_once(
    dial: Dial, app: Flask, built: Container, raw: redis.Redis, state: str, keys: str, key: str
):
    call = dial(state, keys)
    assert len(eight_at_once(app, call, call.last.link, Digits=key)) == 1
    if state == "none":
        assert charges(built, GUANGDONG) == [("monthly", 100)]
        assert len(audit(raw, GUANGDONG)) == 2
    else:
        assert standing(built, GUANGDONG).mode == "text"
        assert len(audit(raw, GUANGDONG)) == 1
    call.hangs_up()
    assert len(notices(built, GUANGDONG)) == 1
