"""Deadlines of connections. All operations take constant time."""

import time
from collections.abc import Iterator

from app.edge.connection import TIME_LIMITS, Connection, Phase


class Deadlines:
    """Connections by the length of their time limit, the first to expire first."""

    def __init__(self) -> None:
        # Within one length, the order of insertion is the order of expiry.
        self._queues: dict[float, dict[Connection, float]] = {}

    def move(self, connection: Connection, phase: Phase, seconds: float | None = None) -> None:
        """Begin a phase, with its own time limit or another."""
        self.drop(connection)
        connection.phase = phase
        limit = connection.limit = seconds or TIME_LIMITS[phase].seconds
        if limit is not None:
            queue = self._queues.setdefault(limit, {})
            queue[connection] = time.monotonic() + limit

    def drop(self, connection: Connection) -> None:
        """Forget the deadline of a connection."""
        if connection.limit is not None:
            self._queues[connection.limit].pop(connection, None)
            connection.limit = None

    def expired(self) -> Iterator[Connection]:
        """Yield the connections whose time is over; the caller moves or closes each."""
        now = time.monotonic()
        for queue in list(self._queues.values()):
            while queue and next(iter(queue.values())) <= now:
                yield next(iter(queue))
