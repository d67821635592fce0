"""Command pipelines over redis-py connections, one connection for each thread and node."""

import hashlib
import threading
import weakref
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import hiredis
import redis
from redis.exceptions import NoScriptError

#: One command: its name and its arguments.
Command = tuple[Any, ...]

#: The commands that make changes which must outlive their primary.
COMMITS = frozenset({"EVALSHA", "EVAL", "SET"})

#: How long WAIT blocks; a change that no replica has by then counts as not made.
REPLICA_TIMEOUT_MS = 1500

#: The scripts that were loaded, by SHA-1.
_SOURCES: dict[str, str] = {}


class _Life:
    """Lives as long as the thread's connections are in use."""


class ThreadConnections(threading.local):
    """The connections of the running thread, so that no command waits for a lock."""

    def __init__(self) -> None:
        self._by_name: dict[str, Any] = {}
        self._life = _Life()

    def get(self, name: str, client: "redis.Redis") -> Any:  # noqa: ANN401 - TCP, TLS or Unix socket
        """The connection of this name, made by the client's pool and connected at first use."""
        connection = self._by_name.get(name)
        if connection is None:
            connection = self._by_name[name] = client.connection_pool.make_connection()
            # Closed first when it is collected with a cycle, whatever the order of finalizers.
            weakref.finalize(self._life, connection.disconnect).atexit = False
        return connection


def send(connection: Any, commands: Sequence[Command]) -> None:  # noqa: ANN401 - as above
    """Send all commands at once. Raises the errors of redis-py, and then disconnects."""
    packed = b"".join([hiredis.pack_command(command) for command in commands])
    connection.send_packed_command([packed], check_health=False)


def receive(connection: Any, count: int) -> list[Any]:  # noqa: ANN401 - as above
    """Read the replies to ``count`` commands, in order; an error reply is an exception in the list.

    Raises the errors of redis-py, and then disconnects: a late reply must not meet a later command.
    """
    replies: list[Any] = []
    try:
        while len(replies) < count:
            try:
                replies.append(connection.read_response(disable_decoding=True))
            except redis.ResponseError as error:
                replies.append(error)
    except BaseException:
        connection.disconnect()
        raise
    return replies


def exchange(
    connection: Any,  # noqa: ANN401 - as above
    commands: Sequence[Command],
    after: Sequence[Command] = (),
) -> list[Any]:
    """The replies to commands and to those ``after`` them, error replies too.

    A script that the server does not know is sent again with its source, and all ``after`` it.
    """
    send(connection, [*commands, *after])
    replies = receive(connection, len(commands) + len(after))
    unknown = [n for n, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if unknown:
        send(connection, [*(with_source(commands[n]) for n in unknown), *after])
        again = [*unknown, *range(len(commands), len(replies))]
        for n, reply in zip(again, receive(connection, len(again)), strict=True):
            replies[n] = reply
    return replies


def load_script(name: str) -> str:
    """Read a Lua script of this package and return its SHA-1, to be called by EVALSHA."""
    source = files("receipts.store").joinpath(name).read_text()
    sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    _SOURCES[sha] = source
    return sha


def with_source(call: Command) -> Command:
    """The same call by EVAL, which a server accepts that does not know the script, and learns it.

    A server forgets its scripts when it restarts; a new node of a cluster knows none.
    """
    _, sha, *arguments = call
    return ("EVAL", _SOURCES[sha], *arguments)
