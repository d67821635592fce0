"""`python -m tests.drills [--faults name,...] [--reports N] [--out FILE]`: faults under load.

Prints a table with a row a fault. The exit status is 1 when a receipt was lost, sent twice or
charged wrong, or the counts do not add up.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.drills.drill import Row, run
from tests.drills.faults import FAULTS
from tests.drills.plan import Plan

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
    names = [fault.name for fault in FAULTS]
    asked = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    asked.add_argument("--faults", default=",".join(names), help="by default all")
    asked.add_argument("--reports", type=int, default=3200, help="for each fault")
    asked.add_argument("--seconds", type=float, default=14, help="over which the load is spread")
    asked.add_argument("--out", type=Path, help="where the table goes, besides the terminal")
    asked.add_argument("--keep", type=Path, help="keep the folders of drills that failed here")
    given = asked.parse_args()
    wanted = given.faults.split(",")
    if unknown := set(wanted) - set(names):
        asked.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(names)}")
    rows = []
    for place, fault in enumerate([f for f in FAULTS if f.name in wanted], start=1):
        began = time.monotonic()

        def say(words: str, name: str = fault.name, place: int = place) -> None:
            sys.stderr.write(f"[{place}/{len(wanted)}] {name}: {words}\n")

        folder = Path(tempfile.mkdtemp(prefix="drill-"))
        row = run(fault, Plan(place, given.reports), given.seconds, folder, say)
        rows.append(row)
        print(shown(row), flush=True)
        say(f"{'held' if row.held else 'FAILED'} after {time.monotonic() - began:.0f} s")
        for sentence in sorted(set(row.wrong))[:12]:
            say(f"  {sentence} (x{row.wrong.count(sentence)})")
        if given.keep and not row.held:
            shutil.copytree(folder, given.keep / fault.name, symlinks=True, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.sock"))  # fmt: skip
        shutil.rmtree(folder)
    table = "\n".join([HEAD, *map(shown, rows), total(rows)])
    print(f"\n{table}")
    if given.out:
        given.out.write_text(table + "\n")
    return 0 if all(row.held for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
