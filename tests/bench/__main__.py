"""`make bench`: references and product side by side, table and chart under docs/bench.

`python -m tests.bench --short` is a quick look; `--only doors,kannel,worker,sizes,growth,cluster`
a part. Growth and cluster have pages of their own.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import cluster, gateway, growth, paper, sizes
from tests.bench.doors import Run, measure
from tests.bench.events import EVENTS
from tests.bench.sending import sending

#: Parts that stand on one page, and those with a page of their own.
_TOGETHER = {"doors", "kannel", "worker", "sizes"}
_APART = {
    "growth": ("A thousand customers beside a million", growth.page),
    "cluster": ("One server, three masters, six", cluster.page),
}

#: A batch is one request: its rows are compared with Kannel, not with the empty page.
_FEED = "feed"


def doors(runs: int, count: int, batches: int) -> list[paper.Row]:
    """The doors beside A and B."""
    found: dict[tuple[str, str], list[Run]] = {}
    base: list[float] = []
    for turn, reference, event, run in measure(runs, count, batches):
        if reference == "A":
            base.append(run.micros)
        found.setdefault((reference, event), []).append(run)
        print(f"run {turn + 1}: {reference:4} {event:34} {run.micros:7.1f} µs", flush=True)
    targets = {event.name: event.target for event in EVENTS}
    return [_row(*names, held, base, targets.get(names[1])) for names, held in found.items()]


def _row(
    reference: str, event: str, held: Sequence[Run], base: Sequence[float], target: float | None
) -> paper.Row:
    ratios = [run.micros / a for run, a in zip(held, base, strict=True)]

    def mean(pick: str) -> float:
        return statistics.fmean(getattr(run, pick) for run in held)

    events = sum(run.events for run in held)
    return paper.Row(
        reference, event, mean("rate"),
        sum(run.doors for run in held) / events * 1e6,
        sum(run.store for run in held) / events * 1e6,
        statistics.median(run.p50 for run in held), statistics.median(run.p99 for run in held),
        mean("trips"), statistics.fmean(ratios), min(ratios), max(ratios), target,
    )  # fmt: skip


def kannel(runs: int, count: int) -> dict[str, list[float]]:
    """Events a CPU second of the real Kannel."""
    found: dict[str, list[float]] = {"keyword, back end, reply": [], "send, report, callback": []}
    with gateway.kannel() as (boxes, carrier):
        gateway.answered(boxes, carrier, 200)
        gateway.sent(boxes, carrier, 200)
        for _ in range(runs):
            found["keyword, back end, reply"].append(
                count / gateway.answered(boxes, carrier, count)
            )
            found["send, report, callback"].append(count / gateway.sent(boxes, carrier, count))
    return found


def beside_kannel(rows: Sequence[paper.Row], found: dict[str, list[float]]) -> str:
    """The feed beside Kannel: events a CPU second, doors and store together."""
    cells = [
        ("C", name, f"{statistics.fmean(held):,.0f}", f"{min(held):,.0f} – {max(held):,.0f}", "")
        for name, held in found.items()
    ]
    peer = statistics.fmean(found["send, report, callback"])
    for row in rows:
        if not row.event.startswith(_FEED):
            continue
        rate = 1e6 / (row.doors + row.store)
        # Four reports for each of Kannel's; with receipts, in the proportion of the issue.
        wanted = peer * (4 if "without" in row.event else 4 * 6 / 15)
        met = "met" if rate >= wanted else f"{rate / wanted:.0%} of it"
        cells.append(("ours", row.event, f"{rate:,.0f}", f"{wanted:,.0f} wanted", met))
    return paper.grid(("reference", "event", "a CPU second", "", ""), cells)


def worker(batches: int) -> str:
    """What the worker hands to each provider."""
    cells = []
    for provider, wanted in (("kannel", "2,500 a CPU second"), ("twilio", "400 a second")):
        sent = sending(provider, batches)
        cells.append(
            (
                provider, f"{sent.rate:,.0f}", f"{sent.per_cpu_second:,.0f}",
                f"{sent.worker / sent.count * 1e6:,.0f}", f"{sent.store / sent.count * 1e6:,.0f}",
                wanted,
            )
        )  # fmt: skip
    head = ("provider", "sends/s", "a CPU second", "worker CPU µs", "store CPU µs", "target")
    return paper.grid(head, cells)


def figures(customers: int) -> str:
    """Start and memory."""
    cells = [
        (each.name, f"{each.value:,.2f} {each.unit}", each.target)
        for part in (sizes.starting(), sizes.room(customers))
        for each in part
    ]
    return paper.grid(("what", "measured", "target"), cells)


def main() -> None:
    """Measure, print, write down."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--short", action="store_true")
    asked.add_argument("--only", default=",".join([*_TOGETHER, *_APART]))
    asked.add_argument("--out", type=Path, default=Path("docs/bench"))
    told = asked.parse_args()
    parts, short = set(told.only.split(",")), told.short
    runs, count, batches = (2, 1000, 4) if short else (6, 2500, 8)
    began = time.monotonic()
    _apart(parts, told.out, short=short)
    if not parts & _TOGETHER:
        return
    pages = [f"# Bench\n\n{_where()}"]
    rows: list[paper.Row] = []
    if "doors" in parts:
        rows = doors(runs, count, batches)
        pages.append("## Doors beside an empty page\n\n" + paper.table(rows))
    if "kannel" in parts:
        pages.append("## Feed beside Kannel\n\n" + beside_kannel(rows, kannel(runs, count)))
    if "worker" in parts:
        pages.append("## Worker\n\n" + worker(2 if short else 5))
    if "sizes" in parts:
        pages.append("## Start and room\n\n" + figures(100_000 if short else 1_000_000))
    whole = "\n\n".join(pages) + "\n"
    print(f"\n{whole}\nTook {time.monotonic() - began:.0f} s")
    (told.out / "bench.md").write_text(whole, encoding="utf-8")
    if rows:
        drawn = [row for row in rows if not row.event.startswith(_FEED)]
        page = paper.chart(drawn, "What an event costs, beside an empty page")
        (told.out / "doors.svg").write_text(page, encoding="utf-8")


def _apart(parts: set[str], out: Path, *, short: bool) -> None:
    """Measure and write down what has a page of its own."""
    out.mkdir(parents=True, exist_ok=True)
    for name, (title, measured) in _APART.items():
        if name in parts:
            began = time.monotonic()
            whole = f"# {title}\n\n{_where()}\n\n{measured(short=short)}\n"
            print(f"\n{whole}\nTook {time.monotonic() - began:.0f} s", flush=True)
            (out / f"{name}.md").write_text(whole, encoding="utf-8")


def _where() -> str:
    """On what this was measured: only ratios travel."""
    busy = os.getloadavg()[0]
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load before {busy:.1f}. Trust the ratios: what is compared ran "
        "in the same turn."
    )


if __name__ == "__main__":
    main()
