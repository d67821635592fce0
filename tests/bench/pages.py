"""Pages for people: the time of the server and the round trips to the store for each.

One customer has 100,000 receipts and charges, in a store with a million other subscribers. Each
page is made in this process. The CPU time of it and of the store is the time that a page takes on
a machine without other work.
"""

import datetime as dt
import os
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import redis
from flask import Flask

from app import bootstrap
from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.charging.charges import for_receipt
from receipts.model.calendar import SHANGHAI, month_of
from receipts.model.message import IndexedText, MessageTrace, NoReceiptReason
from receipts.model.receipt import Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.staff import Role, StaffArea
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet
from receipts.store.codec import encode_record
from receipts.store.keys import KeySchema
from statemachines.receipt import ReceiptState
from tests.bench import report
from tests.bench.local_store import SHARDS, local_store, without_fsync
from tests.bench.processes import counted_round_trips, cpu
from tests.bench.product import ACCOUNT, FEED, PUBLIC_URL, SECRET, TOKEN, subscriber
from tests.support.browser import KEY, Browser
from tests.support.staff import StaffBrowser, add_staff

RECEIPTS = 100_000

#: The large customer: in Guangxi, where each delivery has its charge.
LARGE = Msisdn("+8613977112345")

#: Openings of each page.
TURNS = 9

TARGET_MS = 300

_BATCH = 1_000

#: Opens one page; raises AssertionError unless it is shown.
Opening = Callable[[], None]


def fill(built: Container, store: "redis.Redis", others: int) -> None:
    """Write the large customer with its history, and other subscribers."""
    keys = KeySchema(SHARDS)
    with without_fsync(store):
        pipe = store.pipeline(transaction=False)
        for index in range(others):
            record = subscriber(index)
            pipe.set(keys.subscription(record.number), encode_record(record, record.version))
            if index % 5_000 == 0:
                pipe.execute()
        pipe.execute()
        write_history(built, store, LARGE, RECEIPTS)


def write_history(built: Container, store: "redis.Redis", customer: Msisdn, count: int) -> None:
    """Write so many receipts of a customer, each with its charge, trace and index entry."""
    keys, now, names = KeySchema(SHARDS), built.clock.now(), list[bytes]()
    for start in range(0, count, _BATCH):
        those = range(start, min(start + _BATCH, count))
        made = [_receipt(built, customer, index / count, index, now) for index in those]
        charges = tuple(for_receipt(each, 10_000, each.created_at) for each in made)
        traces = [_trace(each) for each in made]
        texts = tuple(
            IndexedText(customer, each.recipient, each.message_id, now, now.date())
            for each in traces
        )
        records = (*made, *traces)
        built.store.commit(ChangeSet(customer, records=records, charges=charges, indexed=texts))
        names += [keys.listed(each.id) for each in made]
    # The list of a customer with more receipts than one is allowed.
    store.delete(keys.receipts(customer))
    for start in range(0, count, _BATCH):
        store.lpush(keys.receipts(customer), *names[start : start + _BATCH])


