"""`make bench`: the product beside references, as tables and a chart under docs/bench.

`python -m tests.bench --short` is a quick look; `--only web,kannel,worker,sizes,chain,latency,
growth,pages,cluster` measures a part.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import chain, cluster, gateway, growth, latency, pages, report, sizes
from tests.bench.events import EVENTS
from tests.bench.sending import sending
from tests.bench.web import Run, measure

#: Parts of one page, and parts with a page of their own.
_TOGETHER = {"web", "kannel", "worker", "sizes"}
_APART = {
    "chain": ("From a report to its receipt's fate", chain.page),
    "latency": ("From a report to its receipt at the provider", latency.page),
    "growth": ("A thousand customers beside a million", growth.page),
    "pages": ("Pages with a customer of 100,000 receipts", pages.page),
    "cluster": ("One server, three masters, six", cluster.page),
}

#: A batch is one request, so its rows are compared with Kannel, not with reference A.
_FEED = "feed"


def web(runs: int, count: int, batches: int) -> list[report.EventRow]:
    """The product beside references A and B."""
    found: dict[tuple[str, str], list[Run]] = {}
    base: list[float] = []
    for turn, program, event, run in measure(runs, count, batches):
        if program == "A":
            base.append(run.micros)
        found.setdefault((program, event), []).append(run)
        print(f"run {turn + 1}: {program:4} {event:34} {run.micros:7.1f} µs", flush=True)
    targets = {event.name: event.target for event in EVENTS}
    rows = []
    for (program, name), each in found.items():
        ratios = [run.micros / a for run, a in zip(each, base, strict=True)]
        rows.append(report.EventRow(program, name, each, ratios, targets.get(name)))
    return rows


def kannel(runs: int, count: int) -> dict[str, list[float]]:
    """Events a CPU second of the real Kannel."""
    kinds = {"keyword, back end, reply": gateway.answered, "send, report, callback": gateway.sent}
    found: dict[str, list[float]] = {name: [] for name in kinds}
    with gateway.kannel() as running:
        for cost in kinds.values():
            cost(running, 200)
        for _ in range(runs):
            for name, cost in kinds.items():
                found[name].append(count / cost(running, count))
    return found


def beside_kannel(rows: Sequence[report.EventRow], found: dict[str, list[float]]) -> str:
    """A table of the feed beside Kannel: events a CPU second of web processes and store."""
    cells = [
        ("C", name, f"{statistics.fmean(each):,.0f}", f"{min(each):,.0f} – {max(each):,.0f}", "")
        for name, each in found.items()
    ]
    peer = statistics.fmean(found["send, report, callback"])
    for row in rows:
        if row.event.startswith(_FEED):
            rate = 1e6 / (row.web + row.store)
            # Four reports for each of Kannel's; with receipts, in the proportion of 6 to 15.
            wanted = peer * (4 if "without" in row.event else 4 * 6 / 15)
            met = "met" if rate >= wanted else f"{rate / wanted:.0%} of it"
            cells.append(("ours", row.event, f"{rate:,.0f}", f"{wanted:,.0f} wanted", met))
    return report.grid(("reference", "event", "a CPU second", "", ""), cells)


def worker(batches: int) -> str:
    """A table of the worker's rate at each provider."""
    cells = []
    for provider, target in (("kannel", "2,500 a CPU second"), ("twilio", "400 a second")):
        sent = sending(provider, batches)
        micros = [f"{seconds / sent.events * 1e6:,.0f}" for seconds in (sent.web, sent.store)]
        cells.append(
            (provider, f"{sent.rate:,.0f}", f"{sent.events / sent.web:,.0f}", *micros, target)
        )
    head = ("provider", "sends/s", "a CPU second", "worker CPU µs", "store CPU µs", "target")
    return report.grid(head, cells)


def main() -> None:
    """Measure the parts, print and write their pages."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", default=",".join([*_TOGETHER, *_APART]))
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    options = parser.parse_args()
    parts = set(options.only.split(","))
    if unknown := parts - _TOGETHER - _APART.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    options.out.mkdir(parents=True, exist_ok=True)
    if parts & _TOGETHER:
        _together(parts, options.out, short=options.short)
    for name, (title, page) in _APART.items():
        if name in parts:
            text = f"# {title}\n\n{_conditions()}\n\n{page(short=options.short)}\n"
            print(f"\n{text}", flush=True)
            (options.out / f"{name}.md").write_text(text, encoding="utf-8")


def _together(parts: set[str], out: Path, *, short: bool) -> None:
    """Measure the parts of the common page; write it and its chart."""
    runs, count, batches = (2, 1000, 4) if short else (6, 2500, 8)
    began, rows = time.monotonic(), []
    pages = [f"# Bench\n\n{_conditions()}"]
    if "web" in parts:
        rows = web(runs, count, batches)
        pages.append("## Requests beside an empty page\n\n" + report.table(rows))
        print(f"\n{pages[-1]}\n", flush=True)
    if "kannel" in parts:
        pages.append("## Feed beside Kannel\n\n" + beside_kannel(rows, kannel(runs, count)))
    if "worker" in parts:
        pages.append("## Worker\n\n" + worker(2 if short else 5))
    if "sizes" in parts:
        pages.append("## Start and memory\n\n" + sizes.page(100_000 if short else 1_000_000))
    text = "\n\n".join(pages) + "\n"
    print(f"\n{text}\nTook {time.monotonic() - began:.0f} s")
    (out / "bench.md").write_text(text, encoding="utf-8")
    if rows:
        drawn = [row for row in rows if not row.event.startswith(_FEED)]
        chart = report.event_chart(drawn, "CPU of an event, beside an empty page")
        (out / "requests.svg").write_text(chart, encoding="utf-8")


def _conditions() -> str:
    """Date and machine of the measurement: only ratios travel."""
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load average before {os.getloadavg()[0]:.1f}. Ratios are more "
        "reliable than absolute figures: the rows of one table were measured in the same turns."
    )


if __name__ == "__main__":
    main()
