"""The connection to the store: one server, Sentinel or a cluster, with one rule for failures."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from receipts.ports.store import StoreUnavailableError
from receipts.store.cluster import ClusterConnection
from receipts.store.pipeline import Command, ThreadConnections, exchange
from receipts.store.servers.address import AddressError, StoreAddress, parse_address
from receipts.store.servers.failures import explained
from receipts.store.servers.sentinel import (
    sentinel_client,
    sentinel_connection,
)
from receipts.store.servers.sentinel_views import Outlook

P = ParamSpec("P")
T = TypeVar("T")

#: A client of redis-py, for one server or for a cluster.
Client = redis.Redis | RedisCluster

#: Below the 15 seconds that Twilio waits for a webhook, so time-outs are not retried.
_TIMEOUT_SECONDS = {"socket_timeout": 4, "socket_connect_timeout": 2}

#: The name of our connections in CLIENT LIST; that of a command may have more behind it.
CLIENT_NAME = "sms-receipt"

#: Without ``driver_info``, a connection sends no CLIENT SETINFO, unknown to Redis before 7.2.
_OPTIONS: dict[str, Any] = {
    **_TIMEOUT_SECONDS,
    "driver_info": None,
    "client_name": CLIENT_NAME,
}

_NO_NODE = (
    "is no node of a cluster, and REDIS_URL names several servers. Name one server, or its "
    "Sentinels by redis+sentinel://"
)


class RedisConnection:
    """Run commands on a Redis-compatible server."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._cluster = ClusterConnection(client) if isinstance(client, RedisCluster) else None
        self._sentinel = sentinel_connection(client)
        #: Whether a state that was read may still be lost, because no replica has it yet.
        self.replicated = self._cluster is not None or self._sentinel is not None
        #: Whether one blocking read covers all keys.
        self.has_one_primary = self._cluster is None
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
        if several := self._cluster or self._sentinel:
            return several.pipeline(commands)
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
        return exchange(self._connections.get("", cast("redis.Redis", self.client)), commands)

    def run(self, operation: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """The result of an operation, which may be repeated while Sentinels replace the primary.

        Raises StoreUnavailableError, caused by redis-py's error.
        """
        try:
            if self._sentinel is not None:
                return self._sentinel.patiently(operation, *arguments, **options)
            return operation(*arguments, **options)
        except (redis.RedisError, RedisClusterException) as error:
            raise StoreUnavailableError(explained(error)) from error

    def ping(self) -> None:
        """Raises StoreUnavailableError unless each primary answers."""
        try:
            for client in self.primaries():
                client.ping()
        except (redis.RedisError, RedisClusterException) as error:
            raise StoreUnavailableError(explained(error)) from error

    def run_id(self) -> str:
        """The run ids of all primaries: a restart changes it. Raises StoreUnavailableError."""
        found: list[Any] = self.run(lambda: [client.info("server") for client in self.primaries()])
        return "+".join(str(info["run_id"]) for info in found)

    def info(self) -> list[dict[str, object]]:
        """INFO of all primaries. Raises StoreUnavailableError."""
        return self.run(lambda: [cast("Any", client.info()) for client in self.primaries()])

    def setting(self, name: str) -> str:
        """One CONFIG value of the server. Raises StoreUnavailableError."""
        found: Any = self.run(lambda: self.primaries()[0].config_get(name))
        return str(found.get(name, ""))

    def servers(self) -> dict[str, "redis.Redis"]:
        """A client for each server, replicas too, by address; one alone has none.

        Raises StoreUnavailableError.
        """
        if self._cluster is not None:
            return self._cluster.servers()
        if self._sentinel is None:
            return {"": cast("redis.Redis", self.client)}
        outlook = self.outlook()
        primary = {outlook.primary if outlook else "": cast("redis.Redis", self.client)}
        return primary | self.run(self._sentinel.replicas)

    def outlook(self) -> Outlook | None:
        """What the Sentinels say; None without Sentinels, or if none answers."""
        return self._sentinel.views.outlook() if self._sentinel else None

    def cluster_size(self) -> tuple[int, int] | None:
        """The numbers of primaries and replicas; None outside a cluster."""
        return self._cluster.size() if self._cluster else None

    def scan(self, cursor: int, match: str, count: int) -> tuple[int, list[bytes]]:
        """One step of SCAN: next cursor, 0 at the end, and keys. Raises StoreUnavailableError."""
        scan: Any = self.client.scan if self._cluster is None else self._cluster.scan
        found = self.run(lambda: scan(cursor, match=match, count=count))
        return int(found[0]), list(found[1])

    def primaries(self) -> list["redis.Redis"]:
        """A client for each primary. Raises the errors of redis-py."""
        if self._cluster is not None:
            return self._cluster.primaries()
        return [cast("redis.Redis", self.client)]


def connected(url: str, name: str = "") -> Client:
    """A client for the server, the Sentinels or the cluster at a URL.

    ``name`` is that of its connections in CLIENT LIST.
    Raises StoreUnavailableError when none of several servers answers, or when they are no cluster;
    a single one is tried at first use, and so are Sentinels.
    """
    try:
        address = parse_address(url)
    except AddressError as error:
        raise StoreUnavailableError(f"the address of the store {error}") from None
    if name:
        address = replace(address, options={**address.options, "client_name": name})
    if address.service:
        return sentinel_client(address, _OPTIONS, _retry())
    if len(address.hosts) > 1:
        _require_cluster(address)
        return _cluster(address)
    client = _one_server(address, *(address.hosts or [("", 0)])[0])
    try:
        if not _is_cluster(client):
            return client
    except redis.RedisError:
        return client
    client.close()
    return _cluster(address)


def _require_cluster(address: StoreAddress) -> None:
    """Raises StoreUnavailableError unless the first server that answers is in a cluster."""
    failure: Exception = AssertionError()
    for host, port in address.hosts:
        with _one_server(address, host, port) as client:
            try:
                if _is_cluster(client):
                    return
            except redis.RedisError as error:
                failure = error
            else:
                raise StoreUnavailableError(f"{host}:{port} {_NO_NODE}")
    raise StoreUnavailableError(f"no server of REDIS_URL answered: {explained(failure)}")


def _is_cluster(client: "redis.Redis") -> bool:
    info: Any = client.info("cluster")
    return bool(info.get("cluster_enabled"))


def _one_server(address: StoreAddress, host: str, port: int) -> "redis.Redis":
    options: dict[str, Any] = {**_OPTIONS, **address.options}
    options["retry"] = _retry(supported_errors=(redis.ConnectionError,))
    if host:
        kind = SSLConnection if address.is_tls else Connection
        options |= {"connection_class": kind, "host": host, "port": port}
    else:
        options["connection_class"] = UnixDomainSocketConnection
    return redis.Redis.from_pool(redis.ConnectionPool(**options))


def _retry(**options: Any) -> Retry:  # noqa: ANN401 - the client's own
    return Retry(ExponentialBackoff(cap=0.2, base=0.02), 2, **options)


def _cluster(address: StoreAddress) -> RedisCluster:
    """A client that finds the whole cluster from the nodes that answer."""
    if address.database:
        raise StoreUnavailableError("A cluster has database 0 alone: end REDIS_URL with /0")
    nodes = [cast("Any", ClusterNode)(*host) for host in address.hosts]
    options: dict[str, Any] = {**_OPTIONS, **address.options, **address.tls}
    options.pop("db", None)
    try:
        return RedisCluster(
            startup_nodes=nodes, require_full_coverage=False, retry=_retry(), **options
        )
    except (redis.RedisError, RedisClusterException) as error:
        raise StoreUnavailableError(explained(error)) from error
