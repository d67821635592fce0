"""Commands to a Redis Cluster: each primary gets its part, and a commit waits for a replica.

All keys of a change share a slot, so a change is one script on one primary. A primary that fails
loses all that no replica has. So each commit ends with WAIT, also one that finds its work done: the
state that it found may be just as young. A primary without replicas answers alone.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from redis import exceptions
from redis.cluster import ClusterNode, RedisCluster

from receipts.store.pipeline import (
    COMMITS,
    REPLICA_TIMEOUT_MS,
    Command,
    ThreadConnections,
    receive,
    send,
    with_source,
)

#: How long the map of slots and replicas is used without asking again, in seconds.
_MAP_MAX_AGE_SECONDS = 5.0

#: How often a command is sent while its slot moves or its node is replaced. The pause doubles.
_ATTEMPTS, _PAUSE_SECONDS = 4, 0.05

#: Failures that another node, or the same one a little later, would not give. A moved slot is an
#: AskError too, MASTERDOWN a ClusterDownError, LOADING a ConnectionError.
_RETRYABLE = (
    exceptions.AskError,
    exceptions.TryAgainError,
    exceptions.ClusterDownError,
    exceptions.ReadOnlyError,
    exceptions.ConnectionError,
    exceptions.NoScriptError,
)

#: Where the first key stands in the arguments of a command; after its name unless listed here.
_KEY_INDEX = {"EVALSHA": 3, "EVAL": 3, "XGROUP": 2, "XINFO": 2}


@dataclass(slots=True)
class NodeBatch:
    """The commands of one primary, by their indexes; ``replicas`` must have its changes."""

    node: ClusterNode
    replicas: int
    indexes: list[int] = field(default_factory=list)


class ClusterConnection:
    """Route commands by key, to all nodes at the same time."""

    def __init__(self, cluster: RedisCluster) -> None:
        self._cluster: Any = cluster
        self._connections = ThreadConnections()
        self._map_read_at = time.monotonic()

    def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """The replies in order; a command whose slot moves or whose node fails is sent again.

        Raises the errors of redis-py.
        """
        replies: list[Any] = [None] * len(commands)
        pending: Sequence[int] = range(len(commands))
        commands = list(commands)
        if time.monotonic() - self._map_read_at > _MAP_MAX_AGE_SECONDS:
            self._read_map()
        for attempt in itertools.count(1):
            pending, failure = self._attempt(commands, pending, replies)
            if failure is None:
                break
            if attempt == _ATTEMPTS:
                raise failure
            time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
            self._read_map()
        return replies

    def values(self, names: Sequence[str | bytes]) -> list[bytes | None]:
        """The values of many keys, in order, with one MGET a slot."""
        by_slot: dict[int, list[str | bytes]] = {}
        for name in names:
            by_slot.setdefault(self._cluster.keyslot(name), []).append(name)
        replies = self.pipeline([("MGET", *keys) for keys in by_slot.values()])
        found: dict[str | bytes, bytes | None] = {}
        for keys, values in zip(by_slot.values(), replies, strict=True):
            found.update(zip(keys, values, strict=True))
        return [found[name] for name in names]

    def primaries(self) -> list["redis.Redis"]:
        """A client for each primary, in an order that stays."""
        nodes = sorted(self._cluster.get_primaries(), key=lambda node: str(node.name))
        return [self._cluster.get_redis_connection(node) for node in nodes]

    def servers(self) -> dict[str, "redis.Redis"]:
        """A client for each node, replicas too, by address."""
        nodes = sorted(self._cluster.get_nodes(), key=lambda node: str(node.name))
        return {str(node.name): self._cluster.get_redis_connection(node) for node in nodes}

    def size(self) -> tuple[int, int]:
        """How many primaries and how many replicas serve."""
        return len(self._cluster.get_primaries()), len(self._cluster.get_replicas())

    def scan(self, cursor: int, match: str, count: int) -> tuple[int, list[bytes]]:
        """One step of SCAN through all primaries; the low octet of a cursor is the primary."""
        primaries, (position, index) = self.primaries(), divmod(cursor, 256)
        found: Any = primaries[index].scan(position, match=match, count=count)
        if found[0]:
            return int(found[0]) << 8 | index, found[1]
        return (index + 1) % len(primaries), found[1]

    def _read_map(self) -> None:
        self._map_read_at = time.monotonic()
        self._cluster.nodes_manager.initialize()

    def _attempt(
        self, commands: list[Command], pending: Sequence[int], replies: list[Any]
    ) -> tuple[list[int], Exception | None]:
        """Send once. Returns the commands to send again, and the last reason for it."""
        batches, again, failure = self._batches(commands, pending)
        for batch, answers in zip(batches, self._send(batches, commands), strict=True):
            for index, answer in zip(batch.indexes, answers, strict=True):
                if isinstance(answer, exceptions.NoScriptError):
                    commands[index] = with_source(commands[index])
                if isinstance(answer, _RETRYABLE):
                    again.append(index)
                    failure = answer
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    replies[index] = answer
        return again, failure

    def _batches(
        self, commands: Sequence[Command], pending: Sequence[int]
    ) -> tuple[list[NodeBatch], list[int], Exception | None]:
        """The commands by primary, and those whose slot no node serves at this moment."""
        batches: dict[str, NodeBatch] = {}
        unserved: list[int] = []
        failure: Exception | None = None
        for index in pending:
            key = _key_of(commands[index])
            try:
                node = self._cluster.get_node_from_key(key)
            except exceptions.SlotNotCoveredError as error:
                unserved.append(index)
                failure = error
                continue
            batch = batches.get(node.name)
            if batch is None:
                replicated = self._cluster.get_node_from_key(key, replica=True) is not None
                batch = batches[node.name] = NodeBatch(node, int(replicated))
            batch.indexes.append(index)
        return list(batches.values()), unserved, failure

    def _send(self, batches: Sequence[NodeBatch], commands: Sequence[Command]) -> list[list[Any]]:
        """The replies of each batch. All are sent before the first reply is read."""
        parts = [_with_wait(batch, [commands[index] for index in batch.indexes])
                 for batch in batches]  # fmt: skip
        client_of = self._cluster.get_redis_connection
        connections = [self._connections.get(b.node.name, client_of(b.node)) for b in batches]
        try:
            sent = [_attempted(send, *pair) for pair in zip(connections, parts, strict=True)]
            received = [
                lost or _attempted(receive, connection, len(part))
                for lost, connection, part in zip(sent, connections, parts, strict=True)
            ]
        except BaseException:
            # The replies that are still to come belong to no later command.
            for connection in connections:
                connection.disconnect()
            raise
        return [self._confirmed(*pair) for pair in zip(batches, received, strict=True)]

    def _confirmed(self, batch: NodeBatch, received: list[Any] | Exception) -> list[Any]:
        """The replies of one node, once a replica is known to have the changes behind them."""
        count = len(batch.indexes)
        if isinstance(received, Exception):
            return [received] * count
        replies, wait = received[:count], received[count:]
        if not wait or all(isinstance(reply, Exception) for reply in replies):
            return replies
        marked, replicas = wait
        if isinstance(marked, Exception):
            # The slot moved between the scripts and the mark: all are sent again to its new node.
            return [marked] * count
        if isinstance(replicas, Exception) or replicas < batch.replicas:
            self._read_map()
            raise redis.TimeoutError("no replica took the change in time")
        return replies


def _with_wait(batch: NodeBatch, commands: list[Command]) -> list[Command]:
    """The commands for one node; commits are followed by the wait for a replica."""
    key = next((_key_of(command) for command in commands if command[0] in COMMITS), None)
    if not batch.replicas or key is None:
        return commands
    # WAIT covers the writes of its own connection, and a script may find its work done by another.
    mark = f"{key[: key.index('}') + 1] if '}' in key else f'{{{key}}}'}:settled"
    return [*commands, ("SET", mark, 1), ("WAIT", batch.replicas, REPLICA_TIMEOUT_MS)]


def _attempted(step: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - either half
    """The result; a lost connection is one too, for the node may have been replaced."""
    try:
        return step(*arguments)
    except redis.ConnectionError as error:
        return error


def _key_of(command: Command) -> Any:  # noqa: ANN401 - text or bytes
    """The key that a command is routed by."""
    if command[0] == "XREADGROUP":
        return command[command.index("STREAMS") + 1]
    return command[_KEY_INDEX.get(command[0], 1)]
