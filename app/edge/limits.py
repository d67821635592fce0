"""Limits of the web server: sizes and times of requests and connections."""

from typing import NamedTuple

from callbacks.app import MAX_BODY_BYTES

#: Limit of a request's head: line and headers.
MAX_HEAD_BYTES = 16 * 1024

#: 5,000 reports of at most 800 bytes.
MAX_FEED_BYTES = 4 * 1024 * 1024

#: An uploaded rule book of at most 500 kB; a longer one is refused by the page, in words.
MAX_UPLOAD_BYTES = 1024 * 1024

#: An uploaded list of at most 1,000 numbers, with room for one that is refused in words.
MAX_LIST_BYTES = 128 * 1024

#: From the start of a connection to its first byte.
FIRST_BYTE_SECONDS = 5.0

#: From the first byte of a head to its end.
HEAD_SECONDS = 10.0

#: Between two requests.
IDLE_SECONDS = 75.0

#: For the part of a response that the client's buffers do not take at once.
SEND_SECONDS = 30.0

#: For the client to read a refusal and close; data that arrives meanwhile is dropped.
LINGER_SECONDS = 2.0

#: Open connections of one address in one process. One more closes the one that waited longest.
PEER_CONNECTIONS = 2048

#: Open connections of one process, if its limit of open files allows as many.
CONNECTIONS = 16_384

#: Bytes of requests that one process holds. Above it, the oldest half request is given up.
BUFFERED_BYTES = 64 * 1024 * 1024

#: Whole requests that wait for a thread; one more is asked to come again.
WAITING_REQUESTS = 1024

#: From the first request of a shared door to the hand-over of all that came meanwhile, and the most
#: of them. Their callers are machines that wait for seconds.
GATHER_SECONDS, GATHERED = 0.02, 64

#: Requests in progress in one process; most wait for the store's disk, which groups their writes.
THREADS = 4

#: With all threads busy and no request begun for so long, a process is replaced. A thread waits
#: for the store at most 4 seconds a command (receipts/store/connection.py).
STUCK_SECONDS = 20.0


#: The same, after which /healthz says so.
UNHEALTHY_SECONDS = 8.0

#: When a process is told to end: between two requests, so that a client's next one is answered with
#: `Connection: close`. Nginx keeps an idle connection for 2 seconds and must be the first to close.
DRAIN_SECONDS = 3.0

#: When a process is told to end: for all requests in progress. Twilio waits for 15 seconds.
STOP_SECONDS = 18.0


class Door(NamedTuple):
    """Limits of the requests whose path begins with ``prefix``."""

    prefix: str
    max_bytes: int
    seconds: float
    is_inside: bool = False
    #: Its requests end with a commit that they can share: one thread takes those that are ready.
    is_shared: bool = False


#: The first that fits counts. Twilio's and Kannel's requests and forms are small.
DOORS = (
    Door("/feed/", MAX_FEED_BYTES, 60.0, is_inside=True),
    Door("/kannel/report", MAX_BODY_BYTES, 10.0, is_inside=True, is_shared=True),
    Door("/kannel/", MAX_BODY_BYTES, 10.0, is_inside=True),
    Door("/receipts/", MAX_BODY_BYTES, 10.0, is_shared=True),
    Door("/console/rulebook/upload", MAX_UPLOAD_BYTES, 60.0),
    Door("/counter/bulk/upload", MAX_LIST_BYTES, 60.0),
    Door("/", MAX_BODY_BYTES, 10.0),
)


def door_of(path: str) -> Door:
    """The door of a decoded path; several slashes at its start count as one."""
    path = "/" + path.lstrip("/")
    return next(door for door in DOORS if path.startswith(door.prefix))
