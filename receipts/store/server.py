"""Asking the server, and what is done when it does not answer."""

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar, cast

import hiredis
import redis
from redis.backoff import ExponentialBackoff
from redis.connection import parse_url
from redis.exceptions import NoScriptError, RedisClusterException
from redis.retry import Retry

from receipts.ports import StoreUnavailable
from receipts.store.cluster import ClusterClient
from receipts.store.nodes import Nodes

P = ParamSpec("P")
T = TypeVar("T")

#: One command: its name and its words.
Command = tuple[Any, ...]


#: Bytes read at once from the server.
_READ = 65536


class Server:
    """A Redis-compatible server. ``revive`` brings our own embedded one back when it is gone."""

    def __init__(self, client: "redis.Redis", revive: Callable[[], None] | None = None) -> None:
        self.client, self._revive = client, revive
        #: Whether a change that was read may still be lost: it waits for a replica elsewhere.
        self.replicated = isinstance(client, ClusterClient)
        self._lines = threading.local()
        self._nodes = Nodes(client, Line) if isinstance(client, ClusterClient) else None

    def talk(self, *commands: Command) -> list[Any]:
        """Some commands in one round trip, each with its answer.

        The client's own way around its connection costs four times the talk itself (decision
        020); this is for what every event needs. Raises StoreUnavailable.
        """
        return self.ask(self.exchange, commands) if commands else []

    def values(self, names: Sequence[str]) -> list[bytes | None]:
        """Many values in one round trip, in the order asked; a cluster's may lie far apart."""
        nodes = self._nodes
        if nodes is not None:
            return self.ask(nodes.values, names)
        (found,) = self.talk(("MGET", *names))
        return cast("list[bytes | None]", found)

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The same, as a part of a question to ``ask``: raises what the client raises."""
        if self._nodes is not None:
            return self._nodes.exchange(commands)
        try:
            return self._exchange(commands)
        except redis.TimeoutError:
            raise
        except redis.ConnectionError:
            # As the client does: a connection may have died since it was last used.
            retry: Any = self.client.get_retry()
            return list(
                retry.call_with_retry(lambda: self._exchange(commands), lambda _failure: None)
            )

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        line: Line | None = getattr(self._lines, "line", None)
        if line is None:
            # A line a thread, so that nobody waits for a lock; connected when first used.
            line = self._lines.line = Line(self.client.connection_pool.make_connection())
        answers = line.exchange(commands)
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                no_script = str(answer).startswith("NOSCRIPT")
                raise (NoScriptError if no_script else redis.ResponseError)(str(answer))
        return answers

    def ask(self, question: Callable[P, T], *about: P.args, **more: P.kwargs) -> T:
        """The answer to a question; asked once more after a revival.

        Raises StoreUnavailable when there is none. Every question must bear being asked twice.
        """
        try:
            try:
                return question(*about, **more)
            except (redis.ConnectionError, redis.TimeoutError):
                if self._revive is None:
                    raise
            self._revive()
            return question(*about, **more)
        except (redis.RedisError, RedisClusterException) as failure:
            raise StoreUnavailable(f"the store did not answer: {failure}") from failure

    def setting(self, name: str) -> str:
        """One setting of the server. Raises StoreUnavailable where it will not tell."""
        found: Any = self.ask(lambda: self.client.config_get(name))
        return str(found.get(name, ""))


class Line:
    """One connection of the client's making, with its password, TLS and time-outs; we do the talk.

    The client's own reading and writing go through a dozen calls a question.
    """

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - of several kinds
        self._connection = connection
        self._socket: Any = None
        self._reader = hiredis.Reader()

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The answers, in order; an error is one too. Raises as the client does."""
        self.send(commands)
        return self.receive(len(commands))

    def send(self, commands: Sequence[Command]) -> None:
        """The first half: others may be asked before the answers are read."""
        try:
            # The client drops its socket in a child of a fork, or when told to close.
            if self._socket is None or self._connection._sock is not self._socket:  # noqa: SLF001
                self._connection.connect()
                self._socket, self._reader = self._connection._sock, hiredis.Reader()  # noqa: SLF001
                _timed_by_kernel(self._socket)
            self._socket.sendall(b"".join([hiredis.pack_command(each) for each in commands]))
        except BaseException as failure:
            raise self._given_up(failure) from failure

    def receive(self, count: int) -> list[Any]:
        """The second half: the answers to what was sent."""
        reader, answers = self._reader, list[Any]()
        try:
            while len(answers) < count:
                octets = self._socket.recv(_READ)
                if not octets:
                    raise ConnectionResetError("the server hung up")  # noqa: TRY301 - as the kernel would
                reader.feed(octets)
                while (answer := reader.gets()) is not False:
                    answers.append(answer)
        except BaseException as failure:
            raise self._given_up(failure) from failure
        else:
            return answers

    def _given_up(self, failure: BaseException) -> BaseException:
        """What the client would raise; nothing may come that is taken for another answer."""
        self.drop()
        if isinstance(failure, TimeoutError | BlockingIOError):
            return redis.TimeoutError("no answer in time")
        return redis.ConnectionError(str(failure)) if isinstance(failure, OSError) else failure

    def drop(self) -> None:
        """Hang up; the next question connects anew."""
        self._socket = None
        self._connection.disconnect()

    def __del__(self) -> None:
        """A thread that ends hangs up."""
        self.drop()


def _timed_by_kernel(line: socket.socket) -> None:
    """Leave a plain socket's time-out to the kernel, which spares a poll before each call."""
    seconds = line.gettimeout()
    if type(line) is socket.socket and seconds:
        whole, rest = divmod(seconds, 1)
        limit = struct.pack("@ll", int(whole), int(rest * 1e6))
        line.settimeout(None)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


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
