"""How long a month's bill takes, and how much memory: `python -m tests.bench.bill 100000 1000000`.

For each number of customers a store of its own is filled, and the bill is made twice in a process
of its own: once with everything to charge, once with nothing left to. Round trips are counted at
the connection; memory is the highest the process ever held. The output is a table in Markdown.
"""

import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from redis.connection import AbstractConnection

from app import bootstrap
from app.settings import Settings
from receipts.model.charge import AuditEntry
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn, Network
from receipts.store.codec import encode, encode_record
from receipts.store.keys import KeySchema
from receipts.store.local_server import LocalServer, running_server_url
from receipts.subscriptions.consent import append_to_chain
from statemachines.subscription import SubscriptionState

SHARDS = 16
MONTH = "2026-06"
OPENED = dt.datetime(2026, 3, 5, 4, tzinfo=dt.UTC)
#: A province each: one yuan a month, two, half a yuan, nothing a month, three, and free.
PLACES = (("CN-GD", "GD-1"), ("CN-JL", "JL-1"), ("CN-GX", "GX-1"), ("CN-SX", "SX-1"),
          ("CN-ZJ", "ZJ-1"), ("CN-FJ", "FJ-1"))  # fmt: skip


def customer(place: int) -> tuple[Subscription, tuple[AuditEntry, ...]]:
    """One customer who opened in March, with the chain of consent."""
    number = Msisdn(f"+86138{place:08d}")
    province, tariff = PLACES[place % len(PLACES)]
    said = "回复“是”开通短信回执" * 3
    order = AuditEntry(OPENED, number, "text", f"SM{place:032x}", "none", "pending", tariff=tariff,
                  shown_text=said, reply_text="开通短信回执", action="order")  # fmt: skip
    reply = AuditEntry(
        OPENED,
        number,
        "text",
        f"SN{place:032x}",
        "pending",
        "active",
        tariff=tariff,
        shown_text="已开通",
        reply_text="是",
        action="confirm",
    )
    entries, head = append_to_chain((order, reply), "")
    return Subscription(
        number, version=2, state=SubscriptionState.ACTIVE, language=Language.ZH, opened_at=OPENED,
        channel=Channel.TEXT, tariff=tariff, province=province, network=Network.CHINA_MOBILE,
        source="list", charged_from=OPENED, chain=head,
    ), entries  # fmt: skip


def fill(client: "redis.Redis", count: int) -> None:
    """Write so many customers."""
    keys = KeySchema(SHARDS)
    client.config_set("appendfsync", "no")  # only while filling
    for start in range(0, count, 5_000):
        pipe = client.pipeline(transaction=False)
        for place in range(start, min(count, start + 5_000)):
            record, entries = customer(place)
            pipe.set(keys.subscription(record.number), encode_record(record, record.version))
            pipe.rpush(keys.consent(record.number), *(encode(entry) for entry in entries))
        pipe.execute()
    client.config_set("appendfsync", "always")


def bill(url: str) -> None:
    """Make the bill in this process and print what it took."""
    trips = 0
    send = AbstractConnection.send_packed_command

    def counted(self: AbstractConnection, *args: object, **more: object) -> None:
        nonlocal trips
        trips += 1
        send(self, *args, **more)

    AbstractConnection.send_packed_command = counted  # type: ignore[method-assign]
    built = bootstrap.services(Settings.read({"REDIS_URL": url, "SHARDS": str(SHARDS)}))
    built = _in_june(built)
    trips, began = 0, time.monotonic()
    *_, (_, tally) = built.monthly_billing.run(MONTH)
    took = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({
        "seconds": took, "megabytes": peak / 1024, "trips": trips,
        "customers": tally.customers, "charged": tally.charged_now, "fen": tally.fen_now,
    }))  # fmt: skip


def _in_june(built: bootstrap.Container) -> bootstrap.Container:
    from dataclasses import replace  # noqa: PLC0415 - only the child needs it

    class June:
        def now(self) -> dt.datetime:
            return dt.datetime(2026, 6, 1, 1, tzinfo=dt.UTC)

        outside = now

    return replace(built, clock=June())


def measured(count: int) -> Iterator[str]:
    """Two rows of the table."""
    with tempfile.TemporaryDirectory(prefix="sms-receipt-bill-") as folder:
        server = LocalServer(Path(folder))
        server.start()
        url = running_server_url(Path(folder))
        with redis.Redis.from_url(url) as client:
            fill(client, count)
            for run in ("first", "again"):
                out = subprocess.run(
                    [sys.executable, "-m", "tests.bench.bill", "--child", url],
                    check=True, capture_output=True, text=True, env=os.environ,
                )  # fmt: skip
                took = json.loads(out.stdout)
                assert took["customers"] == count
                yield (
                    f"| {count:,} | {run} | {took['charged']:,} | {took['fen']:,} |"
                    f" {took['seconds']:.1f} | {took['megabytes']:.0f} |"
                    f" {took['trips'] * 1000 / count:.1f} |"
                )
        server.stop()


def main(words: list[str]) -> None:
    """Measure each number of customers, or be the child that is measured."""
    if words[:1] == ["--child"]:
        bill(words[1])
        return
    print("| customers | run | charged | fen | seconds | peak MB | round trips per 1,000 |")
    print("|---|---|---|---|---|---|---|")
    for count in map(int, words or ["100000", "1000000"]):
        for row in measured(count):
            print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
