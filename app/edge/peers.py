"""Connections by the address of their client, the one that waited longest first."""

from app.edge.connection import Connection, Phase

#: Never closed for another connection: a request of theirs is being answered.
_BUSY = frozenset({Phase.ANSWERING, Phase.SENDING})


_IN_A_REQUEST = frozenset({Phase.HEAD, Phase.BODY})


class Peers:
    """Open connections, of each address and of all, in the order of their last whole request."""

    def __init__(self) -> None:
        #: Bytes of requests that are in memory.
        self.held_bytes = 0
        self._all: dict[Connection, None] = {}
        self._peers: dict[str, dict[Connection, None]] = {}

    def add(self, connection: Connection) -> None:
        """Add a connection as the last."""
        self._all[connection] = None
        self._peers.setdefault(connection.peer, {})[connection] = None

    def remove(self, connection: Connection) -> None:
        """Forget a connection, and an address with its last one."""
        self._all.pop(connection, None)
        own = self._peers.get(connection.peer, {})
        own.pop(connection, None)
        if not own:
            self._peers.pop(connection.peer, None)

    def hold(self, connection: Connection, size: int) -> None:
        """Note how many bytes of its requests a connection keeps in memory."""
        self.held_bytes += size - connection.held_bytes
        connection.held_bytes = size

    def longest_in_a_request(self) -> Connection | None:
        """The connection with half a request that waited longest."""
        return next((each for each in self._all if each.phase in _IN_A_REQUEST), None)

    def renew(self, connection: Connection) -> None:
        """Move a connection to the end: its request was answered."""
        self.remove(connection)
        self.add(connection)

    def count(self, peer: str) -> int:
        """Number of the connections of one address."""
        return len(self._peers.get(peer, ()))

    def longest_waiting(self, peer: str | None = None) -> Connection | None:
        """The connection of one address, or of all, that may be closed first."""
        found = self._all if peer is None else self._peers.get(peer, {})
        return next((each for each in found if each.phase not in _BUSY), None)
