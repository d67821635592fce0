"""`sms-receipt doctor` looks at what is running: workers, queues, addresses, store, clock."""

import datetime as dt
import ipaddress
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.bootstrap import Container
from app.clock import MovableClock
from app.settings import Settings
from commands.diagnostics import store_checks
from commands.diagnostics.addresses import (
    check_addresses,
    check_listeners,
    check_public_url,
    public_url_problem,
)
from commands.diagnostics.check import Check
from commands.diagnostics.checks import run_checks
from commands.diagnostics.queue_checks import check_queue
from commands.diagnostics.store_checks import check_folder, check_store, check_store_kind
from receipts.delivery.digest import DIGEST
from receipts.delivery.lifecycle import RETRY
from receipts.delivery.notifications import CALL
from receipts.ports.changes import ChangeSet, DeliveryResult, Timer
from receipts.ports.provider import TemporaryError
from receipts.worker.circuit_breaker import CircuitBreakers
from tests.conftest import TestClock
from tests.support.product import Service, free_port, until
from tests.support.rulebook import write_book
from tests.support.sending import ANNA, Desk


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The whole service as processes of their own: web server, network, worker."""
    folder = tmp_path_factory.mktemp("doctor") / "data"
    running = Service(folder)
    try:
        running.start("doors", "network", "worker")
        yield running
    finally:
        running.kill_everything()


def looked(service: Service) -> list[dict[str, object]]:
    done = service.command("doctor", "--json", **service.settings)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def found(checks: list[dict[str, object]], words: str) -> list[dict[str, object]]:
    return [each for each in checks if words in str(each["check"])]


def queue_of(service: Service) -> list[Check]:
    with service.container() as services:
        return list(check_queue(services.settings, services.clients))


def test_running_service_has_nothing_to_tell(service: Service):
    checks = until(lambda: [c for c in looked(service) if "worker is alive" in str(c["check"])])
    assert checks
    checks = looked(service)
    assert [each for each in checks if not each["ok"]] == []
    assert found(checks, "for the simulated network on this machine only")
    assert found(checks, "a web process answers at")


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGTERM], ids=["frozen", "ended"])
def test_stopped_worker_and_its_due_receipt_are_told_until_it_works_again(
    service: Service, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.queue_status._SILENT_SECONDS", 1)
    monkeypatch.setattr("commands.diagnostics.queue_checks._DUE_SECONDS", 2)
    child = service.children["worker"]
    child.send_signal(how)
    if how is signal.SIGTERM:
        child.wait(20)
    with service.container() as services:
        desk = Desk(services.store, services.clients.outbox, services.lifecycle, TestClock())
        desk.count = 100 * how
        desk.post(created_at=services.clock.now())

    def told(words: str) -> list[Check]:
        return [each for each in queue_of(service) if words in each.subject and not each.ok]

    until(lambda: told("no worker is alive; the last was seen"))
    (due,) = until(lambda: told("receipts are due, the oldest for"))
    assert "sms-receipt work" in due.fix
    assert due.runbook == "docs/runbook.md#receiptsoverdue"
    if how is signal.SIGTERM:
        service.start("worker")
    else:
        child.send_signal(signal.SIGCONT)
    until(lambda: not [each for each in queue_of(service) if not each.ok])


def test_dead_web_process_is_told(service: Service):
    with service.container() as services:
        settings = services.settings
    port = free_port()
    gone = replace(settings, port=port, public_url=f"http://127.0.0.1:{port}")
    (check,) = [each for each in check_addresses(gone) if not each.ok]
    assert "no web process answers" in check.subject
    assert "sms-receipt serve" in check.fix
    elsewhere = replace(settings, public_url=service.network)
    (check,) = [each for each in check_addresses(elsewhere) if not each.ok]
    assert f"does not lead to the web process at {service.doors}" in check.subject
    assert "reverse proxy" in check.fix


def test_other_rule_book_than_the_running_one_is_told(service: Service, tmp_path: Path):
    other = write_book(tmp_path, {"max_attempts": "3"})
    with service.container() as services:
        settings = replace(services.settings, rule_book=other)
    (check,) = [each for each in check_addresses(settings) if not each.ok]
    assert "another rule book" in check.subject


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://localhost", "localhost is a name of this machine"),
        ("https://phones.local/receipts", "network only"),
        ("https://my_host.example.org", "underscore"),
        ("http://sms.example.org", "https"),
        ("https://intranet", "no dot"),
        ("https://10.1.2.3", "private"),
        ("https://192.168.0.9:8443", "private"),
        ("https://172.20.1.1", "private"),
        ("https://169.254.1.1", "private"),
        ("https://100.64.0.1", "private"),
        ("https://127.0.0.1:7500", "private"),
        ("https://[::1]", "private"),
        ("https://203.0.113.7", "reserved"),
        ("https://sms.example.org.", "ends with a dot"),
        ("https://短信.example.org", "write xn--vuq298g.example.org"),
        ("https://receipts.example", "network only"),
        (f"https://sms.example.org/{'a' * 3900}", "characters"),
        ("https://[fd00::1]", "private"),
        ("https://0.0.0.0", "private"),
    ],
)
def test_public_url_that_twilio_refuses_is_told_with_a_fix(
    settings: Settings, url: str, words: str
):
    assert words in public_url_problem(url)
    (check,) = check_public_url(replace(settings, public_url=url))
    assert not check.ok
    assert words in check.subject
    assert "set PUBLIC_URL" in check.fix


def test_public_url_within_the_house_is_enough_without_a_twilio_account(settings: Settings):
    url = "http://127.0.0.1:8000"
    alone = {"text_provider": ("kannel",), "flash_provider": ("kannel",), "kannel_url": url}
    account = {"twilio_account_sid": "", "twilio_auth_tokens": ()}
    (check,) = check_public_url(replace(settings, public_url=url, **alone, **account))
    assert check.ok
    assert "no Twilio account" in check.subject


@pytest.mark.parametrize(
    "url",
    ["https://sms.example.org", "https://sms.example.org:8443/receipts", "https://8.8.8.8",
     "https://xn--fiqs8s.example.cn"],
)  # fmt: skip
def test_public_url_that_twilio_takes_is_not_blamed(url: str):
    assert public_url_problem(url) == ""


@pytest.mark.parametrize(
    ("host", "warns"),
    [("0.0.0.0", True), ("::", True), ("8.8.8.8", True), ("127.0.0.1", False), ("10.0.0.5", False)],
)
def test_host_open_to_the_world_is_a_warning(settings: Settings, host: str, warns: bool):  # noqa: FBT001
    settings = replace(settings, host=host, public_url="")
    told = [each for each in check_listeners(settings) if each.mark == "warn"]
    assert bool(told) == warns
    assert all(f"HOST={host}" in each.subject and "127.0.0.1" in each.fix for each in told)


@pytest.mark.parametrize(
    ("host", "port", "warns"),
    [("8.8.8.8", 8002, True), ("2400:3200::1", 8002, True), ("8.8.8.8", 0, False),
     ("127.0.0.1", 8002, False), ("10.0.0.5", 8002, False), ("fd00::1", 8002, False)],
)  # fmt: skip
def test_inside_port_open_to_the_world_is_a_warning_also_behind_a_proxy(
    settings: Settings,
    host: str,
    port: int,
    warns: bool,  # noqa: FBT001
):
    front = (ipaddress.ip_network("10.0.0.0/24"),)
    given = replace(settings, inside_host=host, inside_port=port, trusted_proxies=front)
    told = [each for each in check_listeners(given) if each.mark == "warn"]
    assert bool(told) == warns
    assert all(f"INSIDE_HOST={host}" in each.subject and "8002" in each.fix for each in told)


def test_open_host_with_a_front_server_is_no_warning(settings: Settings):
    front = (ipaddress.ip_network("10.0.0.0/24"),)
    settings = replace(settings, host="0.0.0.0", public_url="", trusted_proxies=front)
    assert [each for each in check_addresses(settings) if each.mark == "warn"] == []


def test_refused_callback_address_in_the_backlog_is_explained(built: Container):
    limiter, rules = built.clients.rate_limiter, built.lifecycle.rules
    breakers = CircuitBreakers(limiter, ["twilio"], rules, built.clock)
    for _ in range(rules.demote_after):
        breakers.record_failure("twilio", TemporaryError("twilio 400/21609"), trial=False)
    (check,) = [
        each
        for each in check_queue(built.settings, built.clients)
        if "twilio is demoted" in each.subject
    ]
    assert "21609" in check.fix
    assert "PUBLIC_URL" in check.fix


def test_failing_sender_is_told_and_single_failures_are_a_warning(built: Container):
    def results(code: str, count: int) -> None:
        result = DeliveryResult("twilio", built.clock.now(), code)
        built.store.commit(ChangeSet(ANNA, results=(result,) * count))

    def told(mark: str) -> list[Check]:
        checks = check_queue(built.settings, built.clients)
        return [each for each in checks if "did not arrive" in each.subject and each.mark == mark]

    assert told("no") == told("warn") == []
    results("30034", 20)
    (check,) = told("no")
    assert "20 of the last 20 receipts by twilio" in check.subject
    assert "20 by 30034: " in check.fix
    results("", 3)
    assert told("no") == []
    assert len(told("warn")) == 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [(DIGEST, "receipts are due, the oldest for 3"), (RETRY, "receipts are due, the oldest for 3"),
     (CALL, "timers are overdue, the oldest by 3")],
)  # fmt: skip
def test_receipt_that_waits_for_an_overdue_timer_is_due(built: Container, kind: str, words: str):
    def told() -> list[str]:
        checks = check_queue(built.settings, built.clients)
        return [each.subject for each in checks if "due" in each.subject and not each.ok]

    now = dt.datetime.now(dt.UTC)
    for seconds, expected in ((60, 0), (-30, 1)):
        timer = Timer(kind, ANNA, f"0-{seconds % 7}", now + dt.timedelta(seconds=seconds))
        built.store.commit(ChangeSet(ANNA, timers=(timer,)))
        assert len(told()) == expected
    (subject,) = told()
    assert subject.startswith(words)


def test_full_store_eviction_and_failed_writes_are_told(
    built: Container, monkeypatch: pytest.MonkeyPatch
):
    info: dict[str, object] = {
        "used_memory": 90, "maxmemory": 100, "maxmemory_policy": "allkeys-lru",
        "aof_last_write_status": "err",
    }  # fmt: skip
    monkeypatch.setattr(built.clients.connection, "info", lambda: [info])
    told = [each for each in check_store(built.settings, built.clients) if not each.ok]
    text = " ".join(f"{each.subject}: {each.fix}" for each in told)
    for words in ("allkeys-lru", "noeviction", "90 % of maxmemory", "could not write to its disk"):
        assert words in text


@pytest.mark.parametrize(
    ("redis_url", "public_url", "api_url", "warns"),
    [
        ("", "https://sms.example.org", "https://api.twilio.com", True),
        ("", "", "https://api.twilio.com", True),
        ("", "http://127.0.0.1:7500", "https://api.twilio.com", True),
        ("", "https://sms.example.org", "http://127.0.0.1:7501", True),
        ("", "http://127.0.0.1:7500", "http://127.0.0.1:7501", False),
        ("redis://db.example.org", "https://sms.example.org", "https://api.twilio.com", False),
    ],
)
def test_embedded_store_is_a_warning_outside_the_demo(
    settings: Settings,
    redis_url: str,
    public_url: str,
    api_url: str,
    warns: bool,  # noqa: FBT001
):
    given = {"redis_url": redis_url, "public_url": public_url, "twilio_api_url": api_url}
    told = list(check_store_kind(replace(settings, **given)))
    assert [each.mark for each in told] == ["warn"] * warns
    assert all("REDIS_URL is unset" in each.subject for each in told)


def test_warning_of_the_embedded_store_comes_though_it_cannot_be_reached(
    settings: Settings, tmp_path: Path
):
    settings = replace(settings, redis_url="", data_dir=tmp_path / "none")
    told = [each.mark for each in run_checks(settings) if "REDIS_URL is unset" in each.subject]
    assert told == ["warn"]


def test_real_store_tells_its_room(built: Container):
    (info,) = built.clients.connection.info()
    assert isinstance(info["used_memory"], int)
    assert "maxmemory_policy" in info


def test_full_disk_and_unwritable_folder_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    assert list(check_folder(settings)) == []
    monkeypatch.setattr(os, "access", lambda *_: False)
    usage = store_checks.shutil.disk_usage(settings.data_dir)
    monkeypatch.setattr(
        store_checks.shutil, "disk_usage", lambda _: usage._replace(free=usage.total // 50)
    )
    told = [each.subject for each in check_folder(settings)]
    assert any("cannot be written" in each for each in told)
    assert any("nearly full" in each for each in told)


def test_moved_clock_is_a_warning(settings: Settings):
    settings = replace(settings, movable_clock=True)
    MovableClock(settings.data_dir).move("+48h")
    (check,) = [each for each in run_checks(settings) if "clock was moved" in each.subject]
    assert check.mark == "warn"
    assert "clock now" in check.fix
