"""Counters of the limits in the service's own store, over its own connection."""

from collections.abc import Callable

from limits.storage import RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from app.settings import Settings
from receipts.store.connection import RedisConnection
from web.portal.code_limits import CodeLimits, CodeRates


def code_limits(
    connection: RedisConnection, settings: Settings, count: Callable[[str], None] = lambda _: None
) -> CodeLimits:
    """Bounds on requests for passcodes; ``count`` counts requests by their result."""
    rates = CodeRates(
        settings.codes_per_visitor, settings.codes_per_address, settings.codes_a_minute
    )
    return CodeLimits(FixedWindowRateLimiter(StoreCounters(connection)), rates, count)


class StoreCounters(RedisStorage):
    """Counters in one server or a cluster. Each method raises StoreUnavailableError."""

    STORAGE_SCHEME = ["store"]  # noqa: RUF012 - as in its base class

    def __init__(self, connection: RedisConnection) -> None:
        Storage.__init__(self, "store://", wrap_exceptions=False)
        self._connection = connection
        self.key_prefix, self.target_server = "limit", "redis"
        self.dependency = self.dependencies["redis"].module
        self.storage = connection.client
        self.initialize_storage("")

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Raise a counter; the first time, it gets its end."""
        return self._connection.run(super().incr, key, expiry, amount)

    def get(self, key: str) -> int:
        """The value of a counter."""
        return self._connection.run(super().get, key)

    def get_expiry(self, key: str) -> float:
        """The end of a counter, as a Unix time."""
        return self._connection.run(super().get_expiry, key)

    def clear(self, key: str) -> None:
        """Erase a counter."""
        self._connection.run(super().clear, key)
