"""Train the dictionary of compressed records: receipts/store/records.zdict.

    python tools/train_dictionary.py [FILE]

The samples are made up, by the product's own decisions: reports on texts between random numbers,
their receipts at each step of sending, traces, charges and subscriptions. Another dictionary reads
no record of this one: it needs a new SCHEMA_VERSION with its step in receipts.store.schema.
"""

import datetime as dt
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import zstandard

from receipts.charging.tariffs import tariff_on
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.model.customer import Subscription
from receipts.model.message import DeliveryReport, MessageStatus, StrangerTrace
from receipts.model.receipt import Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn, Network
from receipts.numbering.plan import NumberingPlan
from receipts.ports.changes import ChangeSet, OutboxEntry
from receipts.ports.provider import Provider, ProviderStatus
from receipts.ports.receipt_archive import ReceiptArchive
from receipts.ports.store import Snapshot, Store
from receipts.reports.service import ReportService
from receipts.rulebook.loader import load_rule_book
from receipts.store import codec
from receipts.store.keys import KeySchema
from statemachines.receipt import ReceiptState
from statemachines.subscription import SubscriptionState

FILE = Path(__file__).parents[1] / "receipts/store/records.zdict"

#: Most customers are in provinces without a fee for each receipt.
_PROVINCES = ("CN-GD", "CN-GD", "CN-GD", "CN-ZJ", "CN-FJ", "CN-SX", "CN-GX")
_FIRST_DAY, _DAYS = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 1500
_TEXTS, _BYTES = 8_000, 16_384
#: Lengths of segments and of what they are judged by: the best of twenty pairs that were tried.
_SEGMENT, _PIECE = 1_500, 8
_RANDOM = random.Random(7)  # noqa: S311 - samples, the same in each run

_STATUSES = (
    (MessageStatus.DELIVERED, "DELIVRD 000"),
    (MessageStatus.EXPIRED, "EXPIRED 000"),
    (MessageStatus.FAILED, "UNDELIV 001"),
    (MessageStatus.REJECTED, "REJECTD 013"),
    (MessageStatus.UNDERWAY, "ACCEPTD 000"),
)
_WEIGHTS = (88, 4, 3, 2, 3)


class Moment:
    """A clock that is set for each text."""

    at = _FIRST_DAY

    def now(self) -> dt.datetime:
        """The time of the text in hand."""
        return self.at

    wall_clock = now

    def move(self, seconds: float) -> None:
        """Go on by some seconds."""
        self.at += dt.timedelta(seconds=seconds)


class Carrier:
    """A provider by name alone: nothing is sent."""

    def __init__(self, name: str) -> None:
        self.name, self.capabilities = name, _Capabilities()


class _Capabilities:
    flash = reports = lookup = True


CLOCK, BOOK = Moment(), load_rule_book(None)
PROVIDERS = [cast("Provider", Carrier(name)) for name in ("kannel", "twilio")]
REPORTS = ReportService(
    cast("Store", KeySchema(16)), cast("ReceiptArchive", None), BOOK, NumberingPlan(), CLOCK
)
LIFECYCLES = [ReceiptLifecycle(Router([p], [p]), BOOK.sending, CLOCK) for p in PROVIDERS]


def records() -> Iterator[msgspec.Struct]:
    """Records as they are stored, of many texts."""
    for _ in range(_TEXTS):
        CLOCK.at = _FIRST_DAY + dt.timedelta(seconds=_RANDOM.random() * _DAYS * 86_400)
        customer = _customer()
        yield customer
        change = REPORTS.decide(Snapshot(customer.number, customer), [_report(customer.number)])
        if _RANDOM.random() < 0.2:  # noqa: PLR2004 - a fifth has not subscribed
            unknown = Subscription(customer.number)
            change = REPORTS.decide(Snapshot(unknown.number, unknown), [_report(unknown.number)])
        for record in change.records:
            yield record.anonymous() if isinstance(record, StrangerTrace) else record
            if isinstance(record, Receipt):
                yield from _sent(record)


