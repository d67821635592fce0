"""Texts of senders without the service: a repeat is known for hours, then only counts are left."""

import re

import pytest
import redis

from app.bootstrap import Container
from receipts.model.message import MessageStatus, NoReceiptReason
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import ReportQuery
from receipts.store.keys import KeySchema
from tests.receipts.reports.conftest import ReportRig
from tests.support.plain_store import plain_bytes
from tests.support.reports import ANNA, FRIEND, trail
from tests.support.reports import told as arrived

_STATES = ["none", "pending"]


def _stored(raw: "redis.Redis") -> bytes:
    """Every key and value of the store but counters, timers and the customer's own record."""
    names = [name for name in raw.scan_iter() if not re.search(rb":(counts|timers|sub:)", name)]
    return b"\n".join(name + b"=" + plain_bytes(raw, name) for name in names)


@pytest.mark.parametrize("state", _STATES)
def test_no_number_and_no_id_of_a_strangers_text_is_stored(rig: ReportRig, state: str) -> None:
    rig.stand(state)
    rig.report("ACCEPTD", message="4711000123")
    rig.report("DELIVRD", message="4711000123")
    stored = _stored(rig.raw)
    for secret in (ANNA[1:], FRIEND[1:], ANNA[3:], FRIEND[3:], "4711000123"):
        assert secret.encode() not in stored


def test_strangers_text_is_gone_after_the_hours_of_the_rule_book(rig: ReportRig) -> None:
    rig.stand("none")
    rig.report("DELIVRD")
    (key,) = rig.raw.keys("*:x:*")
    hours = rig.built.book.retention.strangers_hours
    assert hours * 3600 - 5 <= rig.raw.ttl(key) <= hours * 3600


@pytest.mark.parametrize("state", _STATES)
def test_repeat_of_a_strangers_report_counts_once(rig: ReportRig, state: str) -> None:
    rig.stand(state)
    for _ in range(3):
        rig.report("DELIVRD")
    counts = rig.built.clients.bulk_reader.counts()
    assert (counts["reports"], counts["not_subscribed"]) == (1, 1)


def test_repeat_after_subscribing_gives_no_receipt_for_the_earlier_text(rig: ReportRig) -> None:
    rig.stand("none")
    rig.report("DELIVRD")
    rig.stand("active")
    rig.report("DELIVRD")
    rig.report("DELIVRD 000", MessageStatus.DELIVERED)
    assert not arrived(rig.built)
    assert trail(rig.built).history[-1].no_receipt_reason is NoReceiptReason.REPEATED


def test_final_report_after_subscribing_gives_its_receipt(rig: ReportRig) -> None:
    rig.stand("none")
    rig.report("ACCEPTD")
    rig.stand("active")
    rig.report("DELIVRD")
    assert len(arrived(rig.built)) == 1
    assert [event.raw_status for event in trail(rig.built).history] == ["ACCEPTD", "DELIVRD"]


def test_text_begun_as_a_subscriber_keeps_its_trace_after_leaving(rig: ReportRig) -> None:
    rig.stand("active")
    rig.report("ACCEPTD")
    rig.stand("none")
    rig.report("DELIVRD")
    rig.report("DELIVRD")
    assert not rig.raw.keys("*:x:*")
    assert [event.raw_status for event in trail(rig.built).history] == ["ACCEPTD", "DELIVRD"]


def test_hash_depends_on_the_secret_and_on_both_numbers_and_the_id() -> None:
    anna, friend = Msisdn(ANNA), Msisdn(FRIEND)
    one, other = KeySchema(16, "a" * 16), KeySchema(16, "b" * 16)
    text = one.stranger(anna, friend, "7")
    assert text == one.stranger(anna, friend, "007")
    others = {
        other.stranger(anna, friend, "7"),
        one.stranger(friend, anna, "7"),
        one.stranger(anna, anna, "7"),
        one.stranger(anna, friend, "8"),
    }
    assert text not in others


def test_trace_of_a_stranger_is_read_with_its_numbers(built: Container, rig: ReportRig) -> None:
    rig.stand("none")
    rig.report("DELIVRD")
    found = built.store.load_many([ReportQuery(Msisdn(ANNA), Msisdn(FRIEND), "1")])[0]
    assert found.trace is None
    assert found.stranger_trace is not None
    trace = found.stranger_trace.trace
    assert (trace.sender, trace.recipient, trace.message_id) == (ANNA, FRIEND, "1")


@pytest.mark.parametrize("state", _STATES)
def test_strangers_text_is_in_no_index(rig: ReportRig, state: str) -> None:
    rig.stand(state)
    rig.report("DELIVRD", message="4711000123")
    assert not rig.raw.keys("*:texts:*")
    assert not rig.raw.keys("*:mids:*")


def test_text_reported_before_and_after_subscribing_is_indexed_then(rig: ReportRig) -> None:
    rig.stand("none")
    rig.report("ACCEPTD", message="4711000123")
    rig.stand("active")
    rig.report("DELIVRD", message="4711000123")
    (text,) = rig.built.clients.text_index.texts_of(ANNA)
    assert (text.recipient, text.message_id) == (FRIEND, "4711000123")
