"""Digests: flash receipts within seconds are one flash, with a record and a charge each."""

import time
from contextlib import suppress

import pytest
import redis

from app.bootstrap import Container
from receipts.delivery.routing import Router
from receipts.model.calendar import month_of
from receipts.model.message import MessageStatus
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.provider import (
    PermanentError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.ports.store import StoreUnavailableError
from receipts.worker.worker import DIGEST_LEAD
from tests.conftest import TestClock, gathering
from tests.receipts.conftest import AtWork, Until
from tests.receipts.delivery.digest_rig import SENDER, WAIT_SECONDS, DigestRig
from tests.support.fixtures import GUANGXI, HEBEI, stand
from tests.support.sending import ProviderDouble

D, F = MessageStatus.DELIVERED, MessageStatus.FAILED


@pytest.fixture
def rig(built: Container, clock: TestClock, flasher: ProviderDouble) -> DigestRig:
    stand(built, SENDER, "active")
    return DigestRig(built, clock, flasher)


def test_texts_within_the_wait_are_one_flash_with_a_record_and_a_charge_each(rig: DigestRig):
    rig.arrive(D)
    rig.clock.move(seconds=1)
    rig.arrive(F, D)
    assert (rig.fire(), rig.send()) == (0, [])
    rig.clock.move(seconds=1)
    assert rig.fire() == 1
    text = "您发出的3条短信：13957112102未送达，13957112103、13957112101已送达。"
    assert rig.send() == [text]
    assert [(m.text, m.mode) for m in rig.flasher.sent] == [(text, DisplayMode.FLASH)]
    for receipt in rig.receipts():
        assert (receipt.state, receipt.provider, receipt.text) == ("sent", "flasher", text)
        assert (receipt.sent_as, receipt.attempts) == (DisplayMode.FLASH, 1)
        assert receipt.sent_at == rig.clock.now()
    assert sorted(receipt.charge_fen for receipt in rig.receipts()) == [0, 10, 10]
    reasons = sorted(charge.reason for charge in rig.charges())
    assert reasons == ["receipt for message SM1", "receipt for message SM3"]
    assert (rig.wait(), rig.send()) == (0, [])


def test_single_receipt_is_sent_without_a_digest(rig: DigestRig):
    rig.arrive(D)
    (text,) = rig.wait_and_send()
    assert text.startswith("您发给13957112101的短信已送达")
    (receipt,) = rig.receipts()
    assert (receipt.text, receipt.digest, receipt.charge_fen) == (text, None, 10)
    assert rig.digests() == []


def test_ordinary_receipts_do_not_wait(rig: DigestRig):
    stand(rig.built, SENDER, "active", DisplayMode.TEXT)
    rig.arrive(D, D)
    assert len(rig.send()) == 2
    assert rig.wait() == 0


def test_change_to_ordinary_leaves_waiting_receipts_as_they_are(rig: DigestRig):
    rig.arrive(D, D)
    stand(rig.built, SENDER, "active", DisplayMode.TEXT)
    rig.arrive(D)
    assert len(rig.send()) == 1
    (text,) = rig.wait_and_send()
    assert text.startswith("您发出的2条短信：")


def test_no_receipt_waits_without_a_wait_time(rig: DigestRig):
    rig.built = rig.built.with_changes(gathering(rig.built.book, 0))
    rig.arrive(D, D)
    assert len(rig.send()) == 2


def test_each_receipt_is_sent_by_itself_without_a_flash_provider(rig: DigestRig):
    rig.use(Router([ProviderDouble("courier", flash=False, lookup=True)]))
    rig.arrive(D, D)
    assert len(rig.wait_and_send()) == 2


def test_digest_joins_receipts_of_one_customer_only(rig: DigestRig):
    stand(rig.built, HEBEI, "active")
    for sender in (SENDER, HEBEI):
        rig.arrive(D, D, sender=sender)
    assert rig.wait() == 4
    rig.send()
    assert sorted(message.to for message in rig.flasher.sent) == [HEBEI, SENDER]


def test_digest_has_the_language_of_its_newest_receipt(rig: DigestRig):
    rig.arrive(D)
    stand(rig.built, SENDER, "active", language=Language.EN)
    rig.arrive(D)
    assert rig.wait_and_send() == ["Your 2 texts: 13957112102, 13957112101 delivered."]


def test_large_batch_of_one_customer_is_one_digest(rig: DigestRig):
    rig.arrive(*[D] * 60)
    (text,) = rig.wait_and_send()
    assert text.startswith("您发出的60条短信：尾号")
    assert {receipt.text for receipt in rig.receipts()} == {text}
    assert (len(rig.charges()), rig.wait()) == (60, 0)


def test_more_receipts_than_the_search_limit_are_all_sent(rig: DigestRig):
    rig.arrive(*[D] * 130)
    rig.clock.move(seconds=WAIT_SECONDS)
    while rig.fire():
        rig.send()
    assert len(rig.charges()) == 130
    assert (
        sum(int(m.text.partition("条")[0].removeprefix("您发出的")) for m in rig.flasher.sent)
        == 130
    )


def test_free_receipts_of_a_digest_are_counted_one_by_one(rig: DigestRig):
    month = month_of(rig.clock.now())
    stand(rig.built, GUANGXI, "active", receipts_this_month=18, receipts_month=month)
    rig.arrive(D, D, F, D, sender=GUANGXI)  # twenty are free
    rig.wait_and_send()
    assert sorted(charge.fen for charge in rig.charges(GUANGXI)) == [0, 0, 5]
    (digest,) = rig.digests(GUANGXI)
    rig.report_delivered(digest)
    assert rig.built.store.load(Msisdn(GUANGXI)).subscription.receipts_this_month == 21


def test_permanent_error_of_a_digest_ends_its_members_free_of_charge(rig: DigestRig):
    rig.flasher.ends.append(PermanentError("no such line"))
    rig.arrive(D, D)
    rig.wait_and_send()
    ends = [(r.state, r.note, r.sent_at) for r in rig.receipts()]
    assert ends == [("failed", "no such line", None)] * 2
    assert rig.charges() == []


def test_retried_digest_keeps_its_members(rig: DigestRig):
    rig.flasher.ends.append(TemporaryError("busy"))
    rig.arrive(D, D)
    (first,) = rig.wait_and_send()
    assert rig.states() == {"due"}
    rig.arrive(D)  # joins no digest that was sent before
    rig.clock.move(seconds=5)
    rig.fire()
    sent = rig.send()
    assert first in sent
    assert (len(sent), len(rig.charges())) == (2, 3)


def test_digest_in_doubt_is_charged_once_with_its_report(rig: DigestRig):
    rig.flasher.ends.append(UnknownOutcomeError("no answer"))
    rig.arrive(D, D)
    rig.wait_and_send()
    assert (rig.states(), rig.charges()) == ({"unsure"}, [])
    (digest,) = rig.digests()
    for _ in range(2):
        rig.report_delivered(digest)
    assert {(r.state, r.done_at) for r in rig.receipts()} == {("delivered", rig.clock.now())}
    assert len(rig.charges()) == 2


@pytest.mark.parametrize("status", [ProviderStatus.UNDELIVERED, ProviderStatus.FAILED], ids=str)
def test_undelivered_digest_credits_each_charged_member_once(
    rig: DigestRig, status: ProviderStatus
):
    rig.arrive(D, F, D)
    rig.wait_and_send()
    charged = rig.charges()
    assert [charge.fen for charge in charged] == [10, 10], "the failed text's receipt is free"
    rig.clock.move(days=31)
    (digest,) = rig.digests()
    for raw in ("undelivered 30003", "undelivered 30003", "undelivered 30034"):
        rig.report(digest, status, raw)
    rig.report_delivered(digest)
    credits_ = rig.charges()
    assert [(each.kind, each.fen) for each in credits_] == [("credit", -10)] * 2
    assert {each.charge_id for each in credits_} == {each.id for each in charged}
    ends = {(r.state, r.charge_fen, r.note) for r in rig.receipts()}
    assert ends == {("undelivered", 0, "undelivered 30003")}
    assert len(rig.built.clients.bulk_reader.results("flasher")) == 1, "one text has one end"
    assert rig.built.clients.bulk_reader.counts()["failed:flasher:none"] == 1


@pytest.mark.parametrize("fault", ["before", "after", "race"])
def test_credits_of_a_digest_are_written_whole_and_once(rig: DigestRig, fault: str):
    rig.arrive(D, D)
    rig.wait_and_send()
    (digest,) = rig.digests()
    rig.store.fault = fault
    with suppress(StoreUnavailableError):
        rig.report(digest, ProviderStatus.UNDELIVERED, "undelivered")
    known = {charge.fen for charge in rig.charges()}
    assert known in ({10}, {10, -10})
    assert len(rig.charges()) in {2, 4}
    rig.report(digest, ProviderStatus.UNDELIVERED, "undelivered")
    assert sorted(charge.fen for charge in rig.charges()) == [-10, -10, 10, 10]


def test_waiting_receipt_past_its_age_limit_expires_alone(rig: DigestRig):
    rig.arrive(D)
    rig.clock.move(hours=25)
    rig.arrive(D, D)
    (text,) = rig.wait_and_send()
    assert text.startswith("您发出的2条短信：")
    assert [r.state for r in rig.receipts()] == ["sent", "sent", "expired"]


@pytest.mark.parametrize("fault", ["before", "after", "race"])
def test_failed_digest_commit_is_atomic_and_repeated(rig: DigestRig, fault: str):
    rig.arrive(D, D)
    rig.clock.move(seconds=WAIT_SECONDS)
    rig.store.fault = fault
    try:
        rig.fire()
    except StoreUnavailableError:
        rig.fire()
    (text,) = rig.send()
    assert text.startswith("您发出的2条短信：")
    assert rig.fire() == 0


def test_concurrent_timers_of_two_workers_make_one_flash(rig: DigestRig):
    rig.arrive(D, D, D)
    rig.clock.move(seconds=WAIT_SECONDS)
    due = rig.timers.due_timers(100)
    assert len(due) == 3
    for timer in due:
        rig.timers.flush_digests([timer])
    rig.timers.flush_digests(due[::-1])
    assert len(rig.send()) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_timers_that_two_workers_have_read_put_a_receipt_into_the_outbox_once(
    rig: DigestRig, count: int
):
    rig.use(Router([ProviderDouble("courier", flash=False, lookup=True)], []))  # no digests
    rig.arrive(*[D] * count)
    rig.clock.move(seconds=WAIT_SECONDS)
    due = rig.timers.due_timers(100)
    for timers in ([due[-1]], due, due[::-1]):
        rig.timers.flush_digests(timers)
    assert len(rig.built.clients.outbox.fetch("hand", 1600, 0)) == count


@pytest.mark.fixed_day  # the customer subscribed before the machine's today
def test_worker_ends_the_wait_of_a_flash_about_when_its_timer_is_due(
    rig: DigestRig, at_work: AtWork, until: Until
):
    worker = rig.worker()
    rig.clock.now = rig.clock.wall_clock  # real time
    with at_work(worker):
        time.sleep(0.3)
        began = time.monotonic()
        rig.arrive(D, D, F)
        until(lambda: rig.flasher.sent)
        took = time.monotonic() - began
        until(lambda: rig.states() == {"sent"})
    early = DIGEST_LEAD.total_seconds()
    assert WAIT_SECONDS - early <= took < WAIT_SECONDS + 5  # on a busy machine
    assert [m.text.partition("：")[0] for m in rig.flasher.sent] == ["您发出的3条短信"]
    assert len(rig.charges()) == 2


def test_unreadable_record_delays_no_other_customers_flash(
    rig: DigestRig, at_work: AtWork, until: Until, raw: "redis.Redis"
):
    stand(rig.built, HEBEI, "active")
    rig.arrive(D, D)
    broken = rig.receipts()[0].id
    raw.set(rig.built.store._receipt_key(broken), b"1|{")  # noqa: SLF001
    rig.arrive(D, D, sender=HEBEI)
    rig.clock.move(seconds=WAIT_SECONDS)
    with at_work(rig.worker()):
        until(lambda: rig.flasher.sent)
    assert [message.to for message in rig.flasher.sent] == [HEBEI]
