"""Random histories of reports against a reference model that shares no code with the service."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.message import DeliveryReport
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.providers.smsc_status import SmscStatusTable
from receipts.reports.reconciliation import Reconciliation
from statemachines.subscription import SubscriptionState
from tests.conftest import TestClock

SENDERS = ("+8613802880000", "+8613802880001", "+8613957112345")
ON_NET, OFF_NET = ("+8613800138000", "+8613802880001"), ("+8613001012345", "+447700900123")
FRIENDS = ON_NET + OFF_NET

#: 16 and 4096 look alike in both bases: 10 and 1000 are other texts. The last is no number.
IDS = (10, 16, 1000, 4096, 0xBEEF, 0xDEADBEEF, 2**64 - 1, "SM0a1b2c3d4e5f60718293a4b5c6d7e8f9")

FINAL = {"DELIVRD": "delivered", "EXPIRED": "failed", "UNDELIV": "failed", "REJECTD": "rejected"}
WORDS = (*FINAL, *FINAL, "ACCEPTD", "ENROUTE", "DELETED", "UNKNOWN", "WEIRD")


@dataclass(frozen=True)
class Text:
    """A person-to-person text with its number of parts."""

    sender: str
    friend: str
    id: int | str
    parts: int


@dataclass(frozen=True)
class Said:
    """Report of one part, with one of the notations of the message id."""

    text: Text
    spelt: str
    part: int
    word: str

    def report(self, at: dt.datetime) -> DeliveryReport:
        numbers = Msisdn(self.text.sender), Msisdn(self.text.friend)
        about = SmscStatusTable().read(self.word)[0], self.word, at, self.part, self.text.parts
        return DeliveryReport(self.spelt, *numbers, *about)


@dataclass(frozen=True)
class Stands:
    """A change of a customer's subscription state."""

    sender: str
    state: SubscriptionState


Step = Stands | list[Said]


def reference(steps: list[Step]) -> tuple[Counter[tuple[str, str, str]], set[str]]:
    """Receipts due (sender, recipient, outcome), and senders with an off-net notification."""
    receiving: set[str] = set()
    finals: dict[Text, dict[int, str]] = {}
    due: Counter[tuple[str, str, str]] = Counter()
    told: set[str] = set()
    for step in steps:
        if isinstance(step, Stands):
            receiving.discard(step.sender)
            receiving.update({step.sender} if step.state in {"active", "ending"} else ())
            continue
        for said in step:
            text, parts = said.text, finals.setdefault(said.text, {})
            if said.word not in FINAL or len(parts) == text.parts:
                continue  # not final, or unknown to us; or all is said, and stands
            parts.setdefault(said.part, FINAL[said.word])  # the first final stands
            if len(parts) < text.parts or text.sender not in receiving:
                continue  # one receipt when all parts are final; none without the service
            failed = [parts[n] for n in sorted(parts) if parts[n] != "delivered"]
            if text.friend in ON_NET:
                due[text.sender, text.friend, (*failed, "delivered")[0]] += 1
            else:
                told.add(text.sender)
    return due, told


def spellings(message: int | str) -> list[str]:
    if isinstance(message, str):
        return [message, message.upper(), message.lower(), f" {message} "]
    plain, hexed = str(message), f"{message:x}"
    marked = [f"0x{hexed}", f"0X{hexed.upper()}", f"0x000{hexed}"]
    # Without a letter and unmarked, hex cannot be told from a plain number: no centre's reader can.
    bare = [] if hexed.isdigit() else [hexed, hexed.upper(), hexed.zfill(20), f"000{hexed}"]
    return [plain, plain.zfill(20), f"0{plain}", *marked, *bare]


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    # Two ids at most in one story, so that texts of the same id meet in most of them.
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True))
    who = st.tuples(st.sampled_from(SENDERS), st.sampled_from(FRIENDS), st.sampled_from(ids))
    sent = draw(st.lists(who, min_size=2, max_size=6, unique=True))
    texts = [Text(*each, parts=draw(st.integers(1, 4))) for each in sent]

    @st.composite
    def news(draw: st.DrawFn) -> Said:
        text = draw(st.sampled_from(texts))
        spelt = draw(st.sampled_from(spellings(text.id)))
        part = draw(st.integers(1, text.parts))
        return Said(text, spelt, part, draw(st.sampled_from(WORDS)))

    stands = st.builds(Stands, st.sampled_from(SENDERS), st.sampled_from(SubscriptionState))
    steps = st.one_of(st.lists(news(), min_size=1, max_size=8), stands)
    first = [Stands(sender, SubscriptionState.ACTIVE) for sender in SENDERS[:2]]
    return [*first, *draw(st.lists(steps, min_size=3, max_size=14))]


