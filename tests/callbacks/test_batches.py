"""Batches are idempotent, need few round trips, and bounded memory."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import Mock, patch

import pytest
import redis
from werkzeug.test import TestResponse

from app.bootstrap import Container
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.reports.reconciliation import Reconciliation
from receipts.store.connection import RedisConnection
from statemachines.subscription import SubscriptionState
from tests.callbacks.conftest import Centre, a_line, batch
from tests.conftest import GUANGDONG
from tests.support.fixtures import contents
from tests.support.reports import told as arrived

FULL = 5000


def a_full_batch(built: Container, senders: int = 100, lines: int = FULL) -> bytes:
    """Texts of many customers; every third has two lines."""
    numbers = [Msisdn(f"+86138028{n:05}") for n in range(senders)]
    active = (Subscription(n, version=1, state=SubscriptionState.ACTIVE) for n in numbers)
    built.store.commit_all([ChangeSet(each.number, records=(each,)) for each in active])
    made: list[dict[str, Any]] = []
    while len(made) < lines:
        n = len(made)
        about = {"from": numbers[n % senders], "done": "2026-11-22T09:30:12+08:00"}
        if n % 3 == 0:
            made.append(a_line(f"f{n:07x}", "ACCEPTD", **about))
        made.append(a_line(f"f{n:07x}", **about))
    return batch(*made[:lines])


@pytest.fixture
def round_trips() -> Iterator[Mock]:
    """Counts the round trips to the server."""
    run = RedisConnection.run
    with patch.object(RedisConnection, "run", autospec=True, side_effect=run) as counted:
        yield counted


@pytest.mark.usefixtures("customer")
def test_repeated_batch_changes_nothing(centre: Centre, built: Container, raw: "redis.Redis"):
    lines = (
        a_line("1", "ACCEPTD"), a_line("1"), a_line("1", "EXPIRED"), a_line("2", "what"), "oops",
        a_line("3", part=1, parts=2), a_line("4") | {"from": "13957112345"},
        a_line("5") | {"to": "13001012345"},
    )  # fmt: skip
    first = centre.tell(*lines)
    assert (first["accepted"], first["repeated"], len(first["refused"])) == (7, 0, 1)
    before = contents(raw)
    for _ in range(3):
        again = centre.tell(*lines)
        assert (again["accepted"], again["repeated"], len(again["refused"])) == (0, 7, 1)
    assert contents(raw) == before
    assert len(arrived(built)) == 1


@pytest.mark.usefixtures("customer")
def test_report_twice_in_one_batch_counts_once(centre: Centre):
    told = centre.tell(a_line("0x1F"), a_line("31"), a_line("0000001f"), a_line("1F"))
    assert (told["accepted"], told["repeated"]) == (1, 3)


@pytest.mark.usefixtures("customer")
def test_repeated_parts_are_recognised(centre: Centre, built: Container, raw: "redis.Redis"):
    words = ("ACCEPTD", "ENROUTE", "DELIVRD")
    lines = [a_line(status=w, part=p, parts=255) for p in range(1, 256) for w in words]
    assert centre.tell(*lines)["accepted"] == len(lines)
    before = contents(raw)
    assert centre.tell(*lines)["repeated"] == len(lines)
    assert contents(raw) == before
    assert len(arrived(built)) == 1


@pytest.mark.parametrize("alike", [1, 300])
def test_concurrent_copies_of_a_batch_have_one_effect(built: Container, centre: Centre, alike: int):
    body = a_full_batch(built, senders=7, lines=alike)
    clients = [Centre(centre.client.application.test_client()) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: each.post(body), clients))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum(answer.get_json()["accepted"] for answer in answers) == alike
    assert sum(answer.get_json()["repeated"] for answer in answers) == 3 * alike
    now = Reconciliation.from_counts(built.clients.bulk_reader.counts())
    assert (now.reports, now.missing) == (alike, 0)
    every = [arrived(built, number=f"+86138028{n:05}") for n in range(7)]
    assert sum(map(len, every)) == now.receipts


def test_five_thousand_reports_cost_one_read_and_one_commit(
    built: Container, centre: Centre, round_trips: Mock, raw: "redis.Redis"
):
    body = a_full_batch(built)
    assert centre.tell(a_line("aa"))["accepted"] == 1  # the server knows the script from here on
    round_trips.reset_mock()
    raw.config_resetstat()
    assert centre.post(body).get_json() == {"accepted": FULL, "repeated": 0, "refused": []}
    assert round_trips.call_count == 2
    asked = {name: stats["calls"] for name, stats in raw.info("commandstats").items()}
    texts = {json.loads(line)["id"] for line in body.splitlines()}
    assert asked["cmdstat_evalsha"] == -(-len(texts) // 100)  # of a hundred changes each
    # A text with two lines is one change; its trace is in its receipt, if it has one.
    kept = [*raw.keys("*:receipt:*"), *raw.keys("*:trail:*"), *raw.keys("*:x:*")]
    assert len(kept) == len(texts) + 1 <= FULL
    assert asked["cmdstat_mget"] == 1

    round_trips.reset_mock()
    assert centre.post(body).get_json() == {"accepted": 0, "repeated": FULL, "refused": []}
    assert round_trips.call_count == 1  # without changes there is no commit
    assert Reconciliation.from_counts(built.clients.bulk_reader.counts()).missing == 0


def test_reports_of_non_customers_cost_one_read_and_one_commit(
    built: Container, centre: Centre, round_trips: Mock, raw: "redis.Redis"
):
    raw.config_resetstat()
    lines = (a_line(str(n)) | {"from": f"138029{n:05}"} for n in range(100))
    assert centre.tell(*lines)["accepted"] == 100
    assert round_trips.call_count == 2
    assert raw.info("commandstats")["cmdstat_mget"]["calls"] == 1
    found = Reconciliation.from_counts(built.clients.bulk_reader.counts())
    assert found.reasons["not_subscribed"] == 100


def test_first_reports_of_customers_cost_one_read_and_one_commit(
    built: Container, centre: Centre, round_trips: Mock
):
    body, numbers = a_full_batch(built, senders=7, lines=50), range(7)
    round_trips.reset_mock()
    assert centre.post(body).get_json()["accepted"] == 50
    assert round_trips.call_count == 2
    assert all(arrived(built, number=f"+86138028{n:05}") for n in numbers)
    round_trips.reset_mock()
    assert centre.tell(a_line("99") | {"from": "13802800003"})["accepted"] == 1
    assert round_trips.call_count == 2


def test_oversized_batch_is_refused_whole(built: Container, centre: Centre, raw: "redis.Redis"):
    body = a_full_batch(built)
    before = contents(raw)
    answer = centre.post(body + b"\n\n" + batch(a_line("ff")))
    assert (answer.status_code, "5000" in answer.get_json()["error"]) == (413, True)
    assert contents(raw) == before


def peak_of(post: Callable[[], TestResponse], accepted: int) -> int:
    """Bytes allocated at most while a batch is accepted."""
    tracemalloc.start()
    try:
        assert post().get_json()["accepted"] == accepted
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_largest_batch_needs_bounded_memory(built: Container, centre: Centre):
    full = a_full_batch(built)
    room = (4 * 1024 * 1024 - len(full)) // FULL - len(', "more": ""')
    body = full.replace(b'"}', b'", "more": "' + b"x" * room + b'"}')
    assert 0.99 < len(body) / (4 * 1024 * 1024) <= 1
    assert peak_of(lambda: centre.post(body), FULL) < 10 * len(body)


def test_blank_lines_need_bounded_memory(centre: Centre):
    body = b"\n" * (512 * 1024)
    assert centre.post(b"\n").status_code == 200  # allocates the objects of the first use
    assert peak_of(lambda: centre.post(body), 0) < 4 * len(body)


@pytest.mark.usefixtures("customer")
def test_off_net_recipients_cost_one_more_round_trip_together(
    built: Container, centre: Centre, round_trips: Mock
):
    body = batch(*(a_line(f"{n}") | {"to": "13001012345"} for n in range(500)))
    round_trips.reset_mock()
    assert centre.post(body).get_json()["accepted"] == 500
    # One notice is sent for the whole batch.
    assert round_trips.call_count == 4
    assert len(built.store.receipts_of(Msisdn(GUANGDONG), 100, None)) == 1
