"""`python -m tests.drills [--faults name,...] [--reports N] [--out FILE]`: faults under load.

Prints a table with a row for each fault. The exit status is 1 when a receipt was lost, sent twice
or charged wrong, or the counts do not add up.
"""

import argparse
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.drills.comparison import DrillResult
from tests.drills.drill import run
from tests.drills.faults import FAULTS, Drill
from tests.drills.plan import Plan

#: A page holds the table between these two lines.
BEGIN, END = "<!-- the table -->", "<!-- its end -->"

#: Columns with a count, by the field of the result.
COUNTS = {
    "sent": "reports sent", "acknowledged": "acknowledged", "due": "receipts due",
    "taken": "sent, as providers counted", "lost": "lost", "doubled": "doubled",
    "charged_wrong": "charged wrong", "unsure": "unsure",
}  # fmt: skip
HEAD = f"| fault | {' | '.join(COUNTS.values())} | seconds to recover |\n|---|{'---:|' * 9}"


def row(result: DrillResult) -> str:
    """A row of the table."""
    counts = " | ".join(f"{getattr(result, name):,}" for name in COUNTS)
    return f"| {result.title} | {counts} | {result.recovery_seconds:.1f} |"


def total(results: list[DrillResult]) -> str:
    """The last row: sums, and the longest recovery."""
    sums = {name: sum(getattr(result, name) for result in results) for name in COUNTS}
    longest = max(result.recovery_seconds for result in results)
    return row(DrillResult("", f"**{len(results)} drills**", **sums, recovery_seconds=longest))


def main() -> int:
    """Run the drills; return the exit status."""
    options = _options()
    # A terminated run ends the processes it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = [fault for fault in FAULTS if fault.name in options.faults]
    began = time.monotonic()
    results = [_run(n, len(wanted), fault, options) for n, fault in enumerate(wanted, start=1)]
    minutes = (time.monotonic() - began) / 60
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    repeats = sum(result.kannel_repeats for result in results)
    table = "\n".join([HEAD, *map(row, results), total(results)])
    table += (
        f"\n\n{minutes:.0f} minutes; the counting took {peak:.0f} MB at most. Texts that Kannel, "
        f"requested once, offered to its centre again after a crash of its own: {repeats}."
    )
    print(f"\n{table}")
    if options.out:
        before, _, rest = options.out.read_text().partition(BEGIN)
        options.out.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return 0 if all(result.passed for result in results) else 1


def _options() -> argparse.Namespace:
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("--faults", default=",".join(names), help="by default all")
    parser.add_argument("--reports", type=int, default=2600, help="for each fault")
    parser.add_argument("--seconds", type=float, default=13, help="over which the load is spread")
    parser.add_argument("--out", type=Path, help="a page whose table is to be replaced")
    parser.add_argument("--keep", type=Path, help="keep the folders of drills that failed here")
    options = parser.parse_args()
    options.faults = options.faults.split(",")
    if unknown := set(options.faults) - set(names):
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(names)}")
    return options


def _run(number: int, count: int, fault: Drill, options: argparse.Namespace) -> DrillResult:
    """Run one drill, with its progress on the error output."""
    began = time.monotonic()

    def log(message: str) -> None:
        sys.stderr.write(f"[{number}/{count}] {fault.name}: {message}\n")

    with tempfile.TemporaryDirectory(prefix="drill-") as name:
        folder = Path(name)
        result = run(fault, Plan(number, options.reports), options.seconds, folder, log)
        print(row(result), flush=True)
        log(f"{'passed' if result.passed else 'FAILED'} after {time.monotonic() - began:.0f} s")
        for problem in sorted(set(result.problems))[:12]:
            log(f"  {problem} (x{result.problems.count(problem)})")
        if options.keep and not result.passed:
            kept, no_sockets = options.keep / fault.name, shutil.ignore_patterns("*.sock")
            shutil.copytree(folder, kept, dirs_exist_ok=True, ignore=no_sockets)
    return result


if __name__ == "__main__":
    sys.exit(main())