def lived(built: Container, steps: list[Step]) -> None:
    """Apply the same history to the service."""
    reports = built.report_service
    for step in steps:
        if isinstance(step, Stands):
            held = built.store.load(Msisdn(step.sender)).subscription
            now = replace(held, version=held.version + 1, state=step.state)
            built.store.commit(ChangeSet(held.number, records=(now,)))
            continue
        heard = [said.report(built.clock.now()) for said in step]
        if len(heard) == 1:
            reports.ingest(heard[0])
        else:
            reports.ingest_batch(heard)


@pytest.fixture
def unhurried(raw: "redis.Redis") -> Iterator["redis.Redis"]:
    """The store without fsync: these tests check contents, not durability."""
    raw.config_set("appendfsync", "no")
    yield raw
    raw.config_set("appendfsync", "always")


def test_every_history_gives_exactly_the_receipts_of_the_reference(
    built: Container, unhurried: "redis.Redis"
):
    @settings(
        derandomize=True, deadline=None, max_examples=200, suppress_health_check=[*HealthCheck]
    )
    @given(stories())
    def exactly(steps: list[Step]) -> None:
        unhurried.flushall()
        lived(built, steps)
        due, told = reference(steps)
        records = [r for s in SENDERS for r in built.store.receipts_of(Msisdn(s), 100, None)]
        made = [r for r in records if r.kind is MessageKind.RECEIPT]
        assert Counter((str(r.number), str(r.recipient), str(r.outcome)) for r in made) == due
        notices = [str(r.number) for r in records if r.kind is MessageKind.NOTICE]
        assert sorted(notices) == sorted(told)
        posted = [fields[b"id"].decode() for _, fields in every_posted(unhurried)]
        assert sorted(posted) == sorted(r.id for r in records)
        # Only a delivered text costs anything.
        assert all(bool(r.price_fen) <= (r.outcome == "delivered") for r in records)
        now = Reconciliation.from_counts(built.clients.bulk_reader.counts())
        news = {(s.text, s.part, s.word) for step in steps if isinstance(step, list) for s in step}
        assert (now.reports, now.receipts, now.missing) == (len(news), due.total(), 0)

    exactly()


def every_posted(raw: "redis.Redis") -> list[tuple[bytes, dict[bytes, bytes]]]:
    return [entry for key in raw.scan_iter("*:outbox") for entry in raw.xrange(key)]


def test_contradicting_part_counts_give_one_receipt_at_most(
    built: Container, unhurried: "redis.Redis", clock: TestClock
):
    anna, friend = Msisdn(SENDERS[0]), Msisdn(ON_NET[0])
    reports = built.report_service

    @settings(
        derandomize=True, deadline=None, max_examples=100, suppress_health_check=[*HealthCheck]
    )
    @given(
        st.lists(
            st.integers(1, 4).flatmap(
                lambda parts: st.tuples(
                    st.integers(1, parts), st.just(parts), st.sampled_from(WORDS), st.booleans()
                )
            ),
            max_size=14,
        )
    )
    def at_most_one(said: list[tuple[int, int, str, bool]]) -> None:
        unhurried.flushall()
        lived(built, [Stands(SENDERS[0], SubscriptionState.ACTIVE)])
        waiting: list[DeliveryReport] = []
        for part, parts, word, alone in said:
            about = (SmscStatusTable().read(word)[0], word, clock.now(), part, parts)
            waiting.append(DeliveryReport("7", anna, friend, *about))
            if alone:
                reports.ingest_batch(waiting)
                waiting = []
        reports.ingest_batch(waiting)
        made = built.store.receipts_of(anna, 100, MessageKind.RECEIPT)
        assert len(made) <= 1
        now = Reconciliation.from_counts(built.clients.bulk_reader.counts())
        assert (now.receipts, now.missing) == (len(made), 0)

    at_most_one()
