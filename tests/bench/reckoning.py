"""What a carrier's day needs: cores, memory and disk, from measured costs and assumptions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from receipts.rulebook.loader import load_rule_book

_DAY_SECONDS = 86_400

#: Days that an entry of the index of texts outlives the traces: three, and half of a week, as
#: those by message id end together (receipts/store/text_index.py).
_INDEX_DAYS = 6.5

#: Rows of bench.md; its fourth column of receipts is of customers with as many as a carrier's.
_WHOLE, _INDEX = "in all", ("index of texts by sender", "index of texts by message id")
_OF_CARRIER = 4
_SUBSCRIBER, _STRANGER = "a subscriber", "a stranger's text, at once"


@dataclass(frozen=True)
class Assumptions:
    """What is not measured. Each is an option of the command."""

    texts: float = 2e9
    subscribers: float = 100e6
    #: The part of the texts whose sender has the service; each gives a receipt.
    with_service: float = 0.10
    #: The part of the receipts that are charged one by one. Their charges stay 36 months.
    charged_singly: float = 0.0
    #: The part of a day's texts in its busiest hour, and averages at once on New Year's Eve.
    busy_hour: float = 0.10
    peak: float = 10.0
    #: Days that receipts stay in the store and, after it, in the archive.
    store_days: float = 31
    archive_days: float = 152
    #: Days that traces of subscribers' texts stay, and hours that strangers' do.
    trace_days: float = 40
    strangers_hours: float = 2
    #: The planned use of cores and memory, and the memory of a store node in GB.
    used: float = 0.60
    node_gb: float = 64.0
    #: Bytes: of a charge in the store, of a receipt in the archive, of a report on the wire with
    #: its share of the headers, of a receipt sent with its answer and its report.
    charge_bytes: float = 120.0
    archived_bytes: float = 150.0
    report_bytes: float = 200.0
    sent_bytes: float = 1500.0

    @classmethod
    def shipped(cls) -> "Assumptions":
        """Those of the carrier, with the times that the shipped rule book keeps records."""
        kept = load_rule_book(None).retention
        stored = kept.receipts_in_store_days
        return cls(
            store_days=stored,
            archive_days=max(0, round(kept.receipts_months * 30.5) - stored),
            trace_days=kept.trails_days,
            strangers_hours=kept.strangers_hours,
        )

    def loads(self) -> dict[str, float]:
        """Texts a second, as multiples of the day's average."""
        return {
            "average": 1.0,
            f"busy hour, {self.busy_hour:.0%} of the day": self.busy_hour * 24,
            f"New Year's Eve, {self.peak:g} averages": self.peak,
        }


#: Those that are parts of a whole.
PARTS = {"with_service", "charged_singly", "busy_hour", "used"}


@dataclass(frozen=True)
class Measured:
    """Measured costs: CPU µs of an event in web or worker and in nodes, and bytes in the store."""

    micros: dict[str, tuple[float, float]]
    #: Of a receipt: all that is in the store as long as it is, and its text's entries in the index.
    receipt: float
    index: float
    subscriber: float
    #: Of the trace of a text whose sender has no service.
    stranger: float

    @classmethod
    def read(cls, bench: Path) -> "Measured":
        """The figures of the pages of ``make bench``: CPU on six masters, bytes on one server."""
        micros = {}
        for line in (bench / "cluster.md").read_text().splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) > 4 and (cpu := re.fullmatch(r"([\d,]+) \+ ([\d,]+)", cells[4])):
                micros[cells[1]] = (_number(cpu[1]), _number(cpu[2]))
        page = (bench / "bench.md").read_text()
        index = sum(_bytes(page, name, _OF_CARRIER) for name in _INDEX)
        receipt = _bytes(page, _WHOLE, _OF_CARRIER) - index
        return cls(micros, receipt, index, _bytes(page, _SUBSCRIBER), _bytes(page, _STRANGER))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _bytes(page: str, name: str, column: int = 1) -> float:
    """A figure of a row of bench.md. Raises ValueError unless there is exactly one row."""
    (row,) = re.findall(rf"(?m)^\| {name} *\|(.*)\|$", page)
    return _number(row.split("|")[column - 1])


@dataclass(frozen=True)
class Reckoning:
    """The needs under some assumptions."""

    given: Assumptions
    measured: Measured

    def cores(self, load: float = 1.0) -> tuple[float, float, float]:
        """Cores of web, workers and nodes under a multiple of the average load."""
        given, cost = self.given, self.measured.micros
        rate = given.texts / _DAY_SECONDS * load
        without, with_one = cost["feed, without receipts"], cost["feed, with receipts"]
        send, final = cost["the worker sends"], cost["a receipt's report by Kannel"]
        receipts, others = rate * given.with_service, rate * (1 - given.with_service)
        micros = (
            others * without[0] + receipts * (with_one[0] + final[0]),
            receipts * send[0],
            others * without[1] + receipts * (with_one[1] + send[1] + final[1]),
        )
        web, workers, nodes = (each / 1e6 / given.used for each in micros)
        return web, workers, nodes

    def wire_gbit(self, load: float) -> float:
        """Gbit a second on the wire, in both directions."""
        given = self.given
        each = given.report_bytes + given.with_service * given.sent_bytes
        return given.texts / _DAY_SECONDS * load * each * 8 / 1e9

    def memory(self) -> dict[str, float]:
        """Terabytes in the store by what they are of, without replicas."""
        given, measured = self.given, self.measured
        receipts = given.texts * given.with_service
        strangers = given.texts - receipts
        kept = {
            "subscribers": given.subscribers * measured.subscriber,
            "receipts with traces": receipts * given.store_days * measured.receipt,
            "index of texts": receipts * (given.trace_days + _INDEX_DAYS) * measured.index,
            "strangers' traces": strangers * given.strangers_hours / 24 * measured.stranger,
            "single charges": receipts * given.charged_singly * 36 * 30.4 * given.charge_bytes,
        }
        return {name: size / 1e12 for name, size in kept.items()}

    def machines(self) -> float:
        """Masters; each has a replica."""
        return sum(self.memory().values()) * 1e3 / (self.given.node_gb * self.given.used)

    def archive_tb(self) -> float:
        """Terabytes of the archive on disk, one copy."""
        given = self.given
        receipts = given.texts * given.with_service * given.archive_days
        return receipts * given.archived_bytes / 1e12


def variations(given: Assumptions) -> Iterator[tuple[str, float, Assumptions, Assumptions]]:
    """Each assumption with its value, and the assumptions with it halved and doubled.

    A part of a whole is doubled to all of it at most; what is 0 becomes a tenth and all.
    """
    for each in fields(given):
        value = getattr(given, each.name)
        low, high = (value / 2, value * 2) if value else (0.1, 1.0)
        if each.name in PARTS:
            high = min(high, 1.0)
        halved, doubled = (replace(given, **{each.name: other}) for other in (low, high))
        yield each.name, value, halved, doubled
