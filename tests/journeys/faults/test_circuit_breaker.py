"""Circuit breaker of a failing provider: open, trial, closed; no receipt is lost or doubled."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode
from statemachines.provider import ProviderState
from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import QUICK, Serve
from tests.journeys.faults.outbox import Outbox
from tests.support.product import Service, until
from tests.support.rulebook import write_book

pytestmark = pytest.mark.faults

_S, _P = ReceiptState, ProviderState
OUT = (_S.SENT, _S.DELIVERED)


@pytest.fixture(scope="module")
def service(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Two workers; Kannel is preferred; three failures in a row open its breaker."""
    rules = QUICK | {"demote_after": "3", "probe_after_seconds": "[5, 10]", "max_attempts": "6"}
    book = write_book(tmp_path_factory.mktemp("book"), rules)
    running = serve(TEXT_PROVIDER="kannel,twilio", RULE_BOOK=str(book))
    running.start("network", "doors", "worker", "second worker")
    return running


@pytest.fixture(autouse=True)
def _all_well(service: Service, outbox: Outbox) -> Iterator[None]:
    """Close both breakers after each test."""
    yield
    for api in ("twilio", "kannel"):
        outbox.phones.trouble(api, "none")
    before = breakers(outbox)
    outbox.all_are(outbox.post(2), *OUT)
    both = {"kannel": _P.CLOSED, "twilio": _P.CLOSED}

    def closed() -> bool:
        if breakers(outbox) != both:
            service.later("+70s")
            outbox.all_are(outbox.post(2), *OUT)
        return breakers(outbox) == both

    until(closed, why="both breakers to close")
    if before != both:
        time.sleep(1)  # both workers refresh twice a second


def breakers(outbox: Outbox) -> dict[str, ProviderState]:
    found = outbox.built.clients.rate_limiter.load(["kannel", "twilio"])
    return {name: health.state for name, health in found.items()}


def await_open(outbox: Outbox, *names: str) -> None:
    """Return when the breakers of these providers are open."""
    for name in names:
        until(lambda name=name: breakers(outbox)[name] != _P.CLOSED, why=f"{name} to be demoted")


def deferred(outbox: Outbox) -> int:
    return sum(each.count for each in outbox.built.clients.outbox.backlog(["kannel", "twilio"]))


def metrics(service: Service) -> str:
    return until(lambda: service.metrics, why="the metrics")


def test_refused_receipt_goes_to_the_next_provider_at_once(service: Service, outbox: Outbox):
    outbox.phones.trouble("kannel", "http_503")
    posted = outbox.post(20) + outbox.post(20, DisplayMode.FLASH)
    outbox.all_are(posted, *OUT)
    assert {m["api"] for m in outbox.each_once(posted)} == {"twilio"}
    assert outbox.charged(posted) == [10] * 40
    flash = outbox.now(posted[20:])
    assert {(r.mode, r.sent_as) for r in flash} == {(DisplayMode.FLASH, DisplayMode.TEXT)}
    assert {r.note for r in flash} == {"no flash by kannel just now: sent as ordinary by twilio"}
    await_open(outbox, "kannel")
    findings = service.command("doctor").stdout
    assert "kannel is demoted since" in findings
    assert "kannel 503" in findings
    page = metrics(service)
    assert 'sms_receipt_provider_healthy{provider="kannel"} 0.0' in page
    assert 'sms_receipt_provider_healthy{provider="twilio"} 1.0' in page
    assert requests.get(f"{service.doors}/readyz", timeout=5).json() == {"status": "ready"}
    (line,) = service.lines("receipts", posted[-1].number)
    assert (line["mode"], line["sent_as"], line["provider"]) == ("flash", "text", "twilio")
    assert "no flash by kannel" in line["note"]


def test_open_breaker_tries_one_receipt_and_closes(service: Service, outbox: Outbox):
    outbox.phones.trouble("kannel", "http_503")
    outbox.all_are(outbox.post(10, DisplayMode.FLASH), *OUT)
    await_open(outbox, "kannel")
    before = outbox.built.clients.rate_limiter.load(["kannel"])["kannel"]
    assert service.command("clock", "+20s").returncode == 0
    tries = outbox.post(10, DisplayMode.FLASH)
    outbox.all_are(tries, *OUT)
    # One of them was the trial: it failed and went to the other provider.
    assert sorted(r.attempts for r in outbox.now(tries)) == [1] * 9 + [2]
    after = outbox.built.clients.rate_limiter.load(["kannel"])["kannel"]
    assert (after.state, after.failed_trials) == (_P.OPEN, before.failed_trials + 1)
    outbox.phones.trouble("kannel", "none")
    assert service.command("clock", "+20s").returncode == 0
    again = outbox.post(10, DisplayMode.FLASH)
    outbox.all_are(again, *OUT)
    until(lambda: breakers(outbox)["kannel"] is _P.CLOSED, why="kannel to be taken back")
    assert sum(bool(m["flash"]) for m in outbox.each_once(again)) >= 1

    def all_are_flashes() -> bool:
        later = outbox.post(10, DisplayMode.FLASH)
        outbox.all_are(later, *OUT)
        return all(m["flash"] for m in outbox.each_once(later))

    until(all_are_flashes, why="both workers to use kannel again")


