"""Asking the server, and what is done when it does not answer."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from receipts.ports import StoreUnavailable

T = TypeVar("T")

#: One command: its name and its words.
Command = tuple[bytes | str | float, ...]


class Server:
    """A Redis-compatible server. ``revive`` brings our own embedded one back when it is gone."""

    def __init__(self, client: "redis.Redis", revive: Callable[[], None] | None = None) -> None:
        self.client, self._revive = client, revive
        self._lines = threading.local()

    def talk(self, *commands: Command) -> list[Any]:
        """Some commands in one round trip, each with its answer.

        The client's own way around its connection costs four times the talk itself (decision
        020); this is for what every event needs. Raises StoreUnavailable.
        """
        return self.ask(lambda: self.exchange(commands))

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """The same, as a part of a question to ``ask``: raises what the client raises."""
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
        line: Any = getattr(self._lines, "line", None)
        if line is None:
            # A line a thread, so that nobody waits for a lock; connected when first used.
            line = self._lines.line = self.client.connection_pool.make_connection()
        one = len(commands) == 1
        packed = line.pack_command(*commands[0]) if one else line.pack_commands(commands)
        line.send_packed_command(packed, check_health=False)
        answers = [_answer(line) for _ in commands]
        for answer in answers:
            if isinstance(answer, redis.ResponseError):
                raise answer
        return answers

    def ask(self, question: Callable[[], T]) -> T:
        """The answer to a question; asked once more after a revival.

        Raises StoreUnavailable when there is none. Every question must bear being asked twice.
        """
        try:
            return self._twice(question)
        except redis.RedisError as failure:
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


def _answer(line: Any) -> Any:  # noqa: ANN401 - whatever the server says
    """The next answer on a line. An error is one too: the answers after it must still be read."""
    try:
        return line.read_response(disconnect_on_error=False)
    except redis.ResponseError as error:
        return error
    except BaseException:
        # Whatever comes later on this line would be taken for the answer to another question.
        line.disconnect()
        raise


def connected(url: str) -> "redis.Redis":
    """A client for the server at a URL; it connects when first asked."""
    return redis.Redis.from_url(
        url,
        # A server that hangs is told of within a provider's patience: time-outs are not repeated.
        socket_timeout=4,
        socket_connect_timeout=2,
        retry=Retry(
            ExponentialBackoff(cap=0.2, base=0.02), 2, supported_errors=(redis.ConnectionError,)
        ),
    )
