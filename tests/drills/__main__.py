"""`python -m tests.drills [--faults name,...] [--reports N] [--out FILE]`: faults under load.

Prints a table with a row a fault. The exit status is 1 when a receipt was lost, sent twice or
charged wrong, or the counts do not add up.
"""

import argparse
import resource
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.drills.drill import Row, run
from tests.drills.faults import FAULTS, Fault
from tests.drills.plan import Plan

#: Between these two, a page holds the table.
BEGIN, END = "<!-- the table -->", "<!-- its end -->"

HEAD = (
    "| fault | reports sent | acknowledged | receipts due | sent, as providers counted "
    "| lost | doubled | charged wrong | unsure | seconds to recover |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def shown(row: Row) -> str:
    """A row of the table."""
    numbers = (
        row.sent, row.acknowledged, row.due, row.took, row.lost, row.doubled, row.charged_wrong,
        row.unsure,
    )  # fmt: skip
    return f"| {row.what} | {' | '.join(f'{n:,}' for n in numbers)} | {row.recovery:.1f} |"


def total(rows: list[Row]) -> str:
    """All rows together."""
    whole = Row("all", f"**{len(rows)} drills**")
    for row in rows:
        for name in ("sent", "acknowledged", "due", "took", "lost", "doubled", "charged_wrong",
                     "unsure"):  # fmt: skip
            setattr(whole, name, getattr(whole, name) + getattr(row, name))
    whole.recovery = max(row.recovery for row in rows)
    return shown(whole)


def main() -> int:
    """Run the drills that were asked for."""
    given = _given()
    # What was started is ended also when we are told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = [fault for fault in FAULTS if fault.name in given.faults]
    began = time.monotonic()
    rows = [
        _drilled(place, len(wanted), fault, given) for place, fault in enumerate(wanted, start=1)
    ]
    table = "\n".join([HEAD, *map(shown, rows), total(rows)])
    minutes = (time.monotonic() - began) / 60
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    again = sum(row.again for row in rows)
    table += (
        f"\n\n{minutes:.0f} minutes; the counting took {peak:.0f} MB at most. Texts that Kannel, "
        f"asked once, offered to its centre again after a crash of its own: {again}."
    )
    print(f"\n{table}")
    if given.out:
        _write(given.out, table)
    return 0 if all(row.held for row in rows) else 1


def _given() -> argparse.Namespace:
    names = [fault.name for fault in FAULTS]
    asked = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    asked.add_argument("--faults", default=",".join(names), help="by default all")
    asked.add_argument("--reports", type=int, default=2600, help="for each fault")
    asked.add_argument("--seconds", type=float, default=13, help="over which the load is spread")
    asked.add_argument("--out", type=Path, help="a page whose table is to be replaced")
    asked.add_argument("--keep", type=Path, help="keep the folders of drills that failed here")
    given = asked.parse_args()
    given.faults = given.faults.split(",")
    if unknown := set(given.faults) - set(names):
        asked.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(names)}")
    return given


def _drilled(place: int, count: int, fault: Fault, given: argparse.Namespace) -> Row:
    """One row, with its progress told."""
    began = time.monotonic()

    def say(words: str) -> None:
        sys.stderr.write(f"[{place}/{count}] {fault.name}: {words}\n")

    folder = Path(tempfile.mkdtemp(prefix="drill-"))
    try:
        row = run(fault, Plan(place, given.reports), given.seconds, folder, say)
        print(shown(row), flush=True)
        say(f"{'held' if row.held else 'FAILED'} after {time.monotonic() - began:.0f} s")
        for sentence in sorted(set(row.wrong))[:12]:
            say(f"  {sentence} (x{row.wrong.count(sentence)})")
        if given.keep and not row.held:
            shutil.copytree(
                folder,
                given.keep / fault.name,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("*.sock"),
            )
    finally:
        shutil.rmtree(folder)
    return row


def _write(page: Path, table: str) -> None:
    """Replace what stands between the two marks of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    sys.exit(main())
