"""`python -m tests.bench.scale`: the cost of a carrier's day, into docs/scale.md.

Costs are read from the pages of `make bench`; the assumptions are the constants below.
"""

import re
from pathlib import Path

from tests.bench import report

_BENCH, _PAGE = Path("docs/bench"), Path("docs/scale.md")
_BEGIN, _END = "<!-- the tables -->", "<!-- their end -->"

#: The carrier: texts a day, the part of them with the service, subscribers.
TEXTS, WITH_SERVICE, SUBSCRIBERS = 2e9, 0.10, 100e6
#: The planned use of cores and memory, and the memory of a store node.
USED, GIGABYTES = 0.6, 64
#: Texts a second, as multiples of the day's average.
LOADS = {"average": 1.0, "busy hour, a tenth of the day": 2.4, "New Year's Eve, ten averages": 10.0}
#: Days that subscribers' traces and receipts stay, as in the shipped rule book, and short.
RETENTION_DAYS = {"as shipped": (40, 183), "short": (3, 31)}
#: Hours that the traces of senders without the service stay, in both.
STRANGERS_HOURS = 2
#: Bytes of a trace in the store (docs/decisions/009; of a stranger fewer), of a report on the
#: wire with its share of the headers, and of a receipt sent, with its answer and its report.
TRACE, REPORT, SENT = 400, 200, 1500

_PARTS = ("web", "workers", "store nodes")


def _costs() -> dict[str, tuple[float, float]]:
    """CPU µs by event on six masters: web or worker, and nodes."""
    found = {}
    for line in (_BENCH / "cluster.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and (cpu := re.fullmatch(r"([\d,]+) \+ ([\d,]+)", cells[4])):
            found[cells[1]] = (float(cpu[1].replace(",", "")), float(cpu[2].replace(",", "")))
    return found


def _bytes(name: str) -> float:
    page = (_BENCH / "bench.md").read_text()
    (found,) = re.findall(rf"\| store: {name} +\| ([\d.,]+) bytes", page)
    return float(found.replace(",", ""))


def _cores(load: float) -> tuple[float, float, float]:
    """Cores of web, workers and nodes under a multiple of the average load."""
    cost, rate = _costs(), TEXTS / 86_400 * load
    without, with_one = cost["feed, without receipts"], cost["feed, with receipts"]
    send, final = cost["the worker sends"], cost["a receipt's report by Kannel"]
    receipts, others = rate * WITH_SERVICE, rate * (1 - WITH_SERVICE)
    micros = (
        others * without[0] + receipts * (with_one[0] + final[0]),
        receipts * send[0],
        others * without[1] + receipts * (with_one[1] + send[1] + final[1]),
    )
    web, workers, nodes = (each / 1e6 / USED for each in micros)
    return web, workers, nodes


def _by_load() -> str:
    cells = []
    for name, load in LOADS.items():
        rate, cores = TEXTS / 86_400 * load, _cores(load)
        wire = rate * (REPORT + WITH_SERVICE * SENT) * 8 / 1e9
        cells.append((name, f"{rate:,.0f}", *(f"{each:,.0f}" for each in cores),
                      f"{sum(cores):,.0f}", f"{wire:.2f}"))  # fmt: skip
    head = ("load", "texts/s", "cores: web", "workers", "nodes, replicas too", "all", "Gbit/s in")
    return report.grid(head, cells)


def _trace_days(subscribers: int) -> float:
    """Days that the trace of a text stays, on average over all senders."""
    return WITH_SERVICE * subscribers + (1 - WITH_SERVICE) * STRANGERS_HOURS / 24


def _by_memory() -> str:
    cells = []
    for name, (traces, receipts) in RETENTION_DAYS.items():
        sizes = (
            SUBSCRIBERS * _bytes("a subscriber with no history"),
            TEXTS * _trace_days(traces) * TRACE,
            TEXTS * WITH_SERVICE * receipts * _bytes("a receipt's record"),
        )
        nodes = sum(sizes) / (GIGABYTES * 1e9 * USED)
        cells.append((f"{name}: traces {traces} days, receipts {receipts}",
                      *(f"{each / 1e12:.2f}" for each in sizes), f"{sum(sizes) / 1e12:.1f}",
                      f"{nodes:,.0f} + {nodes:,.0f}"))  # fmt: skip
    head = ("kept", "subscribers TB", "traces TB", "receipts TB", "together TB",
            f"masters + replicas of {GIGABYTES} GB")  # fmt: skip
    return report.grid(head, cells)


def main() -> None:
    """Write the tables and the chart."""
    tables = f"{_by_load()}\n\n{_by_memory()}"
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    _PAGE.write_text(f"{before}{_BEGIN}\n{tables}\n{_END}{rest.partition(_END)[2]}")
    cores = zip(*(_cores(load) for load in LOADS.values()), strict=True)
    chart = report.stacked_bars("Cores for two billion texts a day", list(LOADS),
                                dict(zip(_PARTS, cores, strict=True)))  # fmt: skip
    (_BENCH / "scale.svg").write_text(chart)
    print(tables)


if __name__ == "__main__":
    main()
