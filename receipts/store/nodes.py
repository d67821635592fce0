"""Talking to the nodes of a cluster ourselves, to all that are needed at the same time.

All keys of a change share a slot, so a change is one script on one master. A master that dies takes
with it what no replica has: so a commit ends when a replica has it too, and so does one that found
its work done already, for what it found may be as young. A master without a replica answers for
itself.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import hiredis
import redis
from redis import exceptions
from redis.cluster import ClusterNode

from receipts.store.cluster import ClusterClient, Share, key_of, slot_of

#: How long to wait for a replica, in milliseconds, before a commit counts as not made.
_REPLICA_MS = 1500

#: What a node may answer that another, or the same one later, would answer otherwise.
_ELSEWHERE: dict[str, Callable[[str], Exception]] = {
    "MOVED": exceptions.ClusterDownError,
    "ASK": exceptions.TryAgainError,
    "TRYAGAIN": exceptions.TryAgainError,
    "CLUSTERDOWN": exceptions.ClusterDownError,
    "READONLY": exceptions.ReadOnlyError,
    "LOADING": exceptions.BusyLoadingError,
    "MASTERDOWN": exceptions.ClusterDownError,
    "NOSCRIPT": exceptions.NoScriptError,
}

#: The commands by which changes are made.
_COMMITS = frozenset({"EVALSHA", "SET"})

_Command = tuple[Any, ...]


class Nodes:
    """Asks each node its share in one round trip, all of them together.

    ``line`` makes a line of ours from a connection of the client's.
    """

    def __init__(self, cluster: ClusterClient, line: Callable[[Any], Any]) -> None:
        self._cluster, self._make = cluster, line
        self._lines = threading.local()

    def values(self, names: Sequence[str]) -> list[bytes | None]:
        """Many values in the order asked, one question a slot."""
        by_slot: dict[int, list[str]] = {}
        for name in names:
            by_slot.setdefault(slot_of(name), []).append(name)
        replies = self.exchange([("MGET", *held) for held in by_slot.values()])
        found: dict[str, bytes | None] = {}
        for held, values in zip(by_slot.values(), replies, strict=True):
            found.update(zip(held, values, strict=True))
        return [found[name] for name in names]

    def exchange(self, commands: Sequence[_Command]) -> list[Any]:
        """The answers, in order. Raises what the client raises."""

        def ask(shares: Sequence[Share]) -> list[list[Any]]:
            return self._ask(shares, commands)

        return self._cluster.everywhere([key_of(words) for words in commands], ask)

    def _ask(self, shares: Sequence[Share], commands: Sequence[_Command]) -> list[list[Any]]:
        """Send to all, then read of all: the slowest one is waited for, not one after another."""
        wanted = [_with_copy(share, [commands[place] for place in share.places])
                  for share in shares]  # fmt: skip
        lines = [self._line(share.node) for share in shares]
        try:
            sent = [_tried(line.send, words) for line, words in zip(lines, wanted, strict=True)]
            found = [
                lost or _tried(line.receive, len(words))
                for lost, line, words in zip(sent, lines, wanted, strict=True)
            ]
        except BaseException:
            # What the others still have to say would be taken for the answer to another question.
            for line in lines:
                line.drop()
            raise
        return [self._judged(*pair) for pair in zip(shares, found, strict=True)]

    def _line(self, node: ClusterNode) -> Any:  # noqa: ANN401 - a line of ours
        """The line of the running thread to a node."""
        held: dict[str, Any] | None = getattr(self._lines, "held", None)
        if held is None:
            held = self._lines.held = {}
        line = held.get(node.name)
        if line is None:
            pool: Any = self._cluster.get_redis_connection(node).connection_pool
            line = held[node.name] = self._make(pool.make_connection())
        return line

    def _judged(self, share: Share, answers: Any) -> list[Any]:  # noqa: ANN401 - or why there are none
        """The answers of one node, once its replica is known to have what they rest on."""
        count = len(share.places)
        if isinstance(answers, Exception):
            return [answers] * count
        read = [_read(answer) for answer in answers]
        ours = read[:count]
        if any(isinstance(answer, exceptions.NoScriptError) for answer in ours):
            self._cluster.load_at(share.node)
        if len(read) == count or all(isinstance(answer, Exception) for answer in ours):
            return ours
        settled, copies = read[count:]
        if isinstance(settled, Exception):
            # The slot went elsewhere between the scripts and this: where to, they are asked again.
            return [settled] * count
        if isinstance(copies, Exception) or copies < share.copies:
            self._cluster.refresh()
            raise redis.TimeoutError("no replica took the change in time")
        return ours


def _with_copy(share: Share, commands: list[_Command]) -> list[_Command]:
    """The questions to one node, and where they commit, the wait for its replica."""
    deciding = next((key_of(words) for words in commands if words[0] in _COMMITS), None)
    if not share.copies or deciding is None:
        return commands
    # A write of our own, so that we wait for all that was there before it, also where another made
    # it and the scripts wrote nothing.
    mark = f"{_tag(deciding)}:settled"
    return [*commands, ("SET", mark, 1), ("WAIT", share.copies, _REPLICA_MS)]


def _tried(ask: Callable[[Any], Any], words: Any) -> Any:  # noqa: ANN401 - either half of a talk
    """What came of it; a node that is gone is an answer too, for it may have been replaced."""
    try:
        return ask(words)
    except redis.ConnectionError as lost:
        return lost


def _read(answer: Any) -> Any:  # noqa: ANN401 - whatever the server says
    """An error in the client's terms."""
    if not isinstance(answer, hiredis.ReplyError):
        return answer
    said = str(answer)
    return _ELSEWHERE.get(said.partition(" ")[0], exceptions.ResponseError)(said)


def _tag(key: str | bytes) -> str:
    """The beginning of keys in the same slot."""
    text = key.decode() if isinstance(key, bytes) else key
    return text[: text.index("}") + 1] if "}" in text else f"{{{text}}}"
