"""The primary that Sentinels name: a commit waits for its replicas, commands outlast a failover.

A failover promotes a replica, so a change is acknowledged when each replica in step has it. The
Sentinels say which these are. A primary that was replaced meanwhile cannot acknowledge: the
promoted replica follows it no longer, and fewer are needed only if most Sentinels say so.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from receipts.store.pipeline import (
    COMMITS,
    REPLICA_TIMEOUT_MS,
    Command,
    ThreadConnections,
    exchange,
)
from receipts.store.servers.address import StoreAddress
from receipts.store.servers.sentinel_views import SentinelViews

P = ParamSpec("P")
T = TypeVar("T")

#: How long commands are repeated from the first failure on, below the 15 seconds of Twilio. A
#: failover takes down-after-milliseconds and about two seconds.
PATIENCE_SECONDS = 8.0

_PAUSE_SECONDS = 0.1

#: How long the number of replicas in step is used without asking again, in seconds.
_COUNT_MAX_AGE_SECONDS, _ALONE_MAX_AGE_SECONDS = 5.0, 1.0

#: A Sentinel answers from memory; a silent one must not hold a request.
_SENTINEL_TIMES = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}

#: Failures that end with a failover. A server that loads its data is a ConnectionError too.
_PASSING = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ReadOnlyError)
_LASTING = (exceptions.AuthenticationError, exceptions.AuthorizationError)

#: Error replies without a class: too few replicas; a blocking read on a demoted primary.
_PASSING_REPLIES = ("NOREPLICAS", "UNBLOCKED", "MASTERDOWN")


def sentinel_client(address: StoreAddress, common: dict[str, Any], retry: Any) -> "redis.Redis":  # noqa: ANN401 - redis-py's own
    """A client that finds the primary at each new connection."""
    once = Retry(NoBackoff(), 0)
    asked = {**address.sentinel_login, **address.tls, **_SENTINEL_TIMES, "retry": once}
    options = {**common, **address.options, **address.tls}
    manager = cast("Any", Sentinel)(
        address.hosts,
        sentinel_kwargs={**asked, "driver_info": None},
        retry=retry,
        redis_connect_func=_greet,
        **options,
    )
    return cast("redis.Redis", manager.master_for(address.service))


def _greet(connection: Any) -> None:  # noqa: ANN401 - redis-py's connection
    """Log in at a new connection. Raises ConnectionError unless the server is a primary."""
    connection.on_connect()
    connection.send_command("ROLE")
    if connection.read_response()[0] not in {b"master", "master"}:
        raise redis.ConnectionError(f"{connection.host}:{connection.port} is no primary any more")


class SentinelConnection:
    """Run commands on the primary; repeat them while it is being replaced."""

    def __init__(self, client: "redis.Redis", pool: SentinelConnectionPool) -> None:
        self._client = client
        self._sentinels: Sentinel = pool.sentinel_manager
        self._service: str = pool.service_name
        self.views = SentinelViews(self._sentinels, self._service)
        self._connections = ThreadConnections()
        #: The primary, the number of its replicas in step, and when the Sentinels said so.
        self._counted: tuple[Any, int, float] = (None, 0, 0.0)
        #: When the first and the last failed operation of this outage began.
        self._outage: tuple[float, float] | None = None

    def patiently(self, operation: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """The result of an operation, which is repeated while the primary is being replaced."""
        began = time.monotonic()
        while True:
            try:
                result = operation(*arguments, **options)
            except redis.RedisError as error:
                self._check_sentinels(error)
                if not _is_passing(error) or time.monotonic() > self._deadline(began):
                    raise
            else:
                self._outage = None
                return result
            time.sleep(_PAUSE_SECONDS)

    def _check_sentinels(self, error: redis.RedisError) -> None:
        """Raises redis-py's errors if no primary was found for a reason that does not pass."""
        if not isinstance(error, MasterNotFoundError):
            return
        watched, refusal = set[str](), cast("redis.RedisError", error)
        for each in self.views.sentinels:
            try:
                watched.update(cast("dict[str, object]", each.sentinel_masters()))
            except _LASTING:
                raise
            except redis.RedisError as silent:
                refusal = silent
        if not watched:
            raise redis.ConnectionError(f"no Sentinel of REDIS_URL answered: {refusal}")
        if self._service not in watched:
            names = ", ".join(sorted(watched))
            raise redis.ResponseError(
                f"the Sentinels watch no primary {self._service!r}; they watch {names}"
            )

    def _deadline(self, began: float) -> float:
        """When an operation gives up: all that fail in one outage share its beginning."""
        outage, now = self._outage, time.monotonic()
        # An older failure without a success since is another outage: nothing was asked meanwhile.
        first = outage[0] if outage and now - outage[1] < PATIENCE_SECONDS else began
        self._outage = (first, now)
        return first + PATIENCE_SECONDS

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """The replies in order; commits are at each replica in step. Raises redis-py's errors.

        One attempt: ``patiently`` repeats it.
        """
        connection = self._connections.get("", self._client)
        connection.connect()
        if self._counted[0] not in {None, (connection.host, connection.port)}:
            # Another thread knows of another primary: this one may be stale, and not know it.
            connection.disconnect()
            connection.connect()
        try:
            replies = self._exchange(connection, commands)
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        except redis.RedisError:
            # The next attempt asks the Sentinels for the primary.
            connection.disconnect()
            raise
        return replies

    def _exchange(self, connection: Any, commands: Sequence[Command]) -> list[Any]:  # noqa: ANN401
        """The replies, error replies too, after the replicas in step have the changes."""
        needed = 0
        if any(command[0] in COMMITS for command in commands):
            needed = self._replicas_in_step(connection)
        if not needed:
            return exchange(connection, commands)
        # WAIT covers the writes of its own connection, and a script may find its work done by
        # another: the mark is a write of this one.
        wait = (("SET", "settled", 1), ("WAIT", needed, REPLICA_TIMEOUT_MS))
        *replies, marked, replicas = exchange(connection, commands, wait)
        if all(isinstance(reply, Exception) for reply in replies):
            return replies
        for reply in (marked, replicas):
            if isinstance(reply, Exception):
                raise reply
        if replicas < needed and replicas < self._count(connection):
            raise redis.TimeoutError("the replicas did not take the change in time")
        return replies

    def _replicas_in_step(self, connection: Any) -> int:  # noqa: ANN401 - redis-py's connection
        """How many replicas must have a change on this primary."""
        primary, count, at = self._counted
        if primary != (connection.host, connection.port):
            return self._count(connection)
        if time.monotonic() - at > (_COUNT_MAX_AGE_SECONDS if count else _ALONE_MAX_AGE_SECONDS):
            # Set first, so that one thread asks; the others use the last number meanwhile.
            self._counted = (primary, count, time.monotonic())
            try:
                return self._count(connection)
            except redis.TimeoutError:
                self._counted = (primary, count, at)
                if not count:
                    raise
        return count

    def _count(self, connection: Any) -> int:  # noqa: ANN401 - redis-py's connection
        """The largest number of replicas in step that a Sentinel counts for this primary.

        Raises TimeoutError unless most Sentinels say that it is the primary.
        """
        address = (connection.host, connection.port)
        views, known = self.views.ask()
        counts = [view.in_step for view in views if view.primary == address]
        if len(counts) * 2 <= known:
            raise redis.TimeoutError(f"most Sentinels do not confirm {address[0]} as the primary")
        self._counted = (address, max(counts), time.monotonic())
        return max(counts)

    def replicas(self) -> dict[str, "redis.Redis"]:
        """A client for each replica that is up, by its address."""
        pool = self._client.connection_pool
        options = {**pool.connection_kwargs}
        for own in ("connection_pool", "redis_connect_func"):
            options.pop(own, None)
        is_tls = issubclass(pool.connection_class, SSLConnection)
        options["connection_class"] = SSLConnection if is_tls else Connection
        found: Any = cast("Any", self._sentinels).discover_slaves(self._service)
        return {
            f"{host}:{port}": redis.Redis.from_pool(
                redis.ConnectionPool(**options, host=host, port=port)
            )
            for host, port in found
        }


def sentinel_connection(client: object) -> SentinelConnection | None:
    """The connection by a client of ``sentinel_client``; None for any other client."""
    if isinstance(client, redis.Redis):
        pool: object = client.connection_pool
        return (
            SentinelConnection(client, pool) if isinstance(pool, SentinelConnectionPool) else None
        )
    return None


def _is_passing(error: redis.RedisError) -> bool:
    if isinstance(error, exceptions.ResponseError) and str(error).startswith(_PASSING_REPLIES):
        return True
    return isinstance(error, _PASSING) and not isinstance(error, _LASTING)
