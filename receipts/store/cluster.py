"""A Redis Cluster behind the questions that we ask of one server.

Who serves which slot, and the rarer questions, each asked of the node that can answer it. What
every event asks goes another, shorter way by the same map (`receipts/store/nodes.py`).
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.client import Pipeline
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot
from redis.retry import Retry

_Command = tuple[tuple[Any, ...], dict[str, Any]]

#: After so many seconds we ask again who is whose replica, also where nothing went wrong.
_KNOWN_FOR = 5.0

#: What moved, or is being replaced, is asked again so often, after a pause in seconds that doubles.
_TRIES, _PAUSE = 4, 0.05

#: Answers that say: not here, or not yet.
_ELSEWHERE = (
    redis.exceptions.MovedError,
    redis.exceptions.AskError,
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ConnectionError,
    redis.exceptions.NoScriptError,
)


@dataclass(slots=True)
class Share:
    """What one master is asked: the places of its questions among all of them.

    ``copies``: how many of its replicas must have a change.
    """

    node: ClusterNode
    copies: int
    places: list[int] = field(default_factory=list)


class ClusterClient(RedisCluster):
    """A client with the questions of a client of one server."""

    def __init__(self, nodes: Sequence[tuple[str, int]], **options: Any) -> None:  # noqa: ANN401
        self._scripts: dict[str, str] = {}
        self._known_at = time.monotonic()
        node_at: Any = ClusterNode
        super().__init__(
            startup_nodes=[node_at(*node) for node in nodes],
            require_full_coverage=False,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 2),
            **options,
        )

    def refresh(self) -> None:
        """Ask the cluster anew who serves what."""
        self._known_at = time.monotonic()
        self.nodes_manager.initialize()

    def everywhere(
        self,
        keys: Sequence[str | bytes],
        ask: Callable[[Sequence[Share]], Sequence[Sequence[Any]]],
    ) -> list[Any]:
        """The answers to questions about these keys, in order.

        ``ask`` asks each master its share. What moved, or is being replaced, is asked again.
        Raises the first other error that was answered.
        """
        replies: list[Any] = [None] * len(keys)
        waiting: Sequence[int] = range(len(keys))
        for turn in range(_TRIES):
            waiting, why = self._round(keys, waiting, ask, replies)
            if not waiting:
                return replies
            if turn + 1 < _TRIES:
                time.sleep(_PAUSE * 2**turn)
                self.refresh()
        raise why

    def _round(
        self,
        keys: Sequence[str | bytes],
        waiting: Sequence[int],
        ask: Callable[[Sequence[Share]], Sequence[Sequence[Any]]],
        replies: list[Any],
    ) -> tuple[list[int], Exception]:
        """Ask once; what must be asked again, and why."""
        shares, again = self._shared(keys, waiting)
        why: Exception = redis.exceptions.ClusterDownError("nobody serves a slot that is needed")
        for share, answers in zip(shares, ask(shares), strict=True):
            for place, answer in zip(share.places, answers, strict=True):
                if isinstance(answer, _ELSEWHERE):
                    again.append(place)
                    why = answer
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    replies[place] = answer
        return again, why

    def _shared(
        self, keys: Sequence[str | bytes], waiting: Sequence[int]
    ) -> tuple[list[Share], list[int]]:
        """Whom to ask what, and what nobody serves at this moment."""
        if time.monotonic() - self._known_at > _KNOWN_FOR:
            self.refresh()
        shares: dict[str, Share] = {}
        unserved: list[int] = []
        for place in waiting:
            nodes = self.nodes_manager.slots_cache.get(slot_of(keys[place]))
            if not nodes:
                unserved.append(place)
                continue
            share = shares.get(nodes[0].name)
            if share is None:
                share = shares[nodes[0].name] = Share(nodes[0], min(1, len(nodes) - 1))
            share.places.append(place)
        return list(shares.values()), unserved

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:  # noqa: ANN401
        """Questions to be asked together, each of the node that can answer it."""
        del transaction, shard_hint
        return ClusterPipeline(self)

    def script_load(self, script: Any) -> Any:  # noqa: ANN401
        """Load a script at every master, and later at those that take their place."""
        sha = super().script_load(script)
        self._scripts[sha] = script
        return sha

    def load_at(self, node: ClusterNode) -> None:
        """Load all scripts at a node that does not know them."""
        for script in self._scripts.values():
            self.get_redis_connection(node).script_load(script)

    def mget(self, keys: Iterable[Any], *more: Any) -> list[Any]:  # noqa: ANN401
        """Many values, slot by slot, in the order asked."""
        wanted = [*keys, *more]
        by_slot: dict[int, list[Any]] = {}
        for key in wanted:
            by_slot.setdefault(slot_of(key), []).append(key)
        asking = self.pipeline()
        for held in by_slot.values():
            asking.mget(held)
        found: dict[Any, Any] = {}
        for held, values in zip(by_slot.values(), asking.execute(), strict=True):
            found.update(zip(held, values, strict=True))
        return [found[key] for key in wanted]

    def scan(  # type: ignore[override]
        self,
        cursor: int = 0,
        match: str | None = None,
        count: int | None = None,
        **_: object,
    ) -> Any:  # noqa: ANN401 - as the client of one server answers
        """All keys, one master after the other: the lowest octet of a cursor says which."""
        masters = self._masters()
        place, at = cursor & 0xFF, cursor >> 8
        reply: Any = self.get_redis_connection(masters[place]).scan(at, match=match, count=count)
        if reply[0]:
            return int(reply[0]) << 8 | place, reply[1]
        return (place + 1 if place + 1 < len(masters) else 0), reply[1]

    def _masters(self) -> list[ClusterNode]:
        """All masters, in an order that stays."""
        known: Any = self.nodes_manager
        return sorted(known.get_nodes_by_server_type("primary"), key=lambda node: str(node.name))

    def ping(self, **_: Any) -> bool:  # noqa: ANN401
        """Whether every master answers."""
        return all(self.get_redis_connection(node).ping() for node in self._masters())

    def info(self, section: str | None = None, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        """What one master tells of itself; ``run_id`` is that of all of them."""
        told: list[Any] = [
            self.get_redis_connection(node).info(section or "default") for node in self._masters()
        ]
        ids = "+".join(str(each["run_id"]) for each in told if "run_id" in each)
        return told[0] | ({"run_id": ids} if ids else {})


class ClusterPipeline(Pipeline):
    """Asks each node its share in one round trip, and again where something has moved."""

    def __init__(self, cluster: ClusterClient) -> None:
        self._cluster = cluster
        # It only collects: each node's own pool carries its share.
        nowhere: Any = None
        super().__init__(nowhere, {}, transaction=False, shard_hint=None)

    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002
        """The answers in the order asked. Raises what a client of one server would."""
        del raise_on_error
        stack: list[_Command] = list(self.command_stack)
        self.command_stack = []

        def ask(shares: Sequence[Share]) -> list[list[Any]]:
            return [self._ask(share.node, [stack[place] for place in share.places])
                    for share in shares]  # fmt: skip

        return self._cluster.everywhere([key_of(words) for words, _ in stack], ask)

    def _ask(self, node: ClusterNode, commands: list[_Command]) -> list[Any]:
        asking: Any = self._cluster.get_redis_connection(node).pipeline(transaction=False)
        for words, options in commands:
            asking.execute_command(*words, **options)
        try:
            return list(asking.execute(raise_on_error=False))
        except redis.exceptions.ConnectionError as lost:
            return [lost] * len(commands)


def key_of(words: Sequence[Any]) -> str | bytes:
    """The key that a command is about."""
    if words[0] in {"EVAL", "EVALSHA"}:
        place = 3
    elif words[0] == "XREADGROUP":
        place = list(words).index(b"STREAMS" if b"STREAMS" in words else "STREAMS") + 1
    else:
        place = 1
    key: str | bytes = words[place]
    return key


def slot_of(key: str | bytes) -> int:
    """The slot that a key lies in."""
    return key_slot(key.encode() if isinstance(key, str) else key)
