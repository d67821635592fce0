"""Asking the server, and what is done when it does not answer."""

from collections.abc import Callable
from typing import Any, TypeVar

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from receipts.ports import StoreUnavailable

T = TypeVar("T")


class Server:
    """A Redis-compatible server. ``revive`` brings our own embedded one back when it is gone."""

    def __init__(self, client: "redis.Redis", revive: Callable[[], None] | None = None) -> None:
        self.client, self._revive = client, revive

    def ask(self, question: Callable[[], T]) -> T:
        """The answer to a question; asked once more after a revival.

        Raises StoreUnavailable when there is none. Every question must bear being asked twice.
        """
        try:
            return self._twice(question)
        except redis.RedisError as failure:
            raise StoreUnavailable(f"the store did not answer: {failure}") from failure

    def setting(self, name: str) -> str:
        """One setting of the server. Raises StoreUnavailable where it will not tell."""
        found: Any = self.ask(lambda: self.client.config_get(name))
        return str(found.get(name, ""))

    def _twice(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except (redis.ConnectionError, redis.TimeoutError):
            if self._revive is None:
                raise
        self._revive()
        return question()


def connected(url: str) -> "redis.Redis":
    """A client for the server at a URL; it connects when first asked."""
    return redis.Redis.from_url(
        url,
        # A server that hangs is told of within a provider's patience: time-outs are not repeated.
        socket_timeout=4,
        socket_connect_timeout=2,
        retry=Retry(
            ExponentialBackoff(cap=0.2, base=0.02), 2, supported_errors=(redis.ConnectionError,)
        ),
    )
