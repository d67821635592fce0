"""Asking the server, and what is done when it does not answer."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.connection import parse_url
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from receipts.ports import StoreUnavailable
from receipts.store.cluster import ClusterClient

T = TypeVar("T")


class Server:
    """A Redis-compatible server. ``revive`` brings our own embedded one back when it is gone."""

    def __init__(self, client: "redis.Redis", revive: Callable[[], None] | None = None) -> None:
        self.client, self._revive = client, revive

    @property
    def replicated(self) -> bool:
        """Whether a change that was read may still be lost: it waits for a replica elsewhere."""
        return isinstance(self.client, ClusterClient)

    def ask(self, question: Callable[[], T]) -> T:
        """The answer to a question; asked once more after a revival.

        Raises StoreUnavailable when there is none. Every question must bear being asked twice.
        """
        try:
            return self._twice(question)
        except (redis.RedisError, RedisClusterException) as failure:
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


#: A server that hangs is told of within a provider's patience: time-outs are not repeated.
_PATIENCE = {"socket_timeout": 4, "socket_connect_timeout": 2}


def connected(urls: str) -> "redis.Redis":
    """A client for the server at a URL, or for the cluster that any of several servers is of.

    Raises StoreUnavailable when none of several answers; a single one says so when it is needed.
    """
    addresses = urls.split(",")
    for url in addresses:
        client = redis.Redis.from_url(
            url,
            **_PATIENCE,
            retry=Retry(
                ExponentialBackoff(cap=0.2, base=0.02), 2, supported_errors=(redis.ConnectionError,)
            ),
        )
        try:
            if not _clustered(client):
                return client
            client.close()
            return _cluster(addresses)
        except (redis.RedisError, RedisClusterException):
            if len(addresses) == 1:
                return client
    raise StoreUnavailable("no server of REDIS_URL answered")


def _clustered(client: "redis.Redis") -> bool:
    told: Any = client.info("cluster")
    return bool(told.get("cluster_enabled"))


def _cluster(addresses: list[str]) -> "redis.Redis":
    """A client that finds the whole cluster from the nodes that answer."""
    parse: Any = parse_url
    known = [parse(url) for url in addresses]
    nodes = [(str(each.get("host", "localhost")), int(each.get("port", 6379))) for each in known]
    login = {name: known[0][name] for name in ("username", "password") if name in known[0]}
    tls = {"ssl": True} if addresses[0].startswith("rediss:") else {}
    # It answers all that we ask of a client of one server.
    return cast("redis.Redis", ClusterClient(nodes, **login, **tls, **_PATIENCE))
