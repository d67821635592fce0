"""`python -m tests.drills.rolling [--minutes 10] [--out FILE]`: changes of all kinds under load.

Prints a page. The exit status is 1 when a request failed, a receipt was lost, sent twice or charged
wrong, or memory grew.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.drills.rolling.drill import RollingResult, run

#: A page holds the outcome between these two lines.
BEGIN, END = "<!-- the rolling drill -->", "<!-- end of the rolling drill -->"


def page(result: RollingResult, minutes: float) -> str:
    """The outcome in Markdown."""
    load, counts = result.load, result.counts
    requests = ", ".join(f"{count:,} {kind}" for kind, count in sorted(load.requests.items()))
    rows = {
        "length": f"{minutes:g} minutes",
        "capacity measured before": f"{load.capacity:.0f} requests a second",
        "load": f"{load.pace:.0f} requests a second at most",
        "requests": f"{sum(load.requests.values()):,}: {requests}",
        "**failed requests**": f"{len(load.failures)}",
        "seconds until answered":
            f"p50 {load.p50:.3f}, p99 {load.p99:.2f}, longest {load.longest:.1f}",
        "reports acknowledged": f"{counts.acknowledged:,}",
        "receipts due": f"{counts.due:,}",
        "**lost, doubled, charged wrong**":
            f"{counts.lost}, {counts.doubled}, {counts.charged_wrong}",
        "unsure": f"{counts.unsure}",
        "customers who opened the service": f"{len(load.opened):,}",
        "memory of all processes, last third by first third": f"{result.growth:.2f}",
    }  # fmt: skip
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    lines += ["", "| changed under load | times | longest, in seconds |", "|---|---:|---:|"]
    times = Counter(name for name, _ in result.events)
    for name, count in times.items():
        longest = max(seconds for each, seconds in result.events if each == name)
        lines.append(f"| {name} | {count} | {longest:.1f} |")
    lines += ["", "| process at the end | watched for seconds | MB then | MB at the end |"]
    lines += ["|---|---:|---:|---:|", *_memory_rows(result)]
    return "\n".join(lines)


def _memory_rows(result: RollingResult) -> list[str]:
    rows, (end, last) = [], result.memory[-1] if result.memory else (0.0, {})
    for name, size in sorted(last.items()):
        lived = [(at, sizes[name]) for at, sizes in result.memory if name in sizes]
        # A process that starts has not loaded all of its modules.
        first_at, first = lived[min(4, len(lived) - 1)]
        role = name.rpartition(" ")[0]
        rows.append(f"| {role} | {end - first_at:.0f} | {first / 1e6:.1f} | {size / 1e6:.1f} |")
    return rows


def main() -> int:
    """Run the drill; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills.rolling", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--share", type=float, default=0.7, help="of the capacity")
    parser.add_argument("--out", type=Path, help="a page whose outcome is to be replaced")
    options = parser.parse_args()
    began = time.monotonic()

    def log(message: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - began:.0f}] {message}\n")

    with tempfile.TemporaryDirectory(prefix="drill-") as name:
        result = run(Path(name), options.minutes * 60, options.share, log)
    text = page(result, options.minutes)
    print(text)
    for problem in [result.failure, *result.load.failures[:20], *result.counts.problems[:20]]:
        log(problem)
    if options.out:
        before, _, rest = options.out.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        options.out.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    log("passed" if result.passed else "FAILED")
    return 0 if result.passed else 1


if __name__ == "__main__":
    sys.exit(main())