def _customer() -> Subscription:
    code = _RANDOM.choice(_PROVINCES)
    province = BOOK.province(code)
    assert province is not None  # noqa: S101 - the shipped book has it
    opened = CLOCK.at - dt.timedelta(seconds=_RANDOM.random() * 3e7)
    return Subscription(
        _number(), version=_RANDOM.randrange(1, 9), state=SubscriptionState.ACTIVE,
        mode=_RANDOM.choice(list(DisplayMode)), language=_language(), opened_at=opened,
        channel=_RANDOM.choice(list(Channel)), tariff=tariff_on(province, CLOCK.at).version,
        charged_from=opened, province=code, network=Network.CHINA_MOBILE, source="record",
    )  # fmt: skip


def _language() -> Language:
    return _RANDOM.choices(list(Language), (85, 15))[0]


def _number() -> Msisdn:
    prefix = _RANDOM.choice(
        ("1380", "1390", "1371", "1350", "1360", "1391", "1365", "1588", "1783")
    )
    return Msisdn(f"+86{prefix}{_RANDOM.randrange(10**7):07}")


def _report(sender: Msisdn) -> DeliveryReport:
    status, raw = _RANDOM.choices(_STATUSES, _WEIGHTS)[0]
    done = CLOCK.at.replace(microsecond=0) - dt.timedelta(seconds=_RANDOM.choice((0, 1, 2, 5)))
    sent = done - dt.timedelta(seconds=_RANDOM.choice((2, 3, 5, 9, 60, 4000)))
    at = CLOCK.at
    CLOCK.move(_RANDOM.random() / 100)
    return DeliveryReport(
        _message_id(), sender, _number(), status, raw, at,
        submitted=ReportedTime(sent), done=ReportedTime(done),
    )  # fmt: skip


def _message_id() -> str:
    return _RANDOM.choice((
        f"{_RANDOM.randrange(2**31, 2**32):x}", f"{_RANDOM.randrange(2**60, 2**63):X}",
        str(_RANDOM.randrange(10**9, 10**10)), f"SM{_RANDOM.randrange(2**127, 2**128):x}",
    ))  # fmt: skip


def _sent(receipt: Receipt) -> Iterator[msgspec.Struct]:
    """The receipt at each step of sending, and its charge."""
    index = _RANDOM.choice((0, 0, 1))
    lifecycle, entry = LIFECYCLES[index], OutboxEntry(0, "1-0", receipt.id)
    route = lifecycle.router.choose(receipt)
    assert route is not None  # noqa: S101 - each has a provider
    owner = Subscription(receipt.number) if receipt.free_receipts else None
    CLOCK.move(_RANDOM.random() * 2)
    state = lifecycle.send_or_skip(receipt, entry)
    assert isinstance(state, ReceiptState)  # noqa: S101 - each is due and young
    marked = _receipt(lifecycle.mark_sending(receipt, route, state))
    yield marked
    CLOCK.move(_RANDOM.random() / 20)
    provider_id = f"SM{_RANDOM.randrange(2**127, 2**128):x}" if index else receipt.id
    change = lifecycle.accepted(marked, provider_id, entry, owner)
    yield _receipt(change)
    yield from (codec.StoredCharge.of(charge) for charge in change.charges)
    CLOCK.move(_RANDOM.random() * 10)
    status, raw = _RANDOM.choices(
        ((ProviderStatus.DELIVERED, "type 1 DELIVRD 000"), (ProviderStatus.UNDELIVERED, "type 2")),
        (95, 5),
    )[0]
    yield _receipt(lifecycle.apply_status(_receipt(change), status, raw, provider_id))


def _receipt(change: ChangeSet) -> Receipt:
    return next(record for record in change.records if isinstance(record, Receipt))


if __name__ == "__main__":
    made = list(records())
    # Most records of a store are receipts that have ended, so these count twice.
    made += [record for record in made if isinstance(record, Receipt) and record.history]
    samples = [codec.plain(record) for record in made]
    trained = zstandard.train_dictionary(_BYTES, samples, k=_SEGMENT, d=_PIECE, level=codec.LEVEL)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_bytes(trained.as_bytes())
    print(f"{target}: {len(trained.as_bytes()):,} bytes of {len(samples):,} records")
