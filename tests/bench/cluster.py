"""The product on one server, on a cluster of three and of six masters, each with a replica.

Every kind of event of every door is driven on all three in turn, so that they meet the same
machine; then a cluster grows and a node of it dies under the load of a drill, which is counted by
the drill's own reckoning.
"""

import json
import re
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import requests

from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode
from receipts.store.codec import decode_record, encode_record
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from statemachines.receipt import ReceiptState
from tests.bench import paper
from tests.bench.cost import cpu, family
from tests.bench.doors import Run, once
from tests.bench.events import EVENTS, FEEDS, SUBSCRIBERS, form, number, sid
from tests.bench.product import ACCOUNT, SECRET, SHARDS, Product, subscriber
from tests.bench.sending import ANSWERS, PACES, Provider
from tests.drills.drill import Row, run
from tests.drills.faults import FAULTS
from tests.drills.plan import Plan
from tests.support.product import Service, until
from tests.support.redis_nodes import Cluster, Node

#: Masters of the three stores; one alone has no replica.
SIZES = (1, 3, 6)

_CODE = re.compile(r"(?<![0-9])[0-9]{6}(?![0-9])")
_KEY = "a-key-of-at-least-sixteen-characters"

#: What happens to a cluster under load, as the drills know it.
_DRILLS = ("slots-moved", "node-killed")


class Placed(Product):
    """The product on servers of its own: one, or a cluster."""

    def __init__(self, folder: Path, masters: int, **more: str) -> None:
        self.masters = masters
        self._cluster = Cluster(folder / "cluster", masters) if masters > 1 else None
        self.nodes = self._cluster.nodes if self._cluster else [Node(folder / "server")]
        url = self._cluster.url if self._cluster else self.nodes[0].url
        super().__init__(folder / "var", REDIS_URL=url, SECRET_KEY=_KEY, **more)
        #: A visit to the hall, which is asked for again and again.
        self.cookie = ""

    def open(self) -> None:
        if self._cluster is not None:
            self._cluster.start()
        else:
            self.nodes[0].start()
        self.start("doors")
        self.store = RedisConnection(connected(self.settings["REDIS_URL"]))
        self.store_pid = 0
        self.seeing, looked = 0, self.trips()
        self.seeing = self.trips() - looked

    def fill(self, customers: Iterable[Subscription]) -> None:
        """As the embedded product's, at every node."""
        for waits in ("no", "always"):
            for node in self.nodes:
                with node.client() as client:
                    client.config_set("appendfsync", waits)
            if waits == "no":
                self._put(customers)

    def _put(self, customers: Iterable[Subscription]) -> None:
        keys = KeySchema(SHARDS)
        self.store.execute(
            *(("SET", keys.subscription(c.number), encode_record(c, c.version)) for c in customers)
        )

    def cpu_of_store(self) -> float:
        """All nodes, replicas as well."""
        return cpu({node.pid for node in self.nodes})

    def trips(self) -> int:
        """Questions that masters have read, other than from their replicas."""
        total = 0
        for node in self.nodes:
            with node.client() as client:
                if client.info("replication")["role"] == "master":
                    acks = client.info("commandstats").get("cmdstat_replconf", {"calls": 0})
                    total += client.info("stats")["total_reads_processed"] - acks["calls"]
        return total

    def receipts(self, provider: str) -> list[Receipt]:
        """Receipts that a provider has taken and not yet told of."""
        sent = ReceiptState.SENT
        return [r for r in self._receipts() if r.provider == provider and r.state is sent]

    def _receipts(self) -> list[Receipt]:
        pattern = KeySchema(SHARDS).receipt(0, "*").replace("{s0}", "{s*}")
        cursor, names = self.store.scan(0, pattern, 5000)
        while cursor:
            cursor, more = self.store.scan(cursor, pattern, 5000)
            names += more
        found = [decode_record(Receipt, raw) for raw in self.store.values(names)]
        return [receipt for receipt in found if receipt is not None]

    def visit(self) -> None:
        """Sign in to the hall as a customer does, the code read where the worker would find it."""
        hall, browser = f"http://127.0.0.1:{self.port}/hall", {}
        page = requests.get(f"{hall}/sign-in", timeout=10)
        browser["Cookie"] = page.headers["Set-Cookie"].partition(";")[0]
        given = {name: _hidden(page.text, name) for name in ("csrf_token", "once")}

        def send(path: str, **said: str) -> None:
            answer = requests.post(
                f"{hall}/{path}", data=given | said, headers=browser, timeout=10,
                allow_redirects=False,
            )  # fmt: skip
            assert answer.status_code == 303, answer.text[:500]
            browser["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]

        send("code", number=number(0))
        texts = [receipt.text for receipt in self._receipts()]
        (code,) = {found[0] for text in texts if (found := _CODE.search(text))}
        send("enter", code=code)
        self.cookie = browser["Cookie"]

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 30) -> float:
        taken = Service.stop(self, how, seconds)
        # First of all the nodes, also where nothing ever came to ask them.
        for node in self.nodes:
            node.stop()
        self.store.client.close()
        return taken


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    return found[1] if found else ""


