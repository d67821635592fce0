"""Who texts whom during a drill, and what the network says of it: the same for the same seed.

Every text of a customer goes to a friend of its own, so the words of a receipt, which name the
friend, tell which text it is about, whichever provider carried it.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

#: Reports of one text stay in one stream, and a stream sends one batch after the other.
STREAMS = 4

#: A customer's province with its fees in fen: a month, a delivered receipt, how many are free.
TARIFFS = {
    "CN-GD": (100, 0, 0),
    "CN-JL": (200, 0, 0),
    "CN-GX": (50, 5, 20),
    "CN-SX": (0, 10, 0),
    "CN-HE": (150, 0, 0),
    "CN-FJ": (0, 0, 0),
}

#: Above this throw of the dice, news of a text come one by one as status callbacks.
_ONE_BY_ONE = 0.90

_FAILURES = ("EXPIRED", "UNDELIV", "REJECTD")
_NOTHING_YET = ("ACCEPTD", "UNKNOWN", "ENROUTE")
_TWILIO = {"DELIVRD": "delivered", "UNDELIV": "undelivered", "EXPIRED": "failed",
           "REJECTD": "failed", "ACCEPTD": "sent"}  # fmt: skip


@dataclass(frozen=True)
class Customer:
    """Somebody with the service."""

    number: str
    province: str
    flash: bool


@dataclass(frozen=True)
class Line:
    """One report: ``spelt`` is the message's id as this report writes it."""

    text: int
    sender: str
    friend: str
    spelt: str
    word: str
    part: int = 1
    parts: int = 1
    by_twilio: bool = False

    @property
    def twilio_word(self) -> str:
        """The same news in the words of a status callback."""
        return _TWILIO[self.word]


@dataclass(frozen=True)
class Plan:
    """All that happens in one drill: about ``reports`` reports in ``seconds``."""

    seed: int
    reports: int
    batch: int = 40

    def customers(self) -> list[Customer]:
        """A few customers with many texts, and more with few."""
        wanted = max(12, min(600, self.reports // 30))
        codes = itertools.cycle(TARIFFS)
        return [
            Customer(f"+8613{self.seed % 900 + 100:03}{place:04}55", code, flash=place % 3 != 0)
            for place, code in zip(range(wanted), codes, strict=False)
        ]

    def streams(self) -> list[list[list[Line]]]:
        """The batches of each stream, in the order in which they are to be acknowledged."""
        return [list(self._stream(stream)) for stream in range(STREAMS)]

    def lines(self) -> Iterator[Line]:
        """Every report, those of one text in the order in which they are acknowledged."""
        for batches in self.streams():
            for batch in batches:
                yield from batch

    def _stream(self, stream: int) -> Iterator[list[Line]]:
        """Texts are begun in turn; what else is said of one follows some batches later."""
        rolled = random.Random(f"{self.seed}/{stream}")
        people = self.customers()[stream::STREAMS]
        later: dict[int, list[Line]] = {}
        written, place, count = 0, 0, itertools.count()
        while written < self.reports // STREAMS or later:
            batch = later.pop(place, [])
            while written + len(batch) < self.reports // STREAMS and len(batch) < self.batch:
                text = next(count) * STREAMS + stream
                now, *rest = _told(rolled, text, _writer(rolled, people, stream))
                batch.append(now)
                for line in rest:
                    later.setdefault(place + rolled.choice((0, 1, 2, 5)), []).append(line)
                batch += later.pop(place, [])
            written += len(batch)
            place += 1
            if batch:
                yield batch


def _writer(rolled: random.Random, people: list[Customer], stream: int) -> str:
    if rolled.random() < 0.06:
        return f"+861380288{stream}{rolled.randrange(900) + 100}"  # has not the service
    # The first ones write most: they come past what is free in a month.
    return people[min(int(rolled.expovariate(4 / len(people))), len(people) - 1)].number


def _told(rolled: random.Random, text: int, sender: str) -> list[Line]:
    """All that is said of one text, in order."""
    friend = f"+861395711{text % 10000:04}"
    dice = rolled.random()
    if dice < 0.04:
        friend = f"+861300101{text % 10000:04}"  # another network's customer
    by_twilio = dice > _ONE_BY_ONE
    return [
        Line(text, sender, friend, _spelt(rolled, text, by_twilio), word, part, parts, by_twilio)
        for part, parts, word in _words(rolled, dice)
    ]


def _words(rolled: random.Random, dice: float) -> list[tuple[int, int, str]]:
    """Part, parts and word of each report."""
    bad, soon, good = rolled.choice(_FAILURES), (1, 1, "ACCEPTD"), (1, 1, "DELIVRD")
    if 0.70 <= dice < 0.82:
        return _parts(rolled, bad)
    told = {
        0.45: [good],
        0.55: [(1, 1, bad)],
        0.63: [soon, good, good],
        0.70: rolled.choice(([good, (1, 1, bad)], [(1, 1, bad), good])),
        0.86: [(1, 1, rolled.choice(_NOTHING_YET))],
        _ONE_BY_ONE: [good, soon, good],
        1.0: rolled.choice(([good], [soon, good], [(1, 1, "UNDELIV")])),
    }
    return next(words for below, words in told.items() if dice <= below)


def _parts(rolled: random.Random, bad: str) -> list[tuple[int, int, str]]:
    """A long text: parts in any order, some again; of some texts a part is never heard of."""
    parts = rolled.randint(2, 4)
    said = [(part, parts, bad if rolled.random() < 0.1 else "DELIVRD")
            for part in range(1, parts + 1)]  # fmt: skip
    rolled.shuffle(said)
    if rolled.random() < 0.2:
        return said[:-1]
    return [*said, said[0]] if rolled.random() < 0.4 else said


def _spelt(rolled: random.Random, text: int, by_twilio: bool) -> str:  # noqa: FBT001
    if by_twilio:
        return f"SM{text:032x}"
    number = 0x10000000 + text
    return rolled.choice((str(number), f"{number:014}", f"0x{number:X}", f"0x{number:010x}"))