def _receipt(
    built: Container, customer: Msisdn, part: float, index: int, now: dt.datetime
) -> Receipt:
    """A delivered receipt; the newest is of now, all of them of this month as far as it goes."""
    begun = now.astimezone(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    at = begun + (now - begun) * part
    friend = Msisdn(f"+86139571{index % 100_000:05}")
    return Receipt(
        built.store.receipt_id(customer, f"{index:08x}"), customer, "您发给…", DisplayMode.FLASH,
        Language.ZH, at.astimezone(dt.UTC), version=1, state=ReceiptState.DELIVERED,
        message_id=f"SM{index:032x}", recipient=friend, outcome=ReceiptOutcome.DELIVERED,
        provider="kannel", provider_id=f"{index:032x}", sent_as=DisplayMode.FLASH, attempts=1,
        requested_at=at, sent_at=at, done_at=at, tariff="GX-1", price_fen=5, charge_fen=5,
        text_sent=ReportedTime(at), text_done=ReportedTime(at),
    )  # fmt: skip


def _trace(receipt: Receipt) -> MessageTrace:
    """The text of a receipt; each second one is without it, as if its recipient was off-net."""
    friend, about = receipt.recipient or receipt.number, receipt.message_id or ""
    if int(about[-1], 16) % 2:
        return MessageTrace(about, receipt.number, friend, version=1, receipt_id=receipt.id)
    reason = NoReceiptReason.RECIPIENT_OFF_NET
    return MessageTrace(about, receipt.number, friend, version=1, no_receipt_reason=reason)


def hall(app: Flask, store: "redis.Redis", built: Container) -> Iterator[tuple[str, Opening]]:
    """The pages of the portal, signed in as the large customer."""
    browser = Browser(app.test_client(), store, LARGE)
    browser.signs_in()

    def opening(path: str) -> Opening:
        def open_it() -> None:
            assert browser.goes(path).status == 200, path

        return open_it

    yield "/hall/help", opening("help")
    yield "/hall/open", opening("open")
    browser.opens()
    for path in ("", "cancel", "receipts", "receipts/none", "charges", "history", "services"):
        yield f"/hall/{path}", opening(path)
    month, middle = month_of(built.clock.now()), RECEIPTS // 2
    yield "/hall/receipts, in the middle", opening(f"receipts?older={middle}")
    yield "/hall/receipts, to newer", opening(f"receipts?newer={middle}")
    yield "/hall/charges, one month", opening(f"charges?month={month}&page=500")
    today = built.clock.now().astimezone(SHANGHAI).date()
    for name, to, day in (
        ("found nowhere", "13800138000", ""), ("of a day", "", today.replace(day=1).isoformat()),
        ("by last digits", "345", ""),
    ):  # fmt: skip
        browser.goes("receipts")
        browser.presses("receipts/search", to=to, day=day)
        yield (
            f"/hall/receipts, search {name}",
            opening(browser.addresses[-1].removeprefix("/hall/")),
        )


def staff_pages(
    area: StaffArea, role: Role, app: Flask, _: "redis.Redis", built: Container
) -> Iterator[tuple[str, Opening]]:
    """The pages of staff without parts in their address, and those about the large customer."""
    add_staff(built, f"bench-{role}", role)
    browser = StaffBrowser(app.test_client(), area, f"bench-{role}")
    browser.signs_in()

    def opening(path: str) -> Opening:
        def open_it() -> None:
            assert browser.goes(path).status == 200, path

        return open_it

    yield f"/{area}/", opening("")
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(f"{area}.")]
    for rule in sorted(rules, key=str):
        path = str(rule).removeprefix(f"/{area}/")
        if path and not rule.arguments and "GET" in (rule.methods or ()):
            is_page = browser.goes(path).answer.mimetype == "text/html"
            if is_page and browser.seen.status == 200 and path not in {"sign-in", "code"}:
                yield str(rule), opening(path)
    if area is StaffArea.CONSOLE:
        found = browser.goes("customer")
        (form,) = (each for each in found.forms if "number" in each.fields)
        at = browser.sends(form, number=LARGE).answer.request.path
        yield "/console/customer, the large one", opening(at.removeprefix("/console/"))
        of = built.store.receipt_id(LARGE, f"{RECEIPTS - 1:08x}")
        yield "/console/journey, of a receipt", opening(f"journey?id={of}")


#: The areas with pages; each signs in and yields its pages.
AREAS = (
    hall,
    partial(staff_pages, StaffArea.CONSOLE, Role.OPERATOR),
    partial(staff_pages, StaffArea.COUNTER, Role.SUPERVISOR),
)


def measure(others: int) -> Iterator[tuple[str, float, float, int]]:
    """Page, CPU milliseconds of an opening, median milliseconds, and most round trips."""
    with local_store() as folder, counted_round_trips() as trips:
        settings = Settings.read({
            "DATA_DIR": str(folder), "SHARDS": str(SHARDS), "PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": "7500",
            "KANNEL_SECRET": SECRET, "FEED_SECRET": FEED, "SECRET_KEY": KEY,
        })  # fmt: skip
        built = bootstrap.services(settings)
        store = redis.Redis(unix_socket_path=str(folder / "store" / "valkey.sock"))
        processes = {os.getpid(), int(store.info("server")["process_id"])}
        fill(built, store, others)
        app = create_app(settings, built)
        for area in AREAS:
            for name, open_page in area(app, store, built):
                open_page()  # pays for templates and connections
                times, most, used = [], 0, cpu(processes)
                for _ in range(TURNS):
                    before, began = trips[0], time.perf_counter()
                    open_page()
                    times.append((time.perf_counter() - began) * 1e3)
                    most = max(most, trips[0] - before)
                used = (cpu(processes) - used) / TURNS * 1e3
                yield name, used, statistics.median(times), most
        store.close()
        built.clients.close()


def page(*, short: bool) -> str:
    """The table of the pages."""
    cells = [
        (name, f"{used:.0f}", f"{middle:.0f}", str(trips), _verdict(used))
        for name, used, middle, trips in measure(100_000 if short else 1_000_000)
    ]
    head = ("page", "CPU ms", "median ms", "round trips", f"below {TARGET_MS} ms of CPU")
    return report.grid(head, cells)


def _verdict(milliseconds: float) -> str:
    return "met" if milliseconds < TARGET_MS else "over"
