"""The traffic of a drill: texts and the network's reports about them, fixed by a seed.

Each text of a customer goes to a recipient of its own. A receipt names the recipient, so it
identifies its text, whichever provider carried it.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

#: Reports of one text stay in one stream, and a stream sends one batch after the other.
STREAMS = 4

#: A customer's province with its fees in fen: a month, a delivered receipt, how many are free.
TARIFFS = {
    "CN-GD": (100, 0, 0), "CN-JL": (200, 0, 0), "CN-GX": (50, 5, 20),
    "CN-SX": (0, 10, 0), "CN-HE": (150, 0, 0), "CN-FJ": (0, 0, 0),
}  # fmt: skip

#: A text that draws more than this is reported by single status callbacks.
_CALLBACKS_ABOVE = 0.90

_FAILURES = ("EXPIRED", "UNDELIV", "REJECTD")
_NOT_FINAL = ("ACCEPTD", "UNKNOWN", "ENROUTE")
_TWILIO = {"DELIVRD": "delivered", "UNDELIV": "undelivered", "EXPIRED": "failed",
           "REJECTD": "failed", "ACCEPTD": "sent"}  # fmt: skip

#: Part, number of parts and status of one report.
_Part = tuple[int, int, str]


@dataclass(frozen=True)
class Customer:
    """A customer with the service."""

    number: str
    province: str
    flash: bool


@dataclass(frozen=True)
class PlannedReport:
    """One report; ``message_id`` in the spelling of this report."""

    text: int
    sender: str
    recipient: str
    message_id: str
    status: str
    part: int = 1
    parts: int = 1
    by_twilio: bool = False

    @property
    def twilio_status(self) -> str:
        return _TWILIO[self.status]

    def feed_line(self) -> dict[str, object]:
        """The report as the feed's JSON."""
        line: dict[str, object] = {"id": self.message_id, "from": self.sender,
                                   "to": self.recipient, "status": self.status}  # fmt: skip
        return line | ({"part": self.part, "parts": self.parts} if self.parts > 1 else {})


@dataclass(frozen=True)
class Plan:
    """The traffic of one drill: about ``reports`` reports in batches."""

    seed: int
    reports: int
    batch: int = 40

    def customers(self) -> list[Customer]:
        """A few customers with many texts, and more with few."""
        codes = itertools.cycle(TARIFFS)
        return [
            Customer(f"+8613{self.seed % 900 + 100:03}{n:04}55", next(codes), flash=n % 3 != 0)
            for n in range(max(12, min(600, self.reports // 30)))
        ]

    def streams(self) -> list[list[list[PlannedReport]]]:
        """The batches of each stream, in the order in which they are to be acknowledged."""
        return [list(self.stream(stream)) for stream in range(STREAMS)]

    def all_reports(self) -> Iterator[PlannedReport]:
        """Every report, those of one text in the order in which they are acknowledged."""
        for batches in self.streams():
            yield from itertools.chain.from_iterable(batches)

    def stream(self, stream: int) -> Iterator[list[PlannedReport]]:
        """The first report of each text in turn; its others follow some batches later."""
        rng = random.Random(f"{self.seed}/{stream}")
        customers = self.customers()[stream::STREAMS]
        later: dict[int, list[PlannedReport]] = {}
        written, index, count = 0, 0, itertools.count()
        while written < self.reports // STREAMS or later:
            batch = later.pop(index, [])
            while written + len(batch) < self.reports // STREAMS and len(batch) < self.batch:
                text = next(count) * STREAMS + stream
                first, *rest = _reports(rng, text, _sender(rng, customers, stream))
                batch.append(first)
                for report in rest:
                    later.setdefault(index + rng.choice((0, 1, 2, 5)), []).append(report)
                batch += later.pop(index, [])
            written += len(batch)
            index += 1
            if batch:
                yield batch


def _sender(rng: random.Random, customers: list[Customer], stream: int) -> str:
    if rng.random() < 0.06:
        return f"+861380288{stream}{rng.randrange(900) + 100}"  # has no subscription
    # The first ones write most: they exceed the receipts that are free in a month.
    return customers[min(int(rng.expovariate(4 / len(customers))), len(customers) - 1)].number


def _reports(rng: random.Random, text: int, sender: str) -> list[PlannedReport]:
    """The reports of one text, in order."""
    draw = rng.random()
    # The first prefix is another network's.
    recipient = f"{'+8613001' if draw < 0.04 else '+8613957'}{text % 1_000_000:06}"
    by_twilio = draw > _CALLBACKS_ABOVE
    return [
        PlannedReport(text, sender, recipient, _message_id(rng, text, by_twilio=by_twilio),
                      status, part, parts, by_twilio)
        for part, parts, status in _statuses(rng, draw)
    ]  # fmt: skip


def _statuses(rng: random.Random, draw: float) -> list[_Part]:
    bad, soon, good = rng.choice(_FAILURES), (1, 1, "ACCEPTD"), (1, 1, "DELIVRD")
    if 0.70 <= draw < 0.82:
        return _parts(rng, bad)
    by_limit = {
        0.45: [good],
        0.55: [(1, 1, bad)],
        0.63: [soon, good, good],
        0.70: rng.choice(([good, (1, 1, bad)], [(1, 1, bad), good])),
        0.86: [(1, 1, rng.choice(_NOT_FINAL))],
        _CALLBACKS_ABOVE: [good, soon, good],
        1.0: rng.choice(([good], [soon, good], [(1, 1, "UNDELIV")])),
    }
    return next(statuses for limit, statuses in by_limit.items() if draw <= limit)


def _parts(rng: random.Random, bad: str) -> list[_Part]:
    """The parts of a long text in any order: some repeated, some never reported."""
    parts = rng.randint(2, 4)
    reported = [(part, parts, bad if rng.random() < 0.1 else "DELIVRD")
                for part in range(1, parts + 1)]  # fmt: skip
    rng.shuffle(reported)
    if rng.random() < 0.2:
        return reported[:-1]
    return [*reported, reported[0]] if rng.random() < 0.4 else reported


def _message_id(rng: random.Random, text: int, *, by_twilio: bool) -> str:
    if by_twilio:
        return f"SM{text:032x}"
    number = 0x10000000 + text
    return rng.choice((str(number), f"{number:014}", f"0x{number:X}", f"0x{number:010x}"))
