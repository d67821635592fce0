"""The loop of one web process: reads requests of all connections without waiting for any."""

import errno
import os
import resource
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple
from wsgiref.types import WSGIApplication

from app.edge import limits
from app.edge.connection import TIME_LIMITS, Connection, Job, Phase
from app.edge.deadlines import Deadlines
from app.edge.gathering import Gathering
from app.edge.http_request import HttpRequest, Refusal
from app.edge.http_response import Answer, health, refusal
from app.edge.peers import Peers
from app.edge.threads import ThreadPool
from app.metrics.counters import count_refusal

_TICK_SECONDS = 0.5
_READ_BYTES = 64 * 1024
_EVENTS = 256

#: Open files beside connections: to the store, the rule book, counters.
_OTHER_FILES = 256

_HEALTH = "/healthz"


class Listener(NamedTuple):
    """A listening socket; None: it has all doors."""

    socket: socket.socket
    is_inside: bool | None = None


class Reader:
    """Accepts connections, reads their requests, and hands whole requests to the threads."""

    def __init__(
        self,
        app: WSGIApplication,
        listeners: Sequence[Listener],
        prefix: str = "",
        threads: int = limits.THREADS,
    ) -> None:
        """``prefix`` is the path of PUBLIC_URL."""
        self._app, self._prefix = app, prefix
        self._listeners = {each.socket.fileno(): each for each in listeners}
        self._epoll = select.epoll()
        for number in self._listeners:
            # Of all processes that wait, the kernel wakes one.
            self._epoll.register(number, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        self._connections: dict[int, Connection] = {}
        self._peers, self._deadlines = Peers(), Deadlines()
        self._pool = ThreadPool(threads, self._answer)
        self._gathering = Gathering(self._pool.put)
        #: Connections whose response was sent, filled by the threads.
        self._answered: deque[Connection] = deque()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._stop_at: float | None = None
        self._files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES

    def stop(self) -> None:
        """Accept no more, finish the requests in progress. Called by a signal handler."""
        self._stop_at = self._stop_at or time.monotonic() + limits.STOP_SECONDS
        os.eventfd_write(self._wake, 1)

    def run(self, beat: Callable[[float], None]) -> None:
        """Serve until stopped; tell ``beat`` the seconds without progress twice a second."""
        next_tick = 0.0
        while not self._is_finished():
            wait = self._gathering.seconds_left(_TICK_SECONDS)
            for number, events in self._epoll.poll(wait, _EVENTS):
                self._take_answered()
                if connection := self._connections.get(number):
                    self._on_event(connection, events)
                elif listener := self._listeners.get(number):
                    self._accept(listener)
                else:
                    with suppress(BlockingIOError):
                        os.eventfd_read(self._wake)
            self._take_answered()
            self._gathering.flush_due()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + _TICK_SECONDS
                for connection in self._deadlines.expired():
                    self._expire(connection)
                beat(self._pool.seconds_without_progress())

    def _is_finished(self) -> bool:
        if self._stop_at is None:
            return False
        if self._listeners:
            self._drain()
        return not self._connections or time.monotonic() > self._stop_at

    def _drain(self) -> None:
        """Accept no more; a connection between two requests gets a moment for a last one."""
        for number in self._listeners:
            self._epoll.unregister(number)
        self._listeners = {}
        for connection in list(self._connections.values()):
            if connection.phase in {Phase.SILENT, Phase.IDLE}:
                self._deadlines.move(connection, connection.phase, limits.DRAIN_SECONDS)

    # -- connections -----------------------------------------------------------------------------

    def _accept(self, listener: Listener) -> None:
        """Accept one connection: other processes get the next."""
        try:
            accepted, peer = listener.socket.accept()
        except BlockingIOError:
            return
        except OSError as error:  # no descriptor is free, or the client is gone
            if error.errno == errno.EINVAL:
                return  # the parent refuses new connections: the service ends
            self._evict(self._peers.longest_waiting())
            return
        address = listener.socket.getsockname()
        connection = Connection(accepted, str(peer[0]), address[:2], self._prefix)
        connection.is_inside = listener.is_inside
        if len(self._connections) >= min(limits.CONNECTIONS, self._files):
            self._evict(self._peers.longest_waiting())
        elif self._peers.count(connection.peer) >= limits.PEER_CONNECTIONS:
            self._evict(self._peers.longest_waiting(connection.peer))
        self._connections[connection.number] = connection
        self._peers.add(connection)
        self._deadlines.move(connection, Phase.SILENT)
        self._watch(connection, select.EPOLLIN)

    def _evict(self, connection: Connection | None) -> None:
        if connection is not None:
            count_refusal("connections")
            self._close(connection)

    def _watch(self, connection: Connection, events: int) -> None:
        if connection.is_watched:
            self._epoll.modify(connection.number, events)
        else:
            self._epoll.register(connection.number, events)
            connection.is_watched = True

    def _unwatch(self, connection: Connection) -> None:
        if connection.is_watched:
            connection.is_watched = False
            self._epoll.unregister(connection.number)

    def _close(self, connection: Connection) -> None:
        self._deadlines.drop(connection)
        self._unwatch(connection)
        self._peers.hold(connection, 0)
        self._peers.remove(connection)
        self._connections.pop(connection.number, None)
        connection.socket.close()

    # -- events ----------------------------------------------------------------------------------

    def _on_event(self, connection: Connection, events: int) -> None:
        if connection.phase is Phase.ANSWERING:
            # The thread wakes this loop when it finds the connection unwatched.
            self._unwatch(connection)
        elif connection.phase is Phase.SENDING:
            self._on_writable(connection, events)
        else:
            self._on_readable(connection)

    def _on_readable(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
        elif connection.phase is not Phase.LINGERING:
            connection.parser.feed(data)
            self._peers.hold(connection, connection.parser.buffered_bytes)
            self._advance(connection)
            while self._peers.held_bytes > limits.BUFFERED_BYTES and self._give_up_oldest():
                pass

    def _give_up_oldest(self) -> bool:
        """Refuse the half request that waited longest; False without any."""
        oldest = self._peers.longest_in_a_request()
        if oldest is not None:
            oldest.send(self._refusal(oldest, HTTPStatus.SERVICE_UNAVAILABLE))
            self._close(oldest)
        return oldest is not None

    def _on_writable(self, connection: Connection, events: int) -> None:
        if events & (select.EPOLLERR | select.EPOLLHUP):
            self._close(connection)
            return
        connection.send(connection.outgoing)
        if self._is_sent(connection):
            self._advance(connection)

    def _advance(self, connection: Connection) -> None:
        """Answer or hand over the whole requests in turn, then wait for the next."""
        parser = connection.parser
        while parser.ready:
            response = self._begin(connection, parser.ready.popleft())
            if response is None:
                return
            connection.send(response)
            if not self._is_sent(connection):
                return
        self._await(connection)

    def _await(self, connection: Connection) -> None:
        """Wait for the rest of a request; its time runs from the begin of the phase."""
        parser = connection.parser
        if parser.door is not None:
            if connection.phase is not Phase.BODY:
                self._deadlines.move(connection, Phase.BODY, parser.door.seconds)
                if parser.expects_continue:
                    connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif parser.in_head:
            if connection.phase is not Phase.HEAD:
                self._deadlines.move(connection, Phase.HEAD)
        elif connection.phase is not Phase.IDLE:
            self._peers.renew(connection)
            seconds = None if self._listeners else limits.DRAIN_SECONDS
            self._deadlines.move(connection, Phase.IDLE, seconds)

    def _begin(self, connection: Connection, item: HttpRequest | Refusal) -> bytes | None:
        """Hand a request to the threads, or return the response that needs none of them."""
        if isinstance(item, Refusal):
            return self._refusal(connection, item.status)
        if not self._listeners:  # draining: the client learns that it is the last answer
            item = item._replace(keep_alive=False)
        method, path = item.environ["REQUEST_METHOD"], item.environ["PATH_INFO"]
        connection.is_last = connection.is_last or not item.keep_alive
        if path.removeprefix(self._prefix) == _HEALTH and method in {"GET", "HEAD"}:
            return health(self._pool.seconds_without_progress(), item)
        if connection.is_inside not in {None, item.door.is_inside}:
            return refusal(HTTPStatus.NOT_FOUND, item)
        self._deadlines.move(connection, Phase.ANSWERING)
        if not self._pool.has_room(len(self._gathering) + 1):
            count_refusal("waiting requests")
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, item)
        if item.door.is_shared:
            self._gathering.add((connection, item))
        else:
            self._pool.put([(connection, item)])
        return None

    def _answer(self, group: Sequence[Job]) -> None:
        """Answer requests, in a thread of the pool: all have begun before the first is ended."""
        begun = [(each, Answer(self._app, item, each.address)) for each, item in group]
        for connection, answer in begun:
            connection.send(answer.read())
            self._answered.append(connection)
            is_quiet = connection.is_watched and not connection.outgoing and not connection.is_last
            if not is_quiet or connection.parser.ready:
                os.eventfd_write(self._wake, 1)

    def _take_answered(self) -> None:
        while self._answered:
            connection = self._answered.popleft()
            self._peers.hold(connection, connection.parser.buffered_bytes)
            if self._is_sent(connection):
                self._advance(connection)

    def _refusal(self, connection: Connection, status: HTTPStatus) -> bytes:
        count_refusal(f"HTTP {status.value}")
        connection.is_last = True
        return refusal(status)

    def _is_sent(self, connection: Connection) -> bool:
        """Whether a response is sent and another request may follow; else begin what is left."""
        if connection.outgoing:
            if connection.phase is not Phase.SENDING:
                self._deadlines.move(connection, Phase.SENDING)
            self._watch(connection, select.EPOLLOUT)
            return False
        if not connection.is_watched or connection.phase is Phase.SENDING:
            self._watch(connection, select.EPOLLIN)
        if connection.is_last:
            # Closed at once, unread data would make the kernel reset what was sent.
            connection.end_sending()
            self._deadlines.move(connection, Phase.LINGERING)
        return not connection.is_last

    def _expire(self, connection: Connection) -> None:
        phase = connection.phase
        if phase is not None and TIME_LIMITS[phase].is_told:
            connection.send(self._refusal(connection, HTTPStatus.REQUEST_TIMEOUT))
            self._is_sent(connection)
        else:
            self._close(connection)
