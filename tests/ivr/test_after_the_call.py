"""After a call, one text says what it changed; and what was done twice was done once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from flask import Flask

from app.bootstrap import Container
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.caller import Call, Line, heard
from tests.support.fixtures import HEBEI, audit, charges, contents, notices, posted, stand, standing


def test_opening_is_told_with_price_and_way_out(line: Line, built: Container, raw: redis.Redis):
    line().does("111")
    (text,) = notices(built, GUANGDONG)
    for fact in ("10086", "开通短信回执", "每月1元", "QXDXHZ", "CXDXHZ", "7500"):
        assert fact in text
    assert posted(raw) == 1


@pytest.mark.parametrize(
    ("state", "keys", "told"),
    [
        ("active", "11", "取消短信回执，11月30日后停止"),
        ("active", "2", "回执改为普通短信"),
        ("ending", "11", "开通短信回执"),
        ("pending", "21", "取消待确认的短信回执申请"),
        ("suspended", "11", "取消短信回执，即时生效"),
    ],
)
def test_every_change_is_told(
    line: Line, network: Network, built: Container, state: str, keys: str, told: str
):
    if state == "pending":
        network.text(GUANGDONG, "开通短信回执")
    else:
        stand(built, GUANGDONG, state, language=Language.ZH)
    line().does(keys)
    (text,) = notices(built, GUANGDONG)
    assert told in text


def test_all_that_one_call_did_is_told_in_one_text(line: Line, built: Container):
    stand(built, HEBEI, "active", language=Language.ZH)
    line(HEBEI).does("211")
    (text,) = notices(built, HEBEI)
    assert "回执改为普通短信；取消短信回执，即时生效" in text


def test_it_is_told_in_the_language_of_the_call(line: Line, built: Container):
    stand(built, GUANGDONG, "active", language=Language.EN)
    line().does("2")
    (text,) = notices(built, GUANGDONG)
    assert text.startswith("In your call to 10086")


def test_it_is_an_ordinary_message_so_that_it_stays(line: Line, built: Container):
    line().does("11")
    (notice,) = built.store.receipts_of(Msisdn(GUANGDONG), 9, MessageKind.NOTICE)
    assert (notice.mode, notice.charge_fen, notice.price_fen) == (DisplayMode.TEXT, 0, 0)


@pytest.mark.parametrize("keys", ["", "3", "4", "0", "*#", "12", "9", "888"])
def test_a_call_that_changed_nothing_is_followed_by_nothing(
    line: Line, built: Container, raw: redis.Redis, keys: str
):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call = line()
    call.dials()
    for key in keys:
        call.presses(key)
    call.hangs_up()
    assert notices(built, GUANGDONG) == []
    assert posted(raw) == 0


def test_the_end_told_again_is_not_told_the_customer_again(
    line: Line, built: Container, raw: redis.Redis
):
    call = line()
    call.does("111")
    before = contents(raw)
    for _ in range(3):
        call.hangs_up()
    assert contents(raw) == before
    assert len(notices(built, GUANGDONG)) == 1


def test_the_end_told_eight_times_at_once_gives_one_text(
    line: Line, app: Flask, built: Container, raw: redis.Redis
):
    call = line()
    call.dials()
    call.presses("111")

    def end(_: int) -> int:
        fields = {"CallSid": call.sid, "From": GUANGDONG, "CallStatus": "completed"}
        return Network(app.test_client()).post("/voice/ended", **fields).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(end, range(8))) == {204}
    assert len(notices(built, GUANGDONG)) == 1
    assert posted(raw) == 1


def test_a_call_whose_end_nobody_tells_is_summed_up_all_the_same(
    line: Line, built: Container, clock: TestClock, raw: redis.Redis
):
    call = line()
    call.dials()
    call.presses("111")
    sweep = built.timer_service()
    clock.move(hours=1, seconds=1)
    for timer in sweep.due_timers(10):
        sweep.fire(timer)
    assert len(notices(built, GUANGDONG)) == 1
    call.hangs_up()
    assert len(notices(built, GUANGDONG)) == 1
    assert posted(raw) == 1


def test_two_calls_are_told_in_two_texts(line: Line, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    line().does("2")
    line().does("2")
    first, second = notices(built, GUANGDONG)
    assert "普通短信" in first
    assert "闪信" in second


@pytest.mark.parametrize("keys", ["1", "111", "11*111"])
def test_every_key_repeated_gets_the_same_answer_and_changes_nothing(
    call: Call, raw: redis.Redis, keys: str
):
    call.dials()
    for key in keys:
        link = call.last.link
        first = call.presses(key)
        before = contents(raw)
        for _ in range(2):
            again = heard(call.network.post(link, CallSid=call.sid, From=GUANGDONG, Digits=key))
            assert (again.says, again.link) == (first.says, first.link)
        assert contents(raw) == before


@pytest.mark.parametrize("change", ["1", "2"])
def test_eight_of_the_same_key_at_once_change_one_thing(
    line: Line, app: Flask, built: Container, raw: redis.Redis, change: str
):
    stand(built, GUANGDONG, "none" if change == "1" else "active", language=Language.ZH)
    call = line()
    call.dials()
    if change == "1":
        call.presses("1")
    link = call.last.link

    def press(_: int) -> bytes:
        network = Network(app.test_client())
        fields = {"CallSid": call.sid, "From": GUANGDONG, "Digits": change}
        return network.post(link, **fields).data

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(press, range(8)))) == 1
    if change == "1":
        assert charges(built, GUANGDONG) == [("monthly", 100)]
        assert len(audit(raw, GUANGDONG)) == 2
    else:
        assert standing(built, GUANGDONG).mode == "text"
        assert len(audit(raw, GUANGDONG)) == 1
    call.hangs_up()
    assert len(notices(built, GUANGDONG)) == 1


def test_a_key_that_arrives_after_the_end_was_told_gets_a_text_of_its_own(
    line: Line, built: Container
):
    """The last key and the end of the call travel on two ways."""
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call = line()
    call.dials()
    call.presses("2")
    call.hangs_up()
    call.presses("2")
    call.hangs_up()
    first, second = notices(built, GUANGDONG)
    assert "普通短信" in first
    assert "闪信" in second
