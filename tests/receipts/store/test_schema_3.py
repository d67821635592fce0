"""A store of JSON records, written by the release before, is packed; its story goes on.

``stores/schema-2.backup`` was written by services of the release of 2026-11-29, before records were
compressed: subscribers in Guangdong and Shanxi with receipts, a text under way, one with a part
missing, and a text of a number without the service.
"""

import datetime as dt
from pathlib import Path

import pytest
import redis

from receipts.model.message import MessageStatus
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import ReportQuery, StoreUnavailableError
from receipts.store.backup import restore
from receipts.store.backup.archive import BackupReader
from receipts.store.bulk import RedisBulkReader
from receipts.store.check.store_check import StoreCheck
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.redis_store import RedisStore
from receipts.store.schema import packing, upgrades
from receipts.store.schema.stamp import Stamp, write_stamp

FILE = Path(__file__).parent / "stores/schema-2.backup"
GUANGDONG, SHANXI, FRIEND = map(Msisdn, ("+8613802800000", "+8613802800001", "+8613957112345"))
KEYS = KeySchema(16)


@pytest.fixture
def old_store(store_admin_url: str, raw: "redis.Redis") -> RedisConnection:
    """The store of the earlier release; its records are as young as when they were saved."""
    del raw
    server = RedisConnection(connected(store_admin_url))
    aged_ms = int((dt.datetime.now(dt.UTC) - BackupReader(FILE).header.begun).total_seconds() * 1e3)
    records = (each._replace(expires_ms=each.expires_ms and each.expires_ms + aged_ms)
               for each in BackupReader(FILE).records())  # fmt: skip
    restore.empty(server, 16)
    assert list(restore.write(server, records))
    write_stamp(server, Stamp("2", "16"))
    return server


def upgraded(server: RedisConnection) -> RedisStore:
    assert upgrades.upgrade(server, KEYS, lambda _: None) == 2
    return RedisStore(server, KEYS)


def expiries(raw: "redis.Redis") -> dict[bytes, int]:
    """The end of each key by its present name: those of receipts were longer before."""
    return {_named(key): raw.pexpiretime(key) for key in raw.scan_iter()}


def _named(key: bytes) -> bytes:
    shard, _, receipt_id = key.partition(b"}:receipt:")
    if not receipt_id:
        return key
    shard = int(shard.removeprefix(b"{s"))
    return KEYS.receipt(shard, KEYS.named_receipt(shard, receipt_id.decode())).encode()


def test_all_records_are_kept_with_their_ends(old_store: RedisConnection, raw: "redis.Redis"):
    ends = expiries(raw)
    store = upgraded(old_store)
    assert expiries(raw) == ends
    assert all(_named(key) == key for key in raw.scan_iter())
    (receipt,) = store.receipts_of(GUANGDONG, None, None)
    assert (receipt.state, receipt.message_id, receipt.recipient) == (
        "delivered", "7f6e86a7", FRIEND,
    )  # fmt: skip
    assert [each.raw_status for each in receipt.history] == ["type 1 DELIVRD 000"]
    (charge,) = store.charges_of(SHANXI, ["2026-11"])
    assert (charge.id, charge.fen) == (f"receipt-{store.receipts_of(SHANXI, 9, None)[-1].id}", 10)
    assert charge.reason == "receipt for message 7f6e86a8"


def test_traces_in_records_of_their_own_are_still_found(old_store: RedisConnection):
    store = upgraded(old_store)
    ids = ("7f6e86a7", "SM2", "long")
    found = store.load_many([ReportQuery(GUANGDONG, FRIEND, each) for each in ids])
    statuses = [each.trace.status for each in found if each.trace]
    assert statuses == [MessageStatus.DELIVERED, MessageStatus.UNDERWAY, MessageStatus.UNDERWAY]
    assert found[0].trace is not None
    assert found[0].trace.receipt_id == found[0].receipt.id if found[0].receipt else False
    traces = RedisBulkReader(old_store, KEYS).traces_of(GUANGDONG)
    assert sorted(each.message_id for each in traces) == sorted(ids)


def test_the_packed_store_passes_the_check(old_store: RedisConnection):
    upgraded(old_store)
    check = StoreCheck(old_store, KEYS, dt.timedelta(days=180))
    kinds = {each.kind for each in check.findings(BackupReader(FILE).header.service_time)}
    # The file has a customer who leaves without the timer for it.
    assert kinds == {"timer_missing"}


@pytest.mark.parametrize("commands", [1, 3, 9])
def test_a_killed_upgrade_is_run_again(
    old_store: RedisConnection, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch, commands: int
):
    """The process ends after some of its writes."""
    packed = iter(range(commands))

    def dying(record: Receipt, version: int) -> bytes:
        if next(packed, None) is None:
            raise KeyboardInterrupt
        return encode(record, version)

    encode = packing.encode_record
    with monkeypatch.context() as patch:
        patch.setattr(packing, "encode_record", dying)
        patch.setattr(packing, "BATCH", 1)
        with pytest.raises(KeyboardInterrupt):
            upgrades.upgrade(old_store, KEYS, lambda _: None)
    with pytest.raises(StoreUnavailableError, match="store upgrade"):
        upgrades.check_version(upgrades.read_stamp(old_store))
    ends = expiries(raw)
    store = upgraded(old_store)
    assert expiries(raw) == ends
    assert [each.state for each in store.receipts_of(GUANGDONG, None, None)] == ["delivered"]


def test_a_second_run_changes_nothing(old_store: RedisConnection, raw: "redis.Redis"):
    upgraded(old_store)
    before = {key: raw.dump(key) for key in raw.scan_iter()}
    packing.pack_records(old_store, KEYS, lambda _: None)
    assert {key: raw.dump(key) for key in raw.scan_iter()} == before
