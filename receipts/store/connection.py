"""The connection to the store: one server or a cluster, with one rule for failures."""

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.exceptions import NoScriptError, RedisClusterException
from redis.retry import Retry

from receipts.ports.store import StoreUnavailableError
from receipts.store.cluster import ClusterConnection
from receipts.store.pipeline import Command, ThreadConnections, receive, send, with_source

P = ParamSpec("P")
T = TypeVar("T")

#: A client of redis-py, for one server or for a cluster.
Client = redis.Redis | RedisCluster

#: Below the 15 seconds that Twilio waits for a webhook, so time-outs are not retried.
_TIMEOUT_SECONDS = {"socket_timeout": 4, "socket_connect_timeout": 2}


class RedisConnection:
    """Run commands on a Redis-compatible server."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._cluster = ClusterConnection(client) if isinstance(client, RedisCluster) else None
        #: Whether a state that was read may still be lost, because no replica has it yet.
        self.replicated = self._cluster is not None
        self._connections = ThreadConnections()

    def execute(self, *commands: Command) -> list[Any]:
        """Run commands in one round trip and return their replies. Raises StoreUnavailableError.

        A lost connection repeats all of them, so each must be safe to repeat.
        """
        return self.run(self._pipeline, commands) if commands else []

    def values(self, names: Sequence[str | bytes]) -> list[bytes | None]:
        """The values of many keys in one round trip, in order. Raises StoreUnavailableError."""
        if self._cluster is not None:
            return self.run(self._cluster.values, names)
        return cast("list[bytes | None]", self.execute(("MGET", *names))[0]) if names else []

    def _pipeline(self, commands: Sequence[Command]) -> list[Any]:
        if self._cluster is not None:
            return self._cluster.pipeline(commands)
        try:
            replies = self._attempt(commands)
        except redis.ConnectionError:
            # The connection may have died since its last use.
            retry: Any = cast("redis.Redis", self.client).get_retry()
            replies = retry.call_with_retry(lambda: self._attempt(commands), lambda _error: None)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _attempt(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._connections.get("", cast("redis.Redis", self.client))
        send(connection, commands)
        replies = receive(connection, len(commands))
        unknown = [n for n, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            send(connection, [with_source(commands[n]) for n in unknown])
            for n, reply in zip(unknown, receive(connection, len(unknown)), strict=True):
                replies[n] = reply
        return replies

    def run(self, operation: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """The result of an operation. Raises StoreUnavailableError, caused by redis-py's error."""
        try:
            return operation(*arguments, **options)
        except (redis.RedisError, RedisClusterException) as error:
            raise StoreUnavailableError(f"the store did not answer: {error}") from error

    def ping(self) -> None:
        """Raises StoreUnavailableError unless each primary answers."""
        self.run(lambda: [client.ping() for client in self._primaries()])

    def run_id(self) -> str:
        """The run ids of all primaries: a restart changes it. Raises StoreUnavailableError."""
        found: list[Any] = self.run(lambda: [client.info("server") for client in self._primaries()])
        return "+".join(str(info["run_id"]) for info in found)

    def info(self) -> list[dict[str, object]]:
        """INFO of all primaries. Raises StoreUnavailableError."""
        return self.run(lambda: [cast("Any", client.info()) for client in self._primaries()])

    def setting(self, name: str) -> str:
        """One CONFIG value of the server. Raises StoreUnavailableError."""
        found: Any = self.run(lambda: self._primaries()[0].config_get(name))
        return str(found.get(name, ""))

    def scan(self, cursor: int, match: str, count: int) -> tuple[int, list[bytes]]:
        """One step of SCAN: next cursor, 0 at the end, and keys. Raises StoreUnavailableError."""
        scan: Any = self.client.scan if self._cluster is None else self._cluster.scan
        found = self.run(lambda: scan(cursor, match=match, count=count))
        return int(found[0]), list(found[1])

    def _primaries(self) -> list["redis.Redis"]:
        if self._cluster is not None:
            return self._cluster.primaries()
        return [cast("redis.Redis", self.client)]


def connected(urls: str) -> Client:
    """A client for the server at a URL, or for the cluster of several comma-separated ones.

    Raises StoreUnavailableError when none of several answers; a single one is tried at first use.
    """
    addresses = urls.split(",")
    for url in addresses:
        client = redis.Redis.from_url(
            url, **_TIMEOUT_SECONDS, retry=_retry(supported_errors=(redis.ConnectionError,))
        )
        try:
            info: Any = client.info("cluster")
            if not info.get("cluster_enabled"):
                return client
            client.close()
            return _cluster(addresses)
        except (redis.RedisError, RedisClusterException):
            if len(addresses) == 1:
                return client
    raise StoreUnavailableError("no server of REDIS_URL answered")


def _retry(**options: Any) -> Retry:  # noqa: ANN401 - the client's own
    return Retry(ExponentialBackoff(cap=0.2, base=0.02), 2, **options)


def _cluster(addresses: list[str]) -> RedisCluster:
    """A client that finds the whole cluster from the nodes that answer."""
    parse, node_at = cast("Any", parse_url), cast("Any", ClusterNode)
    known = [parse(url) for url in addresses]
    nodes = [node_at(str(n.get("host", "localhost")), int(n.get("port", 6379))) for n in known]
    login = {name: known[0][name] for name in ("username", "password") if name in known[0]}
    tls = {"ssl": True} if addresses[0].startswith("rediss:") else {}
    options: dict[str, Any] = {**login, **tls, **_TIMEOUT_SECONDS}
    return RedisCluster(startup_nodes=nodes, require_full_coverage=False, retry=_retry(), **options)
