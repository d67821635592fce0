"""Storage of a passcode: only until it is sent, on no list."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from app.bootstrap import Container
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet, OutboxEntry
from receipts.ports.provider import PermanentError, TemporaryError, UnknownOutcomeError
from receipts.ports.restore_gap import RestoreGap
from receipts.store.sealed_text import TextSealer
from tests.conftest import GUANGDONG, TestClock
from tests.support.fixtures import contents
from tests.support.sending import mark_sending
from web.portal.passcodes import PasscodeService


@pytest.fixture
def sent(built: Container) -> tuple[Receipt, OutboxEntry]:
    """A passcode in the outbox."""
    sending = built.lifecycle
    service = PasscodeService(built.store, sending, built.clock, ("k" * 16,))
    service.send(Msisdn(GUANGDONG), Language.ZH)
    (posted,) = built.clients.outbox.fetch("one", 9, 0.001)
    (text,) = built.store.receipts([posted.receipt_id])
    assert text is not None
    return text, posted


@pytest.mark.parametrize(
    "failure", [None, PermanentError("no"), TemporaryError("later"), UnknownOutcomeError("lost")]
)
def test_passcode_is_erased_after_sending_or_failure(
    built: Container,
    raw: redis.Redis,
    clock: TestClock,
    sent: tuple[Receipt, OutboxEntry],
    failure: PermanentError | TemporaryError | UnknownOutcomeError | None,
):
    text, posted = sent
    delivery, store = built.lifecycle, built.store
    code = text.text[:6]
    assert code.isdigit()
    store.commit(mark_sending(delivery, text, posted))
    (sending,) = store.receipts([text.id])
    assert sending is not None
    if failure is None:
        store.commit(delivery.accepted(sending, "P1", posted))
    else:
        store.commit(delivery.failed(sending, failure, posted))
    if isinstance(failure, TemporaryError):
        clock.move(minutes=6)
        (waiting,) = store.receipts([text.id])
        assert waiting is not None
        store.commit(mark_sending(delivery, waiting, posted))
    (kept,) = store.receipts([text.id])
    assert kept is not None
    if isinstance(failure, UnknownOutcomeError):
        # The in-doubt lookup needs the text for at most an hour.
        (key,) = raw.keys("*:receipt:*")
        assert 0 < raw.ttl(key) <= 3600
    else:
        assert kept.text == ""
        assert not any(code.encode() in value for value in contents(raw).values())


def test_passcode_is_not_listed_and_not_sent_late(
    built: Container, raw: redis.Redis, clock: TestClock, sent: tuple[Receipt, OutboxEntry]
):
    text, posted = sent
    assert built.store.receipts_of(Msisdn(GUANGDONG), 100, None) == []
    assert raw.keys("*:unsure") == []
    clock.move(minutes=5, seconds=1)
    (ended,) = mark_sending(built.lifecycle, text, posted).records
    assert isinstance(ended, Receipt)
    assert (ended.state.value, ended.text) == ("expired", "")


def test_passcode_is_never_in_the_stores_files(
    raw: redis.Redis, sent: tuple[Receipt, OutboxEntry], built: Container
):
    text, posted = sent
    built.store.commit(mark_sending(built.lifecycle, text, posted))
    code = text.text[:6]
    folder = Path(str(raw.config_get("dir")["dir"]))
    files = [path for path in folder.rglob("*.aof") if path.is_file()]
    # Times and ids of the tests before this one have any six digits among them.
    written = b"".join(path.read_bytes() for path in files).rpartition(b"FLUSHALL")[2]
    assert text.id.encode() in written
    assert code.encode() not in written


def test_session_from_before_a_restore_has_ended(built: Container, clock: TestClock):
    anna, now = Msisdn(GUANGDONG), clock.now()
    gap = RestoreGap(now, now, now + dt.timedelta(minutes=2))
    before = PasscodeService(built.store, built.lifecycle, clock, ("k" * 16,))
    restored = replace(before, gap=gap)

    def begin(session_id: str) -> None:
        login = before.session_begun(built.store.load(anna, login=True), session_id)
        built.store.commit(ChangeSet(anna, records=(login,)))

    begin("first")
    clock.move(minutes=3)
    # It may have been ended after the backup.
    assert (before.has_session(anna, "first"), restored.has_session(anna, "first")) == (True, False)
    begin("second")
    assert restored.has_session(anna, "second")


def test_passcode_sealed_with_the_old_key_is_sent_during_rotation(
    built: Container, sent: tuple[Receipt, OutboxEntry]
):
    text, _ = sent
    old = built.settings.secret_keys
    built.store.sealer = TextSealer(("n" * 16, *old))
    (found,) = built.store.receipts([text.id])
    assert found == text


def test_worker_with_another_key_sends_no_empty_text_and_says_why(
    built: Container, sent: tuple[Receipt, OutboxEntry]
):
    text, posted = sent
    built.store.sealer = TextSealer(("another key of 24 chars.",))
    (found,) = built.store.receipts([text.id])
    assert found is not None
    skipped = mark_sending(built.lifecycle, found, posted)
    built.store.commit(skipped)
    (failed,) = built.store.receipts([text.id])
    assert failed is not None
    assert (failed.state, failed.text) == ("failed", "")
    assert "SECRET_KEY" in (failed.note or "")
