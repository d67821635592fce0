"""A provider that fails is left alone, tried again, and taken back; nothing is lost or doubled."""

import json
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
from tests.journeys.faults.outbox import Desk
from tests.support.product import Running, until, write_book

pytestmark = pytest.mark.faults

_S, _P = ReceiptState, ProviderState
OUT = (_S.SENT, _S.DELIVERED)


@pytest.fixture(scope="module")
def service(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """Kannel is cheaper; two workers; three failures in a row are enough."""
    rules = QUICK | {
        "demote_after": "3",
        "probe_after_seconds": "[5, 10]",
        "max_attempts": "6",
    }
    book = write_book(tmp_path_factory.mktemp("book"), rules)
    running = serve(TEXT_PROVIDER="kannel,twilio", RULE_BOOK=str(book))
    running.start("network", "doors", "worker")
    running.employ("second worker")
    return running


@pytest.fixture(autouse=True)
def _all_well(service: Running, desk: Desk) -> Iterator[None]:
    """Every test begins with two providers in use."""
    yield
    for api in ("twilio", "kannel"):
        desk.phones.trouble(api, "none")
    was = stands(desk)
    desk.all_are(desk.post(2), *OUT)
    both = {"kannel": _P.CLOSED, "twilio": _P.CLOSED}

    def tried() -> bool:
        if stands(desk) != both:
            service.later("+70s")
            desk.all_are(desk.post(2), *OUT)
        return stands(desk) == both

    until(tried, 30, "both providers to be in use again")
    if was != both:
        time.sleep(1)  # both workers look twice a second


def stands(desk: Desk) -> dict[str, ProviderState]:
    found = desk.built.clients.rate_limiter.load(["kannel", "twilio"])
    return {name: health.state for name, health in found.items()}


def demoted(desk: Desk, name: str) -> None:
    until(lambda: stands(desk)[name] != _P.CLOSED, 10, f"{name} to be demoted")


def parked(desk: Desk) -> int:
    """How many wait for a line to be taken back."""
    waiting = desk.built.clients.outbox.backlog(["kannel", "twilio"])
    return sum(each.count for each in waiting)


def by(desk: Desk, receipts: list[Receipt]) -> set[str | None]:
    return {receipt.provider for receipt in desk.now(receipts)}


def test_what_certainly_did_not_go_out_moves_to_the_next_provider_at_once(
    service: Running, desk: Desk
) -> None:
    desk.phones.trouble("kannel", "http_503")
    posted = desk.post(20) + desk.post(20, DisplayMode.FLASH)
    desk.all_are(posted, *OUT, seconds=10)
    assert {m["api"] for m in desk.each_once(posted)} == {"twilio"}
    assert desk.charged(posted) == [10] * 40
    flash = desk.now(posted[20:])
    assert {(r.mode, r.sent_as) for r in flash} == {(DisplayMode.FLASH, DisplayMode.TEXT)}
    assert {r.note for r in flash} == {"no flash by kannel just now: sent as ordinary by twilio"}
    # It is shown wherever staff and machines look.
    told = service.command("doctor").stdout
    assert "kannel is demoted since" in told
    assert "kannel 503" in told
    page = requests.get(f"{service.doors}/metrics", timeout=5).text
    assert 'sms_receipt_provider_healthy{provider="kannel"} 0.0' in page
    assert 'sms_receipt_provider_healthy{provider="twilio"} 1.0' in page
    assert requests.get(f"{service.doors}/readyz", timeout=5).json() == {"status": "ready"}
    (shown,) = map(json.loads, service.command("receipts", posted[-1].number).stdout.splitlines())
    assert (shown["mode"], shown["sent_as"], shown["provider"]) == ("flash", "text", "twilio")
    assert "no flash by kannel" in shown["note"]


def test_a_demoted_provider_is_tried_with_one_receipt_after_a_growing_wait_and_taken_back(
    service: Running, desk: Desk
) -> None:
    desk.phones.trouble("kannel", "http_503")
    desk.all_are(desk.post(10, DisplayMode.FLASH), *OUT)
    demoted(desk, "kannel")
    before = desk.built.clients.rate_limiter.load(["kannel"])["kannel"]
    assert service.command("clock", "+20s").returncode == 0
    tries = desk.post(10, DisplayMode.FLASH)
    desk.all_are(tries, *OUT)
    # One of them tried it, in vain, and then went the way of the others.
    assert sorted(r.attempts for r in desk.now(tries)) == [1] * 9 + [2]
    after = desk.built.clients.rate_limiter.load(["kannel"])["kannel"]
    assert (after.state, after.failed_trials) == (_P.OPEN, before.failed_trials + 1)
    desk.phones.trouble("kannel", "none")
    assert service.command("clock", "+20s").returncode == 0
    again = desk.post(10, DisplayMode.FLASH)
    desk.all_are(again, *OUT)
    until(lambda: stands(desk)["kannel"] is _P.CLOSED, 5, "kannel to be taken back")
    assert sum(bool(m["flash"]) for m in desk.each_once(again)) >= 1
    time.sleep(1)  # the other worker looks twice a second
    later = desk.post(10, DisplayMode.FLASH)
    desk.all_are(later, *OUT)
    assert all(m["flash"] for m in desk.each_once(later))


def test_what_may_have_gone_out_stays_where_it_was_asked_and_is_shown_to_staff(
    service: Running, desk: Desk
) -> None:
    desk.phones.trouble("kannel", "cut_before")
    posted = desk.post(80)
    desk.all_are(posted, *OUT, _S.UNSURE)
    doubtful = [r for r in desk.now(posted) if r.state is _S.UNSURE]
    # Those that were on their way when it was demoted: at most what the hands of two workers hold.
    assert 3 <= len(doubtful) <= 40
    assert {(r.provider, r.charge_fen) for r in doubtful} == {("kannel", 0)}
    sure = [r for r in posted if r.id not in {d.id for d in doubtful}]
    assert {m["api"] for m in desk.each_once(sure)} == {"twilio"}
    assert desk.arrived(doubtful) == []
    listed = list(map(json.loads, service.command("unsure").stdout.splitlines()))
    assert {each["id"] for each in listed} >= {r.id for r in doubtful}
    page = requests.get(f"{service.doors}/metrics", timeout=5).text
    assert f"sms_receipt_unsure {len(listed)}.0" in page


def test_what_the_provider_took_before_it_was_cut_off_is_not_sent_again(desk: Desk) -> None:
    desk.phones.trouble("kannel", "cut_after")
    posted = desk.post(40)
    # Kannel cannot be asked, but its reports tell.
    desk.all_are(posted, *OUT)
    arrived = desk.each_once(posted)
    assert {m["api"] for m in arrived} == {"kannel", "twilio"}
    assert desk.charged(posted) == [10] * 40


@pytest.mark.parametrize("kind", ["http_500", "cut_before", "cut_after"])
def test_what_twilio_may_have_is_looked_up_there_before_it_goes_to_another(
    service: Running, desk: Desk, kind: str
) -> None:
    desk.phones.trouble("kannel", "http_503")
    desk.all_are(desk.post(5), *OUT)
    demoted(desk, "kannel")
    desk.phones.trouble("twilio", kind)
    posted = desk.post(20)
    demoted(desk, "twilio")
    desk.phones.trouble("kannel", "none")
    for _ in range(4):
        assert service.command("clock", "+10s").returncode == 0
    desk.all_are(posted, *OUT)
    carried = {m["api"] for m in desk.each_once(posted)}
    assert "twilio" in carried if kind == "cut_after" else carried == {"kannel"}
    assert desk.charged(posted) == [10] * 20


@contextmanager
def no_network(service: Running, desk: Desk) -> Iterator[None]:
    """Nobody answers while the block runs."""
    service.kill("network")
    try:
        yield
    finally:
        service.start("network")
        desk.phones.session.close()


def test_with_every_provider_gone_receipts_wait_and_then_go_out_once(
    service: Running, desk: Desk
) -> None:
    with no_network(service, desk):
        posted = desk.post(30)
        demoted(desk, "kannel")
        demoted(desk, "twilio")
        # A connection that was kept may be cut in the middle of a request: one or two in doubt.
        desk.all_are(posted, _S.DUE, _S.UNSURE)
        posted = [r for r in desk.now(posted) if r.state is _S.DUE]
        assert len(posted) >= 25
        # What workers had in hand has come back too: from now on all of them wait.
        until(lambda: parked(desk) >= len(posted) - 2, 20, "all to wait for a line")
        tries = sum(r.attempts for r in desk.now(posted))
        told = service.command("doctor").stdout
        assert "twilio is demoted" in told
        assert "receipts wait for it" in told
        page = requests.get(f"{service.doors}/metrics", timeout=5).text
        waiting = re.findall(r'sms_receipt_waiting{provider="\w+",shard="\d+"} (\d+)', page)
        assert len(posted) - 2 <= sum(map(int, waiting)) <= len(posted)
        assert requests.get(f"{service.doors}/readyz", timeout=5).ok
        # Nobody tries in vain but those that try the providers: no other attempt is used up.
        assert sum(r.attempts for r in desk.now(posted)) - tries <= 4
    for _ in range(3):
        assert service.command("clock", "+10s").returncode == 0
    desk.all_are(posted, *OUT)
    desk.each_once(posted)
    assert desk.charged(posted) == [10] * len(posted)


def test_what_waited_until_it_is_old_news_ends_as_expired_and_costs_nothing(
    service: Running, desk: Desk
) -> None:
    with no_network(service, desk):
        posted = desk.post(10)
        demoted(desk, "kannel")
        demoted(desk, "twilio")
        desk.all_are(posted, _S.DUE, _S.UNSURE)
        posted = [r for r in desk.now(posted) if r.state is _S.DUE]
        service.later("+25h")
        desk.all_are(posted, _S.EXPIRED)
    assert desk.charged(posted) == []
    (shown,) = map(json.loads, service.command("receipts", posted[0].number).stdout.splitlines())
    assert (shown["state"], shown["charge_fen"]) == ("expired", 0)
    assert desk.arrived(posted) == []


def test_a_worker_killed_in_a_backlog_loses_none_and_doubles_none(
    service: Running, desk: Desk
) -> None:
    desk.phones.trouble("kannel", "slow", seconds=1)
    posted = desk.post(80)
    until(lambda: desk.arrived(posted), 10, "some to arrive")
    service.kill("second worker")
    desk.phones.trouble("kannel", "none")
    service.employ("second worker")
    desk.all_are(posted, *OUT, _S.UNSURE)
    # What it had in hand may have gone out, and Kannel cannot be asked: its reports say what did.
    doubtful = {r.id for r in desk.now(posted) if r.state is _S.UNSURE}
    assert len(doubtful) <= 32
    desk.each_once([r for r in posted if r.id not in doubtful])
    assert desk.arrived([r for r in posted if r.id in doubtful]) == []
