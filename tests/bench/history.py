"""A customer with 100,000 receipts beside one with ten: each event and list of theirs.

All is called in this process, in turns. CPU is that of this process and of the store.
"""

import itertools
import logging
import os
import statistics
from collections.abc import Callable, Iterator
from functools import partial

import redis
import structlog
from flask import Flask
from flask.testing import FlaskClient
from msgspec.structs import replace

from app import bootstrap
from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.delivery.digest import DIGEST
from receipts.model.calendar import month_of
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.staff import Role, StaffArea
from receipts.model.vocabulary import Msisdn
from receipts.store.codec import encode_record
from receipts.store.keys import KeySchema
from tests.bench import events, report
from tests.bench.local_store import SHARDS, local_store, without_fsync
from tests.bench.pages import LARGE, write_history
from tests.bench.processes import cpu
from tests.bench.product import ACCOUNT, FEED, PUBLIC_URL, SECRET, TOKEN, subscriber
from tests.support.browser import KEY, Browser
from tests.support.staff import StaffBrowser, add_staff

TEN = Msisdn("+8613977154321")

#: More than this share and this time over the other customer is more than noise.
_SHARE, _NOISE_MS = 0.10, 0.25

#: Turns, and the CPU milliseconds of all calls of an operation in one, about.
_TURNS, _TURN_MS = 7, 60

#: Calls one operation for a customer.
Operation = Callable[[Msisdn], object]

_ids = itertools.count()


def _reports(built: Container, customer: Msisdn, count: int) -> list[DeliveryReport]:
    """Final reports on new texts of a customer to different recipients."""
    status, at = MessageStatus.DELIVERED, built.clock.now()
    return [
        DeliveryReport(f"SM{n:032x}", customer, Msisdn(events.recipient(n)), status, "DELIVRD", at)
        for n in itertools.islice(_ids, count)
    ]


def _digest(built: Container, customer: Msisdn) -> None:
    """Three reports at once, and the end of the wait of their receipts."""
    built.report_service.ingest_batch(_reports(built, customer, 3))
    timers = built.timer_service()
    due = timers.due_timers(100, built.book.sending.digest)
    timers.flush_digests([timer for timer in due if timer.kind == DIGEST])


def _request(client: FlaskClient, raw: bytes) -> None:
    """Send a request of ``events`` to the application."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    answer = client.post(first.split()[1], data=body, headers=headers)
    assert answer.status_code == 200, answer.status


def _by_events(client: FlaskClient, built: Container) -> Iterator[tuple[str, Operation]]:
    for name, words in (("state", "CXDXHZ"), ("last receipts", "ZJHZ"), ("charges", "KFJL")):
        yield f"text: {name}", lambda c, words=words: _request(client, events.text(c, words))
    yield (
        "text: other mode and back",
        lambda c: [_request(client, events.text(c, words)) for words in ("PT", "SX")],
    )
    for name, digit in (("menu again", "#"), ("first key", "1"), ("second key", "2")):
        yield f"call: {name}", lambda c, digit=digit: _request(client, events.key(c, digit))
    ingest = built.report_service.ingest_batch
    yield "a report that gives a receipt", lambda c: ingest(_reports(built, c, 1))
    yield "ten reports in a batch", lambda c: ingest(_reports(built, c, 10))
    yield "three reports and their digest", partial(_digest, built)


def _by_lists(built: Container) -> Iterator[tuple[str, Operation]]:
    store, month = built.store, month_of(built.clock.now())
    yield "`receipts --limit 20`", lambda c: store.receipts_of(c, 20, None)
    yield "100 receipts of an export", lambda c: store.receipt_window(c, 100, 60)
    yield "charges of a month, 100 of them", lambda c: store.ledgers(c, [month], 100)


def _by_pages(
    app: Flask, store: "redis.Redis", built: Container
) -> Iterator[tuple[str, Operation]]:
    browsers = {each: Browser(app.test_client(), store, each) for each in (LARGE, TEN)}
    for browser in browsers.values():
        browser.signs_in()

    def opened(path: str) -> Operation:
        def open_it(customer: Msisdn) -> None:
            assert browsers[customer].goes(path).status == 200, path

        return open_it

    for path in ("", "receipts", "charges", "history", "services", "cancel"):
        yield f"/hall/{path}", opened(path)
    add_staff(built, "bench", Role.OPERATOR)
    staff = StaffBrowser(app.test_client(), StaffArea.CONSOLE, "bench")
    staff.signs_in()
    found = {}
    for customer in browsers:
        (form,) = (f for f in staff.goes("customer").forms if "number" in f.fields)
        address = staff.sends(form, number=customer).answer.request.path
        found[customer] = address.removeprefix("/console/")
    yield "/console/customer", lambda c: staff.goes(found[c])


def _cost(operation: Operation, customer: Msisdn, processes: set[int], calls: int) -> float:
    """CPU milliseconds of a call."""
    before = cpu(processes)
    for _ in range(calls):
        operation(customer)
    return (cpu(processes) - before) / calls * 1e3


def _compare(operation: Operation, processes: set[int]) -> tuple[float, float]:
    """CPU milliseconds for both customers; medians of alternating turns."""
    for customer in (TEN, LARGE):  # pays for templates and connections
        _cost(operation, customer, processes, 1)
    calls = max(1, min(40, round(_TURN_MS / _cost(operation, LARGE, processes, 1))))
    pairs = [
        [_cost(operation, customer, processes, calls) for customer in (TEN, LARGE)]
        for _ in range(_TURNS)
    ]
    few, many = (statistics.median(each) for each in zip(*pairs, strict=True))
    return few, many


def measure(count: int) -> Iterator[tuple[str, float, float]]:
    """Operation, and CPU milliseconds for ten receipts and for so many; medians of the turns."""
    with local_store() as folder:
        settings = Settings.read({
            "DATA_DIR": str(folder), "SHARDS": str(SHARDS), "PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": "7500",
            "KANNEL_URL": "http://127.0.0.1:9", "KANNEL_USER": "receipts",
            "KANNEL_PASSWORD": SECRET, "KANNEL_SECRET": SECRET, "FEED_SECRET": FEED,
            "SECRET_KEY": KEY,
        })  # fmt: skip
        built = bootstrap.services(settings)
        store = redis.Redis(unix_socket_path=str(folder / "store" / "valkey.sock"))
        processes = {os.getpid(), int(store.info("server")["process_id"])}
        with without_fsync(store):
            for customer, receipts in ((LARGE, count), (TEN, 10)):
                record = replace(subscriber(0), number=customer, tariff="GX-1")
                key = KeySchema(SHARDS).subscription(customer)
                store.set(key, encode_record(record, record.version))
                write_history(built, store, customer, receipts)
        app = create_app(settings, built)
        client = app.test_client()
        groups = (_by_events(client, built), _by_lists(built), _by_pages(app, store, built))
        for name, operation in itertools.chain(*groups):
            few, many = _compare(operation, processes)
            print(f"{name:34} {few:8.2f} ms, {many:8.2f} ms", flush=True)
            yield name, few, many
        store.close()
        built.clients.close()


def table(count: int) -> str:
    """A row for each operation."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    cells = []
    for name, few, many in measure(count):
        met = many <= max(few * (1 + _SHARE), few + _NOISE_MS)
        cells.append((name, f"{few:.2f}", f"{many:.2f}", f"{many / few:.2f}",
                      "met" if met else "over"))  # fmt: skip
    head = ("one customer's", "CPU ms, 10 receipts", f"CPU ms, {count:,}", "×", "within 10 %")
    return report.grid(head, cells)
