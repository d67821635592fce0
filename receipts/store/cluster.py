"""A Redis Cluster behind the questions that we ask of one server.

All keys of a change share a slot, so a change is one script on one master. What takes in several
slots is asked node by node. A master that dies takes with it what no replica has: so a commit
ends when a replica has it too, and so does one that found its work done already, for what it
found may be as young. A master without a replica answers for itself.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.client import Pipeline
from redis.cluster import ClusterNode, RedisCluster
from redis.crc import key_slot
from redis.retry import Retry

_Command = tuple[tuple[Any, ...], dict[str, Any]]

#: How long to wait for a replica, in milliseconds, before a commit counts as not made.
_REPLICA_MS = 1500

#: After so many seconds we ask again who is whose replica, also where nothing went wrong.
_KNOWN_FOR = 5.0

#: What moved, or is being replaced, is asked again so often, after a pause in seconds that doubles.
_TRIES, _PAUSE = 4, 0.05

#: How often, in seconds, to look into streams that no single wait can cover.
_LOOK = 0.1

_ELSEWHERE = (
    redis.exceptions.MovedError,
    redis.exceptions.AskError,
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.ConnectionError,
)


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

    def serving(self, key: str | bytes) -> tuple[ClusterNode, int]:
        """The master that serves a key, and how many of its replicas must have a change."""
        if time.monotonic() - self._known_at > _KNOWN_FOR:
            self.refresh()
        nodes = self.nodes_manager.slots_cache.get(_slot(key))
        if not nodes:
            raise redis.exceptions.ClusterDownError(f"nobody serves the slot of {key!r}")
        return nodes[0], min(1, len(nodes) - 1)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:  # noqa: ANN401
        """Questions to be asked together, each of the node that can answer it."""
        del transaction, shard_hint
        return ClusterPipeline(self)

    def evalsha(self, sha: str, numkeys: int, *words: Any) -> Any:  # noqa: ANN401
        """One script, as one of a pipeline."""
        return self.pipeline().evalsha(sha, numkeys, *words).execute()[0]

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
            by_slot.setdefault(_slot(key), []).append(key)
        asking = self.pipeline()
        for held in by_slot.values():
            asking.mget(held)
        found: dict[Any, Any] = {}
        for held, values in zip(by_slot.values(), asking.execute(), strict=True):
            found.update(zip(held, values, strict=True))
        return [found[key] for key in wanted]

    def xreadgroup(  # type: ignore[override]
        self,
        groupname: Any,  # noqa: ANN401
        consumername: Any,  # noqa: ANN401
        streams: dict[Any, Any],
        count: int | None = None,
        block: int | None = None,
        **_: Any,  # noqa: ANN401
    ) -> list[Any]:
        """Fresh entries of streams in many slots, which only looking at each in turn can bring."""
        until = time.monotonic() + (block or 0) / 1000
        while True:
            asking = self.pipeline()
            for stream, last in streams.items():
                asking.xreadgroup(groupname, consumername, {stream: last}, count=count)
            found = [pair for reply in asking.execute() for pair in _pairs(reply)]
            if found or time.monotonic() >= until:
                return found
            time.sleep(_LOOK)

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
        replies: list[Any] = [None] * len(stack)
        waiting = list(range(len(stack)))
        for turn in range(_TRIES):
            waiting, why = self._round(stack, waiting, replies)
            if not waiting:
                return replies
            if turn + 1 < _TRIES:
                time.sleep(_PAUSE * 2**turn)
                self._cluster.refresh()
        raise why

    def _round(
        self, stack: list[_Command], waiting: list[int], replies: list[Any]
    ) -> tuple[list[int], Exception]:
        """Ask once; what must be asked again, and why."""
        shares: dict[str, tuple[ClusterNode, int, list[int]]] = {}
        why: Exception = redis.exceptions.ClusterDownError("nobody was asked")
        again: list[int] = []
        for place in waiting:
            try:
                node, copies = self._cluster.serving(_key(stack[place][0]))
            except redis.exceptions.ClusterDownError as down:
                again.append(place)
                why = down
                continue
            shares.setdefault(str(node.name), (node, copies, []))[2].append(place)
        for node, copies, places in shares.values():
            answers = self._ask(node, copies, [stack[place] for place in places])
            for place, answer in zip(places, answers, strict=True):
                if isinstance(answer, (*_ELSEWHERE, redis.exceptions.NoScriptError)):
                    again.append(place)
                    why = answer
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    replies[place] = answer
        return again, why

    def _ask(self, node: ClusterNode, copies: int, commands: list[_Command]) -> list[Any]:
        asking: Any = self._cluster.get_redis_connection(node).pipeline(transaction=False)
        for words, options in commands:
            asking.execute_command(*words, **options)
        deciding = next((_key(words) for words, _ in commands if words[0] == "EVALSHA"), None)
        if copies and deciding is not None:
            # A write of our own, so that we wait for all that was there before it, also where
            # another made it and the scripts wrote nothing.
            asking.set(f"{_tag(deciding)}:settled", 1)
            asking.execute_command("WAIT", copies, _REPLICA_MS)
        try:
            answers: list[Any] = asking.execute(raise_on_error=False)
        except redis.exceptions.ConnectionError as lost:
            return [lost] * len(commands)
        if any(isinstance(a, redis.exceptions.NoScriptError) for a in answers):
            self._cluster.load_at(node)
        elsewhere = any(isinstance(answer, Exception) for answer in answers)
        if len(answers) > len(commands) and not elsewhere and answers[-1] < copies:
            self._cluster.refresh()
            raise redis.exceptions.TimeoutError("no replica took the change in time")
        return answers[: len(commands)]


def _key(words: Sequence[Any]) -> str | bytes:
    """The key that a command is about."""
    if words[0] in {"EVAL", "EVALSHA"}:
        place = 3
    elif words[0] == "XREADGROUP":
        place = list(words).index(b"STREAMS" if b"STREAMS" in words else "STREAMS") + 1
    else:
        place = 1
    key: str | bytes = words[place]
    return key


def _slot(key: str | bytes) -> int:
    return key_slot(key.encode() if isinstance(key, str) else key)


def _tag(key: str | bytes) -> str:
    """The beginning of keys in the same slot."""
    text = key.decode() if isinstance(key, bytes) else key
    return text[: text.index("}") + 1] if "}" in text else f"{{{text}}}"


def _pairs(reply: Any) -> list[Any]:  # noqa: ANN401 - as the server's protocol has it
    """The reply to XREADGROUP as pairs, whichever protocol is spoken."""
    if isinstance(reply, dict):
        return [(stream, runs[0] if runs else []) for stream, runs in reply.items()]
    return list(reply or [])
