"""Providers say things twice: the answer is the same, and what was done is done once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

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
    """The same request from several connections together."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: send(Network(app.test_client())), range(times)))


def test_the_same_text_again_gets_the_same_answer_and_does_nothing(me: Texter, raw: redis.Redis):
    for sid, body in (("SMa", "KTDXHZ"), ("SMb", "是"), ("SMc", "PT"), ("SMd", "QXDXHZ")):
        first = me.says(body, sid)
        before = contents(raw)
        assert [me.says(body, sid) for _ in range(3)] == [first] * 3
        assert contents(raw) == before


def test_a_repeated_yes_is_not_a_second_yes(me: Texter, built: Container, raw: redis.Redis):
    me.says("KTDXHZ", "SMa")
    opened = me.says("是", "SMb")
    assert me.says("是", "SMb") == opened
    assert me.says("KTDXHZ", "SMa").startswith("您将开通")
    assert standing(built, GUANGDONG).state == "active"
    assert len(audit(raw, GUANGDONG)) == 2


def test_a_text_repeated_days_later_is_still_known(me: Texter, built: Container, clock: TestClock):
    me.says("KTDXHZ", "SMa")
    me.says("是", "SMb")
    me.says("QXDXHZ", "SMc")
    clock.move(days=9)
    me.says("是", "SMb")
    assert standing(built, GUANGDONG).state == "ending"
    assert charges(built, GUANGDONG, "2026-11", "2026-12") == [("monthly", 100)]


def test_a_help_answer_that_is_repeated_counts_once(me: Texter):
    for _ in range(5):
        assert me.says("qqqqqqqq", "SMsame")
    assert me.says("qqqqqqqq", "SMother")
    assert me.says("qqqqqqqq", "SMthird")
    assert me.says("qqqqqqqq", "SMfourth") == ""
    assert me.says("qqqqqqqq", "SMfourth") == ""


def test_eight_of_the_same_yes_at_once_open_once(
    me: Texter, app: Flask, built: Container, raw: redis.Redis
):
    me.says("KTDXHZ")
    answers = at_once(app, lambda network: network.text(GUANGDONG, "是", "SMsame"))
    assert len({reply_of(answer) for answer in answers}) == 1
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    assert len(audit(raw, GUANGDONG)) == 2


def test_eight_different_yeses_at_once_open_once(
    me: Texter, app: Flask, built: Container, raw: redis.Redis
):
    """Different texts, so seven of them find nothing waiting."""
    me.says("KTDXHZ")
    sids = iter(f"SMyes{n}" for n in range(8))
    answers = at_once(app, lambda network: network.text(GUANGDONG, "是", next(sids)))
    opened = [answer for answer in answers if "已开通" in reply_of(answer)]
    assert len(opened) == 1
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    assert len(audit(raw, GUANGDONG)) == 2


def test_eight_of_the_same_order_at_once_leave_one_order(app: Flask, raw: redis.Redis):
    answers = at_once(app, lambda network: network.text(GUANGDONG, "KTDXHZ", "SMsame"))
    assert len({answer.data for answer in answers}) == 1
    assert len(audit(raw, GUANGDONG)) == 1


def test_the_same_fate_again_gives_no_second_receipt(
    network: Network, built: Container, raw: redis.Redis
):
    stand(built, GUANGDONG, "active")
    network.status("SMx", "delivered")
    before = contents(raw)
    for _ in range(3):
        assert network.status("SMx", "delivered").status_code == 204
    assert contents(raw) == before
    assert len(built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.RECEIPT)) == 1


def test_eight_of_the_same_fate_at_once_give_one_receipt(
    app: Flask, built: Container, raw: redis.Redis
):
    stand(built, GUANGDONG, "active")
    answers = at_once(app, lambda network: network.status("SMx", "delivered"))
    assert {answer.status_code for answer in answers} == {204}
    assert len(built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.RECEIPT)) == 1
    assert posted(raw) == 1


def test_statuses_in_any_order_give_one_receipt(
    network: Network, built: Container, raw: redis.Redis
):
    stand(built, GUANGDONG, "active")
    for status in ("delivered", "sent", "queued", "undelivered", "delivered", "read"):
        assert network.status("SMx", status).status_code == 204
    assert posted(raw) == 1
    (receipt,) = built.store.receipts_of(Msisdn(GUANGDONG), 10, MessageKind.RECEIPT)
    assert receipt.outcome == "delivered"


def test_the_news_of_a_receipt_again_changes_nothing(
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


def test_eight_of_the_same_news_of_a_receipt_at_once_are_taken_once(app: Flask, built: Container):
    receipt = sent(built, a_receipt(built, GUANGDONG, price_fen=5).id)
    path = f"/receipts/{receipt}/status"
    fields = {"MessageSid": "SMr", "MessageStatus": "delivered"}
    answers = at_once(app, lambda network: network.post(path, **fields))
    assert {answer.status_code for answer in answers} == {204}
    (kept,) = built.store.receipts([receipt])
    assert kept is not None
    assert kept.state == "delivered"
    assert len(kept.history) == 1
    assert charges(built, GUANGDONG) == [("receipt", 5)]


def test_kannels_word_of_a_receipt_is_taken_once(app: Flask, built: Container):
    receipt = sent(built, a_receipt(built, GUANGDONG).id)
    path = f"/kannel/report?secret=kannel-secret&id={receipt}&type=1"
    answers = at_once(app, lambda network: network.client.get(path))
    assert {answer.status_code for answer in answers} == {204}
    (kept,) = built.store.receipts([receipt])
    assert kept is not None
    assert (kept.state, len(kept.history)) == ("delivered", 1)


def test_word_of_a_receipt_nobody_knows_is_taken_quietly(network: Network, raw: redis.Redis):
    before = contents(raw)
    for receipt in ("0-abc", "zz", "0-", "１-a", "f" * 300, "..", "%2e%2e", "0-\u0661"):
        answer = network.post(
            f"/receipts/{receipt}/status", MessageSid="SM1", MessageStatus="delivered"
        )
        assert answer.status_code in {204, 403, 404}
    assert contents(raw) == before


def test_two_customers_texts_with_one_sid_are_two_texts(phone: Phone, built: Container):
    phone(GUANGDONG).says("KTDXHZ", "SMa")
    phone(ZHEJIANG).says("KTHZ", "SMa")
    assert standing(built, ZHEJIANG).state == "pending"


def sent(built: Container, receipt_id: str) -> str:
    """Mark a receipt as handed to a provider."""
    (receipt,) = built.store.receipts([receipt_id])
    assert receipt is not None
    moved = replace(receipt, version=2, state="sending", provider="twilio", attempts=1)
    built.store.commit(ChangeSet(receipt.number, records=(moved,)))
    return receipt_id
