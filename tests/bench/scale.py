"""`python -m tests.bench.scale`: what a carrier's day needs, into docs/scale.md.

Costs are read from the pages of `make bench`. Each assumption is an option, such as
`--trace-days 7`; only a run without options writes the page.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from tests.bench import report
from tests.bench.reckoning import Assumptions, Measured, Reckoning, variations

_BENCH, _PAGE = Path("docs/bench"), Path("docs/scale.md")
_BEGIN, _END = "<!-- the tables -->", "<!-- their end -->"

#: Goals: masters, with as many replicas, and cores on average.
MASTERS, CORES = 60, 12

#: What each assumption is, for the table and the help.
NAMES = {
    "texts": "texts a day",
    "subscribers": "customers with the service",
    "with_service": "part of the texts by customers with the service, each with a receipt",
    "charged_singly": "part of the receipts charged one by one, kept 36 months",
    "busy_hour": "part of a day's texts in its busiest hour",
    "peak": "averages at once on New Year's Eve",
    "store_days": "days of receipts in the store",
    "archive_days": "days of receipts in the archive",
    "trace_days": "days of customers' traces",
    "strangers_hours": "hours of strangers' traces",
    "used": "planned use of cores and memory",
    "node_gb": "GB of memory of a store node",
    "charge_bytes": "bytes of a charge",
    "archived_bytes": "bytes of a receipt in the archive",
    "report_bytes": "bytes of a report on the wire",
    "sent_bytes": "bytes of a receipt on the wire",
}

#: Days of receipts in the store and of traces, as proposed to carriers beside those as shipped.
_PROPOSED = {"store_days": 14, "trace_days": 7}

_CHANGES = (
    "Each is halved and doubled: a part to all at most, nothing to a tenth and to all. Masters "
    "have as many replicas. An empty cell is no change."
)


def _by_load(reckoning: Reckoning) -> str:
    cells = []
    for name, load in reckoning.given.loads().items():
        rate, cores = reckoning.given.texts / 86_400 * load, reckoning.cores(load)
        cells.append((name, f"{rate:,.0f}", *(f"{each:,.0f}" for each in cores),
                      f"{sum(cores):,.0f}", f"{reckoning.wire_gbit(load):.2f}"))  # fmt: skip
    head = ("load", "texts/s", "cores: web", "workers", "nodes, replicas too", "all", "Gbit/s in")
    return report.grid(head, cells)


def _by_memory(kept: Sequence[tuple[str, Reckoning]]) -> str:
    cells, parts = [], list(kept[0][1].memory())
    for name, each in kept:
        sizes, masters = each.memory(), each.machines()
        goal = f"{masters - MASTERS:,.0f} over" if masters > MASTERS else "met"
        cells.append((name, *(f"{size:.2f}" for size in sizes.values()),
                      f"{sum(sizes.values()):.2f}", f"{masters:,.0f} + {masters:,.0f}", goal,
                      f"{each.archive_tb():.1f}"))  # fmt: skip
    head = ("kept", *(f"{part} TB" for part in parts), "together TB",
            f"masters + replicas of {kept[0][1].given.node_gb:.0f} GB",
            f"at most {MASTERS} + {MASTERS}", "archive TB on disk")  # fmt: skip
    return report.grid(head, cells)


def _needs(reckoning: Reckoning) -> tuple[float, ...]:
    """Masters, cores at each load, and TB of the archive."""
    cores = (sum(reckoning.cores(load)) for load in reckoning.given.loads().values())
    return (reckoning.machines(), *cores, reckoning.archive_tb())


def _by_assumption(given: Assumptions, measured: Measured) -> str:
    """What each assumption changes, halved and doubled."""
    base, cells = _needs(Reckoning(given, measured)), []
    for name, value, *others in variations(given):
        found = [_needs(Reckoning(other, measured)) for other in others]
        changes = [
            [_signed(after - before) for before, after in zip(base, each, strict=True)]
            for each in found
        ]
        both = (f"{a} / {b}" if (a, b) != ("0", "0") else "" for a, b in zip(*changes, strict=True))
        values = " / ".join(_plain(getattr(other, name)) for other in others)
        cells.append((NAMES[name], _plain(value), values, *both))
    head = ("assumption", "is", "halved / doubled", "masters", "cores on average",
            "in the busy hour", "on New Year's Eve", "archive TB")  # fmt: skip
    return report.grid(head, cells)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"


def _signed(more: float) -> str:
    return f"{more:+,.1f}" if abs(more) >= 0.05 else ""


def tables(given: Assumptions, measured: Measured) -> str:
    """The tables by load, by what is kept, and by assumption."""
    both = (given, replace(given, **_PROPOSED))
    kept = [
        (
            f"receipts {each.store_days:g} days, traces {each.trace_days:g}",
            Reckoning(each, measured),
        )
        for each in both
    ]
    average = sum(kept[0][1].cores())
    goal = (
        f"{average - CORES:.1f} over the goal of {CORES}"
        if average > CORES
        else f"within the goal of {CORES}"
    )
    return "\n\n".join([
        _by_load(kept[0][1]), f"On average {average:.1f} cores: {goal}.", _by_memory(kept),
        "## What each assumption changes", _CHANGES, _by_assumption(given, measured),
    ])  # fmt: skip


def chart(reckoning: Reckoning) -> str:
    """Cores at each load, as SVG."""
    loads = reckoning.given.loads()
    cores = zip(*(reckoning.cores(load) for load in loads.values()), strict=True)
    parts = dict(zip(("web", "workers", "store nodes"), cores, strict=True))
    title = f"Cores for {reckoning.given.texts / 1e9:g} billion texts a day"
    return report.stacked_bars(title, list(loads), parts)


def main() -> None:
    """Print the tables; without options also write them and the chart."""
    shipped = Assumptions.shipped()
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    for each in fields(Assumptions):
        option, value = f"--{each.name.replace('_', '-')}", getattr(shipped, each.name)
        parser.add_argument(option, type=float, default=value,
                            help=f"{NAMES[each.name]} (default {value:g})")  # fmt: skip
    given = Assumptions(**vars(parser.parse_args()))
    measured = Measured.read(_BENCH)
    print(tables(given, measured))
    if asdict(given) == asdict(shipped):
        before, _, rest = _PAGE.read_text().partition(_BEGIN)
        written = f"{_BEGIN}\n{tables(given, measured)}\n{_END}"
        _PAGE.write_text(f"{before}{written}{rest.partition(_END)[2]}")
        (_BENCH / "scale.svg").write_text(chart(Reckoning(given, measured)))


if __name__ == "__main__":
    main()
