"""The product on one server, and on clusters of three and six masters, each with a replica.

Every kind of event is driven on all three in turn, so that they meet the same load. Then a cluster
grows and loses a node under the load of a drill, compared with the drills' reference model.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

from receipts.model.vocabulary import DisplayMode
from tests.bench import report
from tests.bench.cluster_product import ClusterProduct
from tests.bench.events import EVENTS, FEEDS, SUBSCRIBERS, form, number, sid
from tests.bench.processes import cpu, family
from tests.bench.product import ACCOUNT, SECRET, subscriber
from tests.bench.sending import ANSWERS, PACES
from tests.bench.web import Run, once
from tests.drills.drill import run
from tests.drills.faults import FAULTS
from tests.drills.plan import Plan
from tests.support.loop import CountingServer
from tests.support.product import until

#: Masters of the three stores; a single one has no replica.
SIZES = (1, 3, 6)

#: Faults of a cluster, by their names in the drills.
_FAULTS = ("slots-moved", "node-killed")

#: Name, events a request, and the requests.
Kinds = Iterator[tuple[str, int, Callable[[ClusterProduct], list[bytes]]]]


def _get(path: str, cookie: str = "", **query: str) -> bytes:
    target = f"{path}?{urlencode(query)}" if query else path
    header = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {target} HTTP/1.1\r\nHost: sms.example.org\r\n{header}\r\n".encode()


def _kannel_text(index: int) -> bytes:
    return _get("/kannel/sms", secret=SECRET, id=sid(""), to="7500", text="CXDXHZ",
                charset="UTF-8", **{"from": number(index)})  # fmt: skip


def _callbacks(ours: ClusterProduct, count: int) -> list[bytes]:
    return [
        form(f"/receipts/{r.id}/status", {
            "MessageSid": r.provider_id or "", "MessageStatus": "delivered", "From": "7500",
            "AccountSid": ACCOUNT, "To": r.number, "ApiVersion": "2010-04-01",
        })
        for r in ours.receipts("twilio")[:count]
    ]  # fmt: skip


def _kannel_reports(ours: ClusterProduct, count: int) -> list[bytes]:
    return [
        _get("/kannel/report", secret=SECRET, id=r.id, type="1", answer="DELIVRD")
        for r in ours.receipts("kannel")[:count]
    ]


def _before_sending(count: int) -> Kinds:
    for event in EVENTS:
        yield event.name, 1, lambda _, event=event: event.requests(count)
    yield "a text by Kannel with a query", 1, lambda _: [_kannel_text(i) for i in range(count)]
    yield "a portal page", 1, lambda ours: [_get("/hall/", ours.cookie)] * (count // 2)
    for event in FEEDS:
        yield event.name, event.each, lambda _, event=event: event.requests(max(2, count // 150))


def _after_sending(count: int) -> Kinds:
    yield "a receipt's status by Twilio", 1, lambda ours: _callbacks(ours, count // 2)
    yield "a receipt's report by Kannel", 1, lambda ours: _kannel_reports(ours, count // 2)


def _send(ours: ClusterProduct, providers: Sequence[CountingServer], seconds: float) -> Run:
    """Let a worker send for so many seconds."""
    worker = ours.run("work")
    wanted = [(each, each.taken + 50) for each in providers]
    # A flash message waits some seconds for others to share it.
    until(lambda: all(each.taken > n for each, n in wanted), 60, "the worker sends by both")
    before = cpu(family(worker.pid)), ours.cpu_of_store(), sum(each.taken for each in providers)
    time.sleep(seconds)
    count = sum(each.taken for each in providers) - before[2]
    made = Run(count, cpu(family(worker.pid)) - before[0], ours.cpu_of_store() - before[1], 0,
               count / seconds)  # fmt: skip
    worker.terminate()
    worker.wait(30)
    return made


@contextmanager
def _running(masters: int, providers: Sequence[CountingServer]) -> Iterator[ClusterProduct]:
    urls = {"KANNEL_URL": providers[0].url, "TWILIO_API_URL": providers[1].url}
    with (
        tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder,
        closing(ClusterProduct(Path(folder), masters, **urls, **PACES)) as ours,
    ):
        ours.open()
        modes = (DisplayMode.FLASH, DisplayMode.TEXT)
        ours.fill(subscriber(index, modes[index % 2]) for index in range(SUBSCRIBERS))
        ours.sign_in()
        yield ours


def events(turns: int, count: int) -> dict[str, dict[int, list[Run]]]:
    """Runs by event and number of masters, one a turn."""
    found: dict[str, dict[int, list[Run]]] = {}

    def note(name: str, ours: ClusterProduct, made: Run) -> None:
        found.setdefault(name, {}).setdefault(ours.masters, []).append(made)
        print(f"{ours.masters} masters: {name:34} {made.micros:7.1f} µs", flush=True)

    def drive_all(kinds: Kinds) -> None:
        for name, each, make in kinds:
            for ours in stores:
                note(name, ours, once(ours, make(ours), each))

    with ExitStack() as stack:
        providers = [
            stack.enter_context(closing(CountingServer(*ANSWERS[name])))
            for name in ("kannel", "twilio")
        ]
        stores = [stack.enter_context(_running(masters, providers)) for masters in SIZES]
        drive_all(_before_sending(100))
        found.clear()  # the first requests pay for lazy initialisation
        for ours in stores:
            note("the worker sends", ours, _send(ours, providers, 3))
        for kinds in [_before_sending] * turns + [_after_sending] * turns:
            drive_all(kinds(count))
    return found


def table(found: dict[str, dict[int, list[Run]]]) -> str:
    """A row for each event: CPU and round trips on each store."""
    cells = []
    for name, by_size in found.items():
        cpus, trips = [], []
        for runs in (by_size[size] for size in SIZES):
            web = statistics.median(run.web / run.events * 1e6 for run in runs)
            store = statistics.median(run.store / run.events * 1e6 for run in runs)
            cpus.append(f"{web:,.0f} + {store:,.0f}")
            single = "feed" not in name and "worker" not in name
            trips.append(f"{statistics.median(run.trips for run in runs):.2f}" if single else "–")
        cells.append((name, *cpus, *trips))
    head = (
        "event", *(f"CPU µs, {size}" for size in SIZES), *(f"round trips, {size}" for size in SIZES)
    )  # fmt: skip
    return report.grid(head, cells)


def drills(reports: int, seconds: float) -> str:
    """A table of the drills: a cluster of three grows by two masters, and loses one."""
    cells = []
    faults = {fault.name: fault for fault in FAULTS}
    for seed, name in enumerate(_FAULTS, start=1):
        with tempfile.TemporaryDirectory(prefix="sms-receipt-bench-") as folder:
            result = run(faults[name], Plan(seed, reports), seconds, Path(folder), print)
            longest = _longest_gap(Path(folder) / "generator.jsonl")
        print(*sorted(set(result.problems))[:10], sep="\n")
        counts = (
            result.acknowledged, result.sent - result.acknowledged, result.due, result.taken,
            result.lost, result.doubled, result.charged_wrong,
        )  # fmt: skip
        cells.append((result.title, *(f"{count:,}" for count in counts), f"{longest:.1f} s"))
    head = ("fault", "reports acknowledged", "sent again without an answer", "receipts due",
            "taken by providers", "lost", "doubled", "charged wrong",
            "longest from batch to batch")  # fmt: skip
    return report.grid(head, cells)


def _longest_gap(log: Path) -> float:
    """Most seconds from one acknowledged batch of a stream to its next; one is due a second."""
    at: dict[int, list[float]] = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        entry = json.loads(line)
        at.setdefault(entry["stream"], []).append(entry["at"])
    return max((b - a for times in at.values() for a, b in pairwise(times)), default=0.0)


def page(*, short: bool) -> str:
    """The tables about clusters, with their notes."""
    measured = table(events(1 if short else 2, 200 if short else 300))
    counted = drills(500 if short else 1500, 6 if short else 12)
    return f"{measured}\n\n{_NOTES}\n\n{counted}\n\n{_SETTINGS}"


_NOTES = (
    "CPU µs an event: web processes (or worker) + all nodes, on one server, and on three and six "
    "masters each with a replica; medians of alternating turns. Round trips are reads by masters, "
    "without the acknowledgements of replicas. A status reads the records of sender and recipient, "
    "which may lie on two nodes: both are read at the same time, so it waits as often as on one "
    "server. A batch makes one read and one commit at each node, all at the same time: counted in "
    "`tests/receipts/store/test_cluster.py`."
)
_SETTINGS = (
    "No acknowledged report is lost: every commit ends with `WAIT 1` on the connection that "
    "wrote, and each node writes to disk first (`appendonly yes`, `appendfsync always`). "
    "`cluster-node-timeout` is 2,000 ms here; a dead master is replaced after that time and about "
    "a second."
)
