"""`python -m tests.bench.scale`: what the measured costs come to for a carrier, into docs/scale.md.

Every cost is read from the pages that `make bench` wrote; what is assumed stands here, by name.
"""

import re
from pathlib import Path

from tests.bench import paper

_BENCH, _PAGE = Path("docs/bench"), Path("docs/scale.md")
_BEGIN, _END = "<!-- the tables -->", "<!-- their end -->"

#: Assumed of the carrier.
TEXTS, WITH_SERVICE, SUBSCRIBERS = 2e9, 0.10, 100e6
#: Assumed of a core and of a store node: how much of each we plan to use.
USED, GIGABYTES = 0.6, 64
#: Texts a second, as multiples of the day's average.
LOADS = {"average": 1.0, "busy hour, a tenth of the day": 2.4, "New Year's Eve, ten averages": 10.0}
#: Days that trails and receipts stay: as shipped, and as short as the promises allow.
KEPT = {"as shipped": (7, 180), "short": (3, 31)}
#: Bytes of a trail in the store (docs/decisions/022), of a report on the wire with its headers
#: shared by a batch, and of a receipt handed to the provider with its answer and its report.
TRAIL, REPORT, SENT = 400, 200, 1500


def _costs() -> dict[str, tuple[float, float]]:
    """CPU µs in doors or worker, and in nodes, by event on six masters."""
    found = {}
    for line in (_BENCH / "cluster.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and (cpu := re.fullmatch(r"([\d,]+) \+ ([\d,]+)", cells[4])):
            found[cells[1]] = tuple(float(each.replace(",", "")) for each in cpu.groups())
    return found  # type: ignore[return-value]


def _bytes(what: str) -> float:
    (found,) = re.findall(rf"\| store: {what} +\| ([\d.,]+) bytes", _read("bench.md"))
    return float(found.replace(",", ""))


def _read(name: str) -> str:
    return (_BENCH / name).read_text(encoding="utf-8")


def _cores(rate: float) -> dict[str, float]:
    """Cores at so many texts a second, when each is used to the planned part."""
    cost = _costs()
    without, with_one = cost["feed, people without the service"], cost["feed, with receipts"]
    sends, fate = cost["the worker sends"], cost["a receipt's report by Kannel"]
    receipts, others = rate * WITH_SERVICE, rate * (1 - WITH_SERVICE)
    whole = {
        "doors": others * without[0] + receipts * (with_one[0] + fate[0]),
        "workers": receipts * sends[0],
        "nodes": others * without[1] + receipts * (with_one[1] + sends[1] + fate[1]),
    }
    return {name: micros / 1e6 / USED for name, micros in whole.items()}


def _by_load() -> str:
    cells = []
    for name, times in LOADS.items():
        rate = TEXTS / 86_400 * times
        cores = _cores(rate)
        wire = rate * (REPORT + WITH_SERVICE * SENT) * 8 / 1e9
        cells.append((name, f"{rate:,.0f}", *(f"{each:,.0f}" for each in cores.values()),
                      f"{sum(cores.values()):,.0f}", f"{wire:.2f}"))  # fmt: skip
    head = ("load", "texts/s", "cores: doors", "workers", "nodes, replicas too", "all", "Gbit/s in")
    return paper.grid(head, cells)


def _by_memory() -> str:
    cells = []
    for name, (trails, receipts) in KEPT.items():
        held = (
            SUBSCRIBERS * _bytes("a subscriber with no history"),
            TEXTS * trails * TRAIL,
            TEXTS * WITH_SERVICE * receipts * _bytes("a receipt's record"),
        )
        nodes = sum(held) / (GIGABYTES * 1e9 * USED)
        cells.append((f"{name}: trails {trails} days, receipts {receipts}",
                      *(f"{each / 1e12:.2f}" for each in held), f"{sum(held) / 1e12:.1f}",
                      f"{nodes:,.0f} + {nodes:,.0f}"))  # fmt: skip
    head = ("kept", "subscribers TB", "trails TB", "receipts TB", "together TB",
            f"masters + replicas of {GIGABYTES} GB")  # fmt: skip
    return paper.grid(head, cells)


def main() -> None:
    """Reckon, and write the tables and the chart."""
    whole = f"{_by_load()}\n\n{_by_memory()}"
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    page = f"{before}{_BEGIN}\n{whole}\n{_END}{rest.partition(_END)[2]}"
    _PAGE.write_text(page, encoding="utf-8")
    rows = [
        paper.Stack(name, tuple(_cores(TEXTS / 86_400 * times).values()))
        for name, times in LOADS.items()
    ]
    drawn = paper.stacks(rows, ("doors", "workers", "store nodes"),
                         "Cores for two billion texts a day")  # fmt: skip
    (_BENCH / "scale.svg").write_text(drawn, encoding="utf-8")
    print(whole)


if __name__ == "__main__":
    main()
