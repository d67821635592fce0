"""Repeated and simultaneous requests: the same answer, one effect."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from flask import Flask
from msgspec.structs import replace
from werkzeug.test import TestResponse

from app.bootstrap import Container
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.fixtures import a_receipt, audit, charges, contents, posted, stand, standing
from tests.support.texter import Phone, Texter, reply_of

Send = Callable[[Network], TestResponse]


def at_once(app: Flask, send: Send, times: int = 8) -> list[TestResponse]:
    """The answers to simultaneous copies of one request."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: send(Network(app.test_client())), range(times)))


def test_repeated_text_gets_the_same_reply(me: Texter, raw: redis.Redis):
    for sid, body in (("SMa", "KTDXHZ"), ("SMb", "是"), ("SMc", "PT"), ("SMd", "QXDXHZ")):
        first = me.says(body, sid)
        before = contents(raw)
        assert [me.says(body, sid) for _ in range(3)] == [first] * 3
        assert contents(raw) == before


def test_repeated_yes_opens_once(me: Texter, built: Container, raw: redis.Redis):
    me.says("KTDXHZ", "SMa")
    opened = me.says("是", "SMb")
    assert me.says("是", "SMb") == opened
    assert me.says("KTDXHZ", "SMa").startswith("您将开通")
    assert standing(built, GUANGDONG).state == "active"
    assert len(audit(raw, GUANGDONG)) == 2


@pytest.mark.fixed_day
def test_text_repeated_days_later_has_no_effect(me: Texter, built: Container, clock: TestClock):
    me.says("KTDXHZ", "SMa")
    me.says("是", "SMb")
    me.says("QXDXHZ", "SMc")
    clock.move(days=9)
    me.says("是", "SMb")
    assert standing(built, GUANGDONG).state == "ending"
    assert charges(built, GUANGDONG, "2026-11", "2026-12") == [("monthly", 100)]


def test_repeated_hint_is_counted_once(me: Texter):
    replies = [me.says("qqqqqqqq", sid) for sid in ["SM0"] * 9 + [f"SM{n}" for n in range(1, 42)]]
    answered = [("未能识别" in reply, "过多" in reply) for reply in replies]
    assert answered == [(True, False)] * 48 + [(False, True), (False, False)]


@pytest.mark.parametrize("distinct", [False, True], ids=["one sid", "eight sids"])
def test_simultaneous_yeses_open_once(
    me: Texter, app: Flask, built: Container, raw: redis.Redis, distinct: bool  # noqa: FBT001
):  # fmt: skip
    me.says("KTDXHZ")
    sids = iter(f"SMyes{n if distinct else 0}" for n in range(8))
    answers = at_once(app, lambda network: network.text(GUANGDONG, "是", next(sids)))
    opened = [answer for answer in answers if "短信回执已开通" in reply_of(answer)]
    assert len(opened) == (1 if distinct else 8)
    assert len({reply_of(answer) for answer in opened}) == 1
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    assert len(audit(raw, GUANGDONG)) == 2


def test_simultaneous_orders_leave_one_order(app: Flask, raw: redis.Redis):
    answers = at_once(app, lambda network: network.text(GUANGDONG, "KTDXHZ", "SMsame"))
    assert len({answer.data for answer in answers}) == 1
    assert len(audit(raw, GUANGDONG)) == 1


@pytest.mark.parametrize("times", [1, 8], ids=["in turn", "simultaneous"])
def test_duplicate_report_creates_no_second_receipt(
    app: Flask, built: Container, raw: redis.Redis, times: int
):
    stand(built, GUANGDONG, "active")
    before = None
    for _ in range(3):
        answers = at_once(app, lambda network: network.status("SMx", "delivered"), times)
        assert {answer.status_code for answer in answers} == {204}
        assert contents(raw) == (before := before or contents(raw))
    assert len(built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.RECEIPT)) == 1
    assert posted(raw) == 1


def test_repeated_status_of_a_receipt_changes_nothing(
    network: Network, built: Container, raw: redis.Redis
):
    receipt = sent(built, a_receipt(built, GUANGDONG).id)
    path = f"/receipts/{receipt}/status"
    for status in ("sent", "delivered"):
        network.post(path, MessageSid="SMr", MessageStatus=status)
    before = contents(raw)
    for status in ("delivered", "sent", "delivered"):
        answer = network.post(path, MessageSid="SMr", MessageStatus=status)
        assert answer.status_code == 204
    assert contents(raw) == before


@pytest.mark.parametrize("provider", ["twilio", "kannel"])
def test_simultaneous_statuses_of_a_receipt_count_once(app: Flask, built: Container, provider: str):
    receipt = sent(built, a_receipt(built, GUANGDONG, price_fen=5).id)
    path, fields = f"/receipts/{receipt}/status", {"MessageSid": "S", "MessageStatus": "delivered"}
    report = f"/kannel/report?secret=kannel-secret-of-the-tests&id={receipt}&type=1"
    kannel = provider == "kannel"
    answers = at_once(app, lambda n: n.client.get(report) if kannel else n.post(path, **fields))
    assert {answer.status_code for answer in answers} == {204}
    (kept,) = built.store.receipts([receipt])
    assert kept is not None
    assert (kept.state, len(kept.history)) == ("delivered", 1)
    assert charges(built, GUANGDONG) == [("receipt", 5)]


def test_status_of_an_unknown_receipt_changes_nothing(network: Network, raw: redis.Redis):
    before = contents(raw)
    for receipt in ("0-abc", "zz", "0-", "１-a", "f" * 300, "..", "%2e%2e", "0-\u0661"):
        answer = network.post(
            f"/receipts/{receipt}/status", MessageSid="SM1", MessageStatus="delivered"
        )
        assert answer.status_code in {204, 403, 404}
    assert contents(raw) == before


def test_same_sid_of_another_sender_is_another_text(phone: Phone, built: Container):
    phone(GUANGDONG).says("KTDXHZ", "SMa")
    phone(ZHEJIANG).says("KTHZ", "SMa")
    assert standing(built, ZHEJIANG).state == "pending"


def sent(built: Container, receipt_id: str) -> str:
    """Mark a receipt as sent to a provider."""
    (receipt,) = built.store.receipts([receipt_id])
    assert receipt is not None
    moved = replace(receipt, version=2, state="sending", provider="twilio", attempts=1)
    built.store.commit(ChangeSet(receipt.number, records=(moved,)))
    return receipt_id
