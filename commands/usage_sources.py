"""Usage to simulate tariffs with: from the store, a traffic log, or synthetic customers."""

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec

from app.bootstrap import Container
from commands.params import CommandError
from receipts.charging.simulation import Usage
from receipts.model.calendar import SHANGHAI, month_start, next_month
from receipts.model.charge import ChargeKind
from receipts.model.customer import Subscription
from receipts.numbering.msisdn import parse_msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.schema import RuleBook
from receipts.staff.books.usage import usages_of


class _Line(msgspec.Struct, frozen=True):
    """One line of a log: a customer's month, or one exported charge."""

    number: str = ""
    province: str = ""
    receipts: Annotated[int, msgspec.Meta(ge=0)] = 0
    opened: str = ""
    kind: ChargeKind | None = None
    tariff: str = ""


def from_log(file: Path, numbering: NumberingPlan, book: RuleBook) -> Iterator[Usage]:
    """The usage of each customer in a log of JSON lines.

    A line is a customer, ``{"number" or "province", "receipts", "opened"}``, or a charge as
    ``export charges`` writes it. The charges of a number stand together: its receipts are counted
    from them, and their tariff names the province.

    Raises CommandError, which names the unreadable line and a fix, or OSError.
    """
    provinces = book.provinces.items()
    charged_in = {each.version: code for code, rules in provinces for each in rules.tariffs}
    with file.open("rb") as lines:
        read = (_read(file, index, line) for index, line in enumerate(lines, start=1))
        charges = groupby(read, key=lambda line: (line.kind is not None, line.number))
        for (charged, _), group in charges:
            if charged:
                yield _charged(list(group), numbering, charged_in)
            else:
                yield from (_usage(line, numbering) for line in group)


def _read(file: Path, line_number: int, line: bytes) -> _Line:
    try:
        read = msgspec.json.decode(line, type=_Line)
        _moment(read.opened)
    except (msgspec.DecodeError, ValueError) as error:
        raise CommandError(
            f"{file}:{line_number}: {error}; write one object a line, such as "
            '{"number": "13802880000", "receipts": 12, "opened": "2026-11-03"}'
        ) from error
    if not (read.province or parse_msisdn(read.number)):
        raise CommandError(
            f"{file}:{line_number}: neither a province code such as CN-GD nor a phone number"
        )
    return read


def _charged(lines: list[_Line], numbering: NumberingPlan, charged_in: Mapping[str, str]) -> Usage:
    kinds = Counter(line.kind for line in lines)
    count = max(0, kinds[ChargeKind.RECEIPT] - kinds[ChargeKind.CREDIT])
    # The tariff is better than the prefix: the customer or a list may have named the province.
    province = lines[0].province or charged_in.get(lines[-1].tariff, "")
    return _usage(msgspec.structs.replace(lines[0], receipts=count, province=province), numbering)


def _usage(line: _Line, numbering: NumberingPlan) -> Usage:
    number = parse_msisdn(line.number)
    home = numbering.info_of(Subscription(number)).province if number else None
    return Usage(line.province or home or "", line.receipts, _moment(line.opened))


def _moment(text: str) -> dt.datetime | None:
    """A day as its first moment, in China unless it names an offset. Raises ValueError."""
    at = dt.datetime.fromisoformat(text) if text else None
    return at if at is None or at.tzinfo else at.replace(tzinfo=SHANGHAI)


def from_store(services: Container, month: str) -> Iterator[Usage]:
    """The usage of each customer that had the service in a month.

    Raises StoreUnavailableError.
    """
    archive = services.clients.bulk_reader
    for _, customers in archive.customers():
        yield from usages_of(customers, month, services.history, archive, services.policy)


def synthetic(count: int, book: RuleBook, month: str, seed: int = 1) -> Iterator[Usage]:
    """Synthetic customers: most have few receipts, a few have many, one in ten is new.

    The same seed gives the same customers.
    """
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    codes, begins = list(book.provinces), month_start(month)
    days = (next_month(begins) - begins).days
    for index in range(count):
        opened = None
        if dice.random() < 0.1:  # noqa: PLR2004
            opened = begins + dt.timedelta(days=dice.randrange(days))
        receipts = int(dice.lognormvariate(2.4, 1.1))
        yield Usage(codes[index % len(codes)], receipts, opened)
