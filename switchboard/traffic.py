"""A month of traffic to rehearse tariffs with: from the store, from a log, or made up."""

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

import msgspec

from receipts.charges import served
from receipts.model import ChargeKind, Kind, Msisdn, Outcome, Subscription
from receipts.months import SHANGHAI, month_of, month_start, next_month
from receipts.numbering import Numbering, parse_msisdn
from receipts.provinces import RuleBook
from receipts.rehearsal import Usage
from switchboard.wiring import Services

#: Receipts of one customer that are looked through where none is charged: all that are listed.
_LISTED = 100


class LogWrong(ValueError):
    """A line of a traffic log that cannot be read; it names file, line and mend."""


class _Line(msgspec.Struct, frozen=True):
    """One line: a customer's month, or one charge of an exported month."""

    number: str = ""
    province: str = ""
    receipts: Annotated[int, msgspec.Meta(ge=0)] = 0
    opened: str = ""
    kind: ChargeKind | None = None
    tariff: str = ""


def from_log(file: Path, numbering: Numbering, book: RuleBook) -> Iterator[Usage]:
    """The customers of a log in JSON lines.

    A line is a customer, ``{"number" or "province", "receipts", "opened"}``, or a charge as
    ``export charges`` writes it: then a number's receipts are counted from its lines, which stand
    together, and their tariffs tell the province. Raises LogWrong and OSError.
    """
    charged_in = {
        each.version: code for code, rules in book.provinces.items() for each in rules.tariffs
    }
    with file.open("rb") as lines:
        read = (_read(file, place, line) for place, line in enumerate(lines, start=1))
        charges = groupby(read, key=lambda line: (line.kind is not None, line.number))
        for (charged, _), group in charges:
            if charged:
                yield _charged(list(group), numbering, charged_in)
            else:
                yield from (_usage(line, numbering) for line in group)


def _read(file: Path, place: int, line: bytes) -> _Line:
    try:
        read = msgspec.json.decode(line, type=_Line)
        _moment(read.opened)
    except (msgspec.DecodeError, ValueError) as wrong:
        raise LogWrong(
            f"{file}:{place}: {wrong}; give one object a line, such as "
            '{"number": "13802880000", "receipts": 12, "opened": "2026-11-03"}'
        ) from wrong
    if not (read.province or parse_msisdn(read.number)):
        raise LogWrong(f"{file}:{place}: neither a province such as CN-GD nor a telephone number")
    return read


def _charged(lines: list[_Line], numbering: Numbering, charged_in: Mapping[str, str]) -> Usage:
    count = sum(line.kind is ChargeKind.RECEIPT for line in lines)
    # Where a number belongs may have been asked, or stand in a list: the charge knows.
    province = lines[0].province or charged_in.get(lines[-1].tariff, "")
    return _usage(msgspec.structs.replace(lines[0], receipts=count, province=province), numbering)


def _usage(line: _Line, numbering: Numbering) -> Usage:
    number = parse_msisdn(line.number)
    home = numbering.home_of(Subscription(number)).province if number else None
    return Usage(line.province or home or "", line.receipts, _moment(line.opened))


def _moment(said: str) -> dt.datetime | None:
    """A day is its first moment; what does not say where is in China. Raises ValueError."""
    if not said:
        return None
    at = dt.datetime.fromisoformat(said)
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def from_store(built: Services, month: str) -> Iterator[Usage]:
    """The customers that had the service in a month, with their delivered receipts.

    Where receipts are charged, the charges count them; elsewhere the receipts that are still
    listed do, which are the last hundred of a customer. Raises StoreUnavailable.
    """
    for _, customers in built.memory.archive.customers():
        here = [c for c in customers if c.trial or served(c, month)]
        counts = _counts(built, [customer.number for customer in here], month)
        for customer in here:
            place = built.policy.service_area(customer)
            yield Usage(
                place.home.province or "",
                counts.get(customer.number) or _listed(built, customer.number, month),
                customer.opened_at,
            )


def _counts(built: Services, numbers: Sequence[Msisdn], month: str) -> dict[Msisdn, int]:
    counts: dict[Msisdn, int] = {}
    for charge in built.memory.archive.charges_of(numbers, month):
        if charge.kind is ChargeKind.RECEIPT:
            counts[charge.number] = counts.get(charge.number, 0) + 1
    return counts


def _listed(built: Services, number: Msisdn, month: str) -> int:
    found = built.store.receipts_of(number, _LISTED, Kind.RECEIPT)
    return sum(
        receipt.outcome is Outcome.DELIVERED and month_of(receipt.created_at) == month
        for receipt in found
    )


def made_up(count: int, book: RuleBook, month: str, seed: int = 1) -> Iterator[Usage]:
    """So many customers that nobody is: most text little, a few a lot, one in ten is new.

    The same seed gives the same customers.
    """
    dice = random.Random(seed)  # noqa: S311 - repeatable is what is wanted
    codes, begins = list(book.provinces), month_start(month)
    days = (next_month(begins) - begins).days
    for place in range(count):
        opened = None
        if dice.random() < 0.1:  # noqa: PLR2004
            opened = begins + dt.timedelta(days=dice.randrange(days))
        receipts = int(dice.lognormvariate(2.4, 1.1))
        yield Usage(codes[place % len(codes)], receipts, opened)