def test_receipt_in_doubt_stays_with_its_provider(service: Service, outbox: Outbox):
    outbox.phones.trouble("kannel", "cut_before")
    posted = outbox.post(80)
    outbox.all_are(posted, *OUT, _S.UNSURE)
    doubtful = [r for r in outbox.now(posted) if r.state is _S.UNSURE]
    # Requests under way when the breaker opened: at most the threads of two workers.
    assert 3 <= len(doubtful) <= 40
    assert {(r.provider, r.charge_fen) for r in doubtful} == {("kannel", 0)}
    sure = [r for r in posted if r.id not in {d.id for d in doubtful}]
    assert {m["api"] for m in outbox.each_once(sure)} == {"twilio"}
    assert outbox.arrived(doubtful) == []
    listed = service.lines("unsure")
    assert {each["id"] for each in listed} >= {r.id for r in doubtful}
    assert f"sms_receipt_unsure {len(listed)}.0" in metrics(service)


def test_receipt_taken_before_a_cut_is_not_sent_again(outbox: Outbox):
    outbox.phones.trouble("kannel", "cut_after")
    posted = outbox.post(40)
    # Kannel has no look-up, but it sends delivery reports.
    outbox.all_are(posted, *OUT)
    arrived = outbox.each_once(posted)
    assert {m["api"] for m in arrived} == {"kannel", "twilio"}
    assert outbox.charged(posted) == [10] * 40


@pytest.mark.parametrize("kind", ["http_500", "cut_before", "cut_after"])
def test_receipt_in_doubt_is_looked_up_at_twilio_first(service: Service, outbox: Outbox, kind: str):
    outbox.phones.trouble("kannel", "http_503")
    outbox.all_are(outbox.post(5), *OUT)
    await_open(outbox, "kannel")
    outbox.phones.trouble("twilio", kind)
    posted = outbox.post(20)
    await_open(outbox, "twilio")
    outbox.phones.trouble("kannel", "none")
    for _ in range(4):
        assert service.command("clock", "+10s").returncode == 0
    outbox.all_are(posted, *OUT)
    carried = {m["api"] for m in outbox.each_once(posted)}
    assert "twilio" in carried if kind == "cut_after" else carried == {"kannel"}
    assert outbox.charged(posted) == [10] * 20


def _all_waiting(outbox: Outbox, posted: list[Receipt]) -> list[Receipt]:
    """Return those that are due, once no other is under way; none before that.

    A receipt on a retry is due, then under way, then due: one reading judges all of them, and
    the backlog shows that the retries are over. Trials of the breakers may be out of it.
    """
    now = outbox.now(posted)
    # A kept connection may be cut during a request: a few are in doubt.
    due = [r for r in now if r.state is _S.DUE]
    settled = all(r.state in {_S.DUE, _S.UNSURE} for r in now)
    return due if settled and deferred(outbox) >= len(due) - 2 else []


@contextmanager
def waiting_receipts(service: Service, outbox: Outbox, count: int) -> Iterator[list[Receipt]]:
    """Post receipts without a network; yield those that wait for a provider."""
    service.kill("network")
    try:
        posted = outbox.post(count)
        await_open(outbox, "kannel", "twilio")
        yield until(lambda: _all_waiting(outbox, posted), why="all to wait for a provider")
    finally:
        service.start("network")
        outbox.phones.session.close()


def test_receipts_wait_for_dead_providers_and_go_out_once(service: Service, outbox: Outbox):
    with waiting_receipts(service, outbox, 30) as posted:
        assert len(posted) >= 25
        tries = sum(r.attempts for r in outbox.now(posted))
        findings = service.command("doctor").stdout
        assert "twilio is demoted" in findings
        assert "receipts wait for it" in findings
        pattern = r'sms_receipt_waiting{provider="\w+",shard="\d+"} (\d+)'
        waiting = re.findall(pattern, metrics(service))
        assert len(posted) - 2 <= sum(map(int, waiting)) <= len(posted)
        assert requests.get(f"{service.doors}/readyz", timeout=5).ok
        # Only trials of the breakers use up attempts.
        assert sum(r.attempts for r in outbox.now(posted)) - tries <= 4
    for _ in range(3):
        assert service.command("clock", "+10s").returncode == 0
    outbox.all_are(posted, *OUT)
    outbox.each_once(posted)
    assert outbox.charged(posted) == [10] * len(posted)


def test_receipt_that_waits_too_long_expires_uncharged(service: Service, outbox: Outbox):
    with waiting_receipts(service, outbox, 10) as posted:
        service.later("+25h")
        outbox.all_are(posted, _S.EXPIRED)
    assert outbox.charged(posted) == []
    (line,) = service.lines("receipts", posted[0].number)
    assert (line["state"], line["charge_fen"]) == ("expired", 0)
    assert outbox.arrived(posted) == []


def test_worker_killed_in_a_backlog_loses_no_receipt(service: Service, outbox: Outbox):
    outbox.phones.trouble("kannel", "slow", seconds=1)
    posted = outbox.post(80)
    until(lambda: outbox.arrived(posted), why="some to arrive")
    service.kill("second worker")
    outbox.phones.trouble("kannel", "none")
    service.start("second worker")
    outbox.all_are(posted, *OUT, _S.UNSURE)
    # Requests of the killed worker may have gone out; only reports of Kannel tell.
    doubtful = {r.id for r in outbox.now(posted) if r.state is _S.UNSURE}
    assert len(doubtful) <= 32
    outbox.each_once([r for r in posted if r.id not in doubtful])
    assert outbox.arrived([r for r in posted if r.id in doubtful]) == []
