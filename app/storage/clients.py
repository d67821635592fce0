"""All clients of the store, over one connection."""

from dataclasses import dataclass

from app.settings import Settings
from receipts.charging.charges import DAYS_KEPT_A_MONTH
from receipts.ports.restore_gap import RestoreGap
from receipts.rulebook.schema import Retention
from receipts.store.bulk import RedisBulkReader
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.local_server import running_server_url
from receipts.store.outbox import RedisOutbox
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.store.redis_store import RedisStore
from receipts.store.retention import RetentionSeconds
from receipts.store.sealed_text import TextSealer
from receipts.store.staff.audit_log import RedisAuditLog
from receipts.store.staff.batch_store import RedisBatchStore
from receipts.store.staff.counter_index import RedisCounterIndex
from receipts.store.staff.staff_store import RedisStaffStore
from receipts.store.stuck.reader import RedisStuckReader
from receipts.store.text_index import RedisTextIndex

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class StoreClients:
    """Clients that share one connection to the store."""

    connection: RedisConnection
    store: RedisStore
    outbox: RedisOutbox
    bulk_reader: RedisBulkReader
    rate_limiter: RedisRateLimiter
    text_index: RedisTextIndex
    staff: RedisStaffStore
    counter_index: RedisCounterIndex
    stuck: RedisStuckReader
    batches: RedisBatchStore
    audit_log: RedisAuditLog
    #: The gap of the last restore.
    gap: RestoreGap | None = None

    def close(self) -> None:
        """Close the connections to the store."""
        self.connection.client.close()


def open_store(settings: Settings, retention: Retention) -> StoreClients:
    """Connect to the store at REDIS_URL or in DATA_DIR. Raises StoreUnavailableError."""
    keys = KeySchema(settings.shards, settings.hash_secret)
    client = connected(settings.redis_url or running_server_url(settings.data_dir))
    connection = RedisConnection(client)
    outbox = RedisOutbox(connection, keys)
    gap = outbox.open()
    sealer = TextSealer(settings.secret_keys)
    store = RedisStore(connection, keys, retention_seconds(retention), sealer)
    bulk_reader = RedisBulkReader(connection, keys)
    rate_limiter = RedisRateLimiter(connection, lambda: store.retention)
    text_index = RedisTextIndex(connection, keys, lambda: store.retention.trails)
    staff = RedisStaffStore(connection, lambda: store.retention.log)
    return StoreClients(
        connection,
        store,
        outbox,
        bulk_reader,
        rate_limiter,
        text_index,
        staff,
        RedisCounterIndex(connection, keys),
        RedisStuckReader(connection, keys),
        RedisBatchStore(connection, lambda: store.retention.log),
        RedisAuditLog(connection, keys),
        gap,
    )


def retention_seconds(retention: Retention) -> RetentionSeconds:
    """The retention of records in seconds, as a rule book states it."""
    return RetentionSeconds(
        claims=retention.claims_days * _DAY,
        trails=retention.trails_days * _DAY,
        strangers=retention.strangers_hours * 3600,
        receipts=retention.receipts_months * DAYS_KEPT_A_MONTH * _DAY,
        receipts_in_store=retention.receipts_in_store_days * _DAY,
        log=retention.audit_months * DAYS_KEPT_A_MONTH * _DAY,
    )