#: Kinds of events: name, events a request, and how the requests are made.
Kinds = Iterator[tuple[str, int, Callable[[Placed], list[bytes]]]]


# -- the events ----------------------------------------------------------------------------------


def _get(path: str, cookie: str = "", **asked: str) -> bytes:
    query = f"?{urlencode(asked)}" if asked else ""
    more = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path}{query} HTTP/1.1\r\nHost: sms.example.org\r\n{more}\r\n".encode()


def _kannel_texts(count: int) -> list[bytes]:
    return [
        _get("/kannel/sms", secret=SECRET, id=sid(""), to="7500", text="CXDXHZ", charset="UTF-8",
             **{"from": number(place)})
        for place in range(count)
    ]  # fmt: skip


def _callbacks(ours: Placed, count: int) -> list[bytes]:
    return [
        form(f"/receipts/{r.id}/status", {
            "MessageSid": r.provider_id or "", "MessageStatus": "delivered", "From": "7500",
            "AccountSid": ACCOUNT, "To": r.number, "ApiVersion": "2010-04-01",
        })
        for r in ours.receipts("twilio")[:count]
    ]  # fmt: skip


def _kannel_reports(ours: Placed, count: int) -> list[bytes]:
    return [
        _get("/kannel/report", secret=SECRET, id=r.id, type="1", answer="DELIVRD")
        for r in ours.receipts("kannel")[:count]
    ]


