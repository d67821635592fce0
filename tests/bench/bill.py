"""Time and memory of a month's billing run: `python -m tests.bench.bill 100000 1000000`.

Each number of customers gets a store of its own and two billing runs, each in a process of its
own. The second run has no charges left to make.
"""

import datetime as dt
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import redis

from app import bootstrap
from app.settings import Settings
from receipts.model.charge import AuditEntry
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn, Network
from receipts.store.codec import encode, encode_record
from receipts.store.keys import KeySchema
from receipts.store.local_server import running_server_url
from receipts.subscriptions.consent import append_to_chain
from receipts.subscriptions.monthly_billing import BillingTotals
from statemachines.subscription import SubscriptionState
from tests.bench.local_store import OPENED, SHARDS, local_store, without_fsync
from tests.bench.processes import counted_round_trips, peak_megabytes

MONTH = "2026-06"

#: Province and tariff: one yuan a month, two, half a yuan, none, three, and free.
TARIFFS = (("CN-GD", "GD-1"), ("CN-JL", "JL-1"), ("CN-GX", "GX-1"), ("CN-SX", "SX-1"),
           ("CN-ZJ", "ZJ-1"), ("CN-FJ", "FJ-1"))  # fmt: skip


class June:
    """A clock that stands at the first of June."""

    def now(self) -> dt.datetime:
        return dt.datetime(2026, 6, 1, 1, tzinfo=dt.UTC)

    wall_clock = now


def customer(index: int) -> tuple[Subscription, tuple[AuditEntry, ...]]:
    """A customer since March, with the chain of consent."""
    number = Msisdn(f"+86138{index:08d}")
    province, tariff = TARIFFS[index % len(TARIFFS)]
    order = AuditEntry(OPENED, number, "text", f"SM{index:032x}", "none", "pending", tariff=tariff,
                       shown_text="回复“是”开通短信回执" * 3, reply_text="开通短信回执",
                       action="order")  # fmt: skip
    confirmation = AuditEntry(OPENED, number, "text", f"SN{index:032x}", "pending", "active",
                              tariff=tariff, shown_text="已开通", reply_text="是",
                              action="confirm")  # fmt: skip
    entries, head = append_to_chain((order, confirmation), "")
    return Subscription(
        number, version=2, state=SubscriptionState.ACTIVE, language=Language.ZH, opened_at=OPENED,
        channel=Channel.TEXT, tariff=tariff, province=province, network=Network.CHINA_MOBILE,
        source="list", charged_from=OPENED, chain=head,
    ), entries  # fmt: skip


def fill(client: "redis.Redis", count: int) -> None:
    """Write so many customers to a store."""
    keys = KeySchema(SHARDS)
    with without_fsync(client):
        for start in range(0, count, 5_000):
            pipe = client.pipeline(transaction=False)
            for index in range(start, min(count, start + 5_000)):
                record, entries = customer(index)
                pipe.set(keys.subscription(record.number), encode_record(record, record.version))
                pipe.rpush(keys.consent(record.number), *(encode(entry) for entry in entries))
            pipe.execute()


def bill(url: str) -> tuple[BillingTotals, float, float, int]:
    """Run the billing in this process; return totals, seconds, peak megabytes and round trips."""
    services = bootstrap.services(Settings.read({"REDIS_URL": url, "SHARDS": str(SHARDS)}))
    billing = replace(services, clock=June()).monthly_billing
    with counted_round_trips() as trips:
        began = time.monotonic()
        *_, (_, total) = billing.run(MONTH)
        seconds = time.monotonic() - began
    return total, seconds, peak_megabytes(), trips[0]


def rows(count: int) -> Iterator[str]:
    """Two rows of the table."""
    with local_store() as folder:
        server_url = running_server_url(folder)
        with redis.Redis.from_url(server_url) as client:
            fill(client, count)
        for run in ("first", "again"):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                total, seconds, peak, trips = process.submit(bill, server_url).result()
            assert total.customers == count
            yield (f"| {count:,} | {run} | {total.charged_now:,} | {total.fen_now:,} "
                   f"| {seconds:.1f} | {peak:.0f} | {trips * 1000 / count:.1f} |")  # fmt: skip


def main(words: list[str]) -> None:
    """Print the table."""
    print("| customers | run | charged | fen | seconds | peak MB | round trips per 1,000 |")
    print("|---|---|---|---|---|---|---|")
    for count in map(int, words or ["100000", "1000000"]):
        for row in rows(count):
            print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
