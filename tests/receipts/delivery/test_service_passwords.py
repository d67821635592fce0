"""Service passwords: issued, chosen, changed and checked."""

import itertools
from functools import partial

import pytest
import redis

from app.bootstrap import Container
from receipts.delivery.service_passwords import (
    PasswordStatus,
    ServicePasswords,
    digest_of_password,
)
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.store import Snapshot
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions.passwords.rules import Weakness
from receipts.wording.segments import segments
from statemachines.service_password import PasswordState
from tests.conftest import GUANGDONG, TestClock
from tests.support.plain_store import plain_bytes

NUMBER = Msisdn(GUANGDONG)
OWN, OTHER, FIRST = "294058", "730519", "615027"
_TRIES = itertools.count()


@pytest.fixture
def passwords(built: Container) -> ServicePasswords:
    channels = partial(built.policy.channel_params, used=Channel.COUNTER)
    return ServicePasswords(built.store, built.lifecycle, built.clock, channels)


def put(passwords: ServicePasswords, password: str, *, first: bool = False, about: str = "1"):
    digest = digest_of_password(password)

    def decide(snapshot: Snapshot) -> ChangeSet:
        if first:
            made = passwords.issued(snapshot, password, digest, about)
        else:
            made = passwords.chosen(snapshot, digest, about)
        assert made.notice is not None
        return ChangeSet(NUMBER, records=(made.credentials, made.notice), outbox=(made.notice.id,))

    run_in_transaction(passwords.store, NUMBER, decide, credentials=True)


def enter(passwords: ServicePasswords, password: str, key: str = "") -> str:
    key = key or f"try {next(_TRIES)}"
    return passwords.check(NUMBER, password, key, lambda status: Reply(next=status)).next


def change(passwords: ServicePasswords, present: str, new: str, key: str) -> str:
    return passwords.change(NUMBER, present, new, key, lambda status: Reply(next=status)).next


def state(passwords: ServicePasswords) -> PasswordState:
    return passwords.state(passwords.store.load(NUMBER, credentials=True).credentials)


def texts(built: Container) -> list[str]:
    return [r.text for r in built.store.receipts_of(NUMBER, None, MessageKind.NOTICE)]


def test_first_value_proves_nothing_but_the_right_to_choose(passwords: ServicePasswords):
    put(passwords, FIRST, first=True)
    assert state(passwords) is PasswordState.INITIAL
    assert enter(passwords, FIRST) == PasswordStatus.MUST_CHANGE
    assert change(passwords, FIRST, OWN, "change") == PasswordStatus.RIGHT
    assert (state(passwords), enter(passwords, OWN)) == (PasswordState.CHOSEN, "right")
    assert enter(passwords, FIRST) == PasswordStatus.WRONG


@pytest.mark.parametrize(
    ("new", "why"), [("111111", Weakness.REPEATED), ("802880", Weakness.OF_NUMBER)]
)
def test_weak_new_value_changes_nothing(passwords: ServicePasswords, new: str, why: Weakness):
    put(passwords, OWN)
    assert change(passwords, OWN, new, "change") == why
    assert enter(passwords, OWN) == PasswordStatus.RIGHT


def test_change_with_a_wrong_present_value_counts_among_the_three(passwords: ServicePasswords):
    put(passwords, OWN)
    assert change(passwords, OTHER, FIRST, "a") == PasswordStatus.WRONG
    assert change(passwords, OTHER, FIRST, "a") == PasswordStatus.WRONG  # the same form again
    assert enter(passwords, "000000", "b") == PasswordStatus.WRONG
    assert change(passwords, OTHER, FIRST, "c") == PasswordStatus.LOCKED
    assert change(passwords, OWN, FIRST, "d") == PasswordStatus.LOCKED
    assert state(passwords) is PasswordState.LOCKED


def test_lock_ends_at_midnight_in_china(passwords: ServicePasswords, clock: TestClock):
    put(passwords, OWN)
    for key in "abc":
        enter(passwords, OTHER, key)
    assert enter(passwords, OWN, "d") == PasswordStatus.LOCKED
    clock.move_to_next_morning()
    assert enter(passwords, OWN, "e") == PasswordStatus.RIGHT


def test_identity_at_a_counter_ends_the_lock(passwords: ServicePasswords):
    put(passwords, OWN)
    for key in "abc":
        enter(passwords, "000000", key)
    put(passwords, FIRST, first=True, about="2")
    assert state(passwords) is PasswordState.INITIAL
    put(passwords, OTHER, about="3")
    assert enter(passwords, OTHER) == PasswordStatus.RIGHT


def test_change_of_a_form_sent_twice_tells_the_owner_once(
    passwords: ServicePasswords, built: Container
):
    put(passwords, OWN)
    told = len(texts(built))
    for _ in range(2):
        assert change(passwords, OWN, OTHER, "same form") == PasswordStatus.RIGHT
    assert len(texts(built)) == told + 1
    assert OTHER not in "".join(texts(built))


def test_first_value_is_texted_in_one_segment_and_sealed_at_rest(
    passwords: ServicePasswords, built: Container, raw: redis.Redis
):
    put(passwords, FIRST, first=True)
    for key in raw.keys("*"):
        assert FIRST.encode() not in plain_bytes(raw, key)
    for language in Language:
        text = passwords.issued(
            built.store.load(NUMBER, credentials=True), FIRST, "digest", f"of {language}"
        ).notice
        assert text is not None
        assert (text.kind, segments(text.text)) == (MessageKind.CODE, 1)
        assert FIRST in text.text