def _before(count: int) -> Kinds:
    """What needs no worker: name, events a request, the requests."""
    for event in EVENTS:
        yield event.name, 1, lambda _, event=event: event.make(count)
    yield "a text by Kannel that asks", 1, lambda _: _kannel_texts(count)
    yield "a page of the hall", 1, lambda ours: [_get("/hall/", ours.cookie)] * (count // 2)
    for event in FEEDS:
        yield event.name, event.each, lambda _, event=event: event.make(max(2, count // 150))


def _after(count: int) -> Kinds:
    """What tells of receipts that were sent."""
    yield "a receipt's status by Twilio", 1, lambda ours: _callbacks(ours, count // 2)
    yield "a receipt's report by Kannel", 1, lambda ours: _kannel_reports(ours, count // 2)


def _worked(ours: Placed, taking: Sequence[Provider], seconds: float) -> Run:
    """A worker that sends for so many seconds."""
    worker = ours.run("work")

    def taken() -> int:
        return sum(each.taken for each in taking)

    began = [each.taken for each in taking]
    # Flash waits some seconds for more to go with it.
    until(
        lambda: all(each.taken > was + 50 for each, was in zip(taking, began, strict=True)), 60,
        "the worker sends by both",
    )  # fmt: skip
    before = cpu(family(worker.pid)), ours.cpu_of_store(), taken()
    time.sleep(seconds)
    count = taken() - before[2]
    made = Run(count, cpu(family(worker.pid)) - before[0], ours.cpu_of_store() - before[1], 0,
               count / seconds)  # fmt: skip
    worker.terminate()
    worker.wait(30)
    return made


@contextmanager
def _placed(masters: int, urls: Sequence[str]) -> Iterator[Placed]:
    with tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder:
        address = {"KANNEL_URL": urls[0], "TWILIO_API_URL": urls[1]}
        ours = Placed(Path(folder), masters, **address, **PACES)
        try:
            ours.open()
            ours.fill(subscriber(place, DisplayMode.TEXT if place % 2 else DisplayMode.FLASH)
                      for place in range(SUBSCRIBERS))  # fmt: skip
            ours.visit()
            yield ours
        finally:
            ours.stop()


def events(turns: int, count: int) -> dict[str, dict[int, list[Run]]]:
    """Every event on every store, by name and number of masters, a run a turn."""
    found: dict[str, dict[int, list[Run]]] = {}

    def note(name: str, ours: Placed, made: Run) -> None:
        found.setdefault(name, {}).setdefault(ours.masters, []).append(made)
        print(f"{ours.masters} masters: {name:34} {made.micros:7.1f} µs", flush=True)

    def drive_all(made: Callable[[int], Kinds], counts: Sequence[int]) -> None:
        for each_kind in counts:
            for name, each, make in made(each_kind):
                for ours in stores:
                    note(name, ours, once(ours, make(ours), each))

    with ExitStack() as stack:
        taking = [Provider(*ANSWERS[name]) for name in ("kannel", "twilio")]
        for provider in taking:
            stack.callback(provider.close)
        urls = [provider.url for provider in taking]
        stores = [stack.enter_context(_placed(masters, urls)) for masters in SIZES]
        drive_all(_before, [100])
        found.clear()  # the first requests pay for what is made once
        for ours in stores:
            note("the worker sends", ours, _worked(ours, taking, 3))
        drive_all(_before, [count] * turns)
        drive_all(_after, [count] * turns)
    return found


def table(found: dict[str, dict[int, list[Run]]]) -> str:
    """A row an event: CPU and round trips on each store."""
    cells = []
    for name, by_size in found.items():
        middle = {
            size: (
                statistics.median(run.doors / run.events * 1e6 for run in runs),
                statistics.median(run.store / run.events * 1e6 for run in runs),
                statistics.median(run.trips for run in runs),
            )
            for size, runs in by_size.items()
        }
        single = "feed" not in name and "worker" not in name
        cells.append(
            (
                name,
                *(f"{middle[size][0]:,.0f} + {middle[size][1]:,.0f}" for size in SIZES),
                *(f"{middle[size][2]:.2f}" if single else "–" for size in SIZES),
            )
        )
    head = (
        "event", *(f"CPU µs, {size}" for size in SIZES), *(f"round trips, {size}" for size in SIZES)
    )  # fmt: skip
    return paper.grid(head, cells)


# -- growing and dying ---------------------------------------------------------------------------


def drilled(reports: int, seconds: float) -> str:
    """A cluster of three grows by two masters, and loses one, under load: what was counted."""
    cells = []
    for place, name in enumerate(_DRILLS):
        (fault,) = (fault for fault in FAULTS if fault.name == name)
        with tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder:
            row = run(fault, Plan(place + 1, reports), seconds, Path(folder), print)
            cells.append(_cells(row, _longest(Path(folder) / "generator.jsonl")))
    head = ("what happens", "reports acknowledged", "said again for want of an answer",
            "receipts due", "taken by providers", "lost", "doubled", "charged wrong",
            "longest from batch to batch")  # fmt: skip
    return paper.grid(head, cells)


def _cells(row: Row, waited: float) -> tuple[str, ...]:
    if not row.held:
        print(*sorted(set(row.wrong))[:10], sep="\n")
    counts = (
        row.acknowledged, row.sent - row.acknowledged, row.due, row.took, row.lost, row.doubled,
        row.charged_wrong,
    )  # fmt: skip
    return (row.what, *(f"{count:,}" for count in counts), f"{waited:.1f} s")


def _longest(log: Path) -> float:
    """The longest time, in seconds, from one acknowledged batch of a sender to the next.

    A batch is up to a score of requests, and due about every second.
    """
    at: dict[int, list[float]] = {}
    if not log.exists():  # the drill broke before its load began, and says so
        return 0.0
    for line in log.read_text().splitlines():
        said = json.loads(line)
        at.setdefault(said["stream"], []).append(said["at"])
    return max(b - a for times in at.values() for a, b in pairwise(times))


def page(*, short: bool) -> str:
    """The part of the page about clusters."""
    measured = table(events(1 if short else 2, 200 if short else 300))
    counted = drilled(500 if short else 1500, 6 if short else 12)
    return f"{measured}\n\n{_READ}\n\n{counted}\n\n{_SETTING}"


_READ = (
    "CPU µs an event: doors (or worker) + all nodes, on one server, and on three and six masters "
    "each with a replica; medians of alternating turns. Round trips are questions read by masters, "
    "acknowledgements of replicas left out. A status asks about sender and friend, who may lie on "
    "two nodes: those are asked at the same time, so it waits no oftener than on one server. A "
    "batch goes to each node once to read and once to commit, to all at one time: counted in "
    "`tests/receipts/store/test_cluster.py`."
)
_SETTING = (
    "Nothing acknowledged is lost since every commit ends with `WAIT 1` on the connection that "
    "wrote, and each node writes to disk first (`appendonly yes`, `appendfsync always`). "
    "`cluster-node-timeout` is 2,000 ms here; a dead master is replaced that time and about a "
    "second later."
)
