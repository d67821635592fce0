"""HTTP client on libcurl: GET requests over kept connections, each sent at most once."""

import math
import re
import select
import ssl
import threading
import time
from urllib.parse import urlsplit

import certifi
import pycurl

from receipts.ports.provider import DeadlineExceededError

#: Idle time after which a connection is not reused. Servers close idle connections. A request
#: written to a connection that the server is just closing has an unknown outcome.
MAX_IDLE_SECONDS = 2

#: Size limit of a response body. No gateway answers with more.
MAX_BODY_BYTES = 1 << 20

#: A status line. libcurl also accepts other versions and a status of four digits.
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] \d{3}[ \r\n]")

#: Names of libcurl's error codes, such as COULDNT_CONNECT. Its messages may quote the request.
_ERROR_NAMES = {
    getattr(pycurl, name): name.removeprefix("E_")
    for name in sorted(dir(pycurl))
    if name.startswith("E_") and not name.startswith("E_MULTI_")
}


class ConnectError(Exception):
    """No connection was made; no byte of the request was sent."""


class NoResponseError(Exception):
    """The request may have been sent, and no complete response arrived."""


class CurlHttpClient:
    """HTTP/1.1 client of one server, safe for threads: each keeps a connection of its own.

    It follows no redirects, uses no proxies, and keeps no cookies. A user name and password in
    the URL are ignored. TLS certificates are verified against the system's authorities, or
    against certifi's where OpenSSL names no file (``SSL_CERT_FILE`` names another).
    """

    def __init__(self, url: str, timeouts_seconds: tuple[float, float]) -> None:
        """``timeouts_seconds``: to connect (with TLS), and for the complete exchange."""
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._timeouts_seconds = timeouts_seconds
        self._authorities = ssl.get_default_verify_paths().cafile or certifi.where()
        self._threads = threading.local()

    def get(self, target: str, deadline: float = math.inf) -> tuple[int, bytes]:
        """Return status and body of the response to one GET request.

        ``target`` is the path and the query, quoted. ``deadline`` is a time of the monotonic
        clock; after it no byte is sent.
        Raises ConnectError, NoResponseError or DeadlineExceededError.
        """
        curl, exchange = self._handle()
        exchange.begin(deadline)
        curl.setopt(pycurl.FRESH_CONNECT, _has_input(curl.getinfo(pycurl.ACTIVESOCKET)))
        curl.setopt(pycurl.URL, self._origin + target)
        try:
            curl.perform()
        except pycurl.error as error:
            reason = _ERROR_NAMES.get(error.args[0], "UNKNOWN")
            if exchange.attempts == 0:
                raise ConnectError(reason) from None
            if exchange.is_late:
                raise DeadlineExceededError from None
            raise NoResponseError("closed" if exchange.attempts > 1 else reason) from None
        return curl.getinfo(pycurl.RESPONSE_CODE), b"".join(exchange.body)

    def _handle(self) -> tuple[pycurl.Curl, "_Exchange"]:
        """Handle of this thread; it closes its connection when the thread ends."""
        handle: tuple[pycurl.Curl, _Exchange] | None = getattr(self._threads, "handle", None)
        if handle is None:
            exchange = _Exchange()
            handle = self._threads.handle = (self._new_curl(exchange), exchange)
        return handle

    def _new_curl(self, exchange: "_Exchange") -> pycurl.Curl:
        connect_seconds, total_seconds = self._timeouts_seconds
        curl = pycurl.Curl()
        for option, value in (
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.PATH_AS_IS, 1),
            (pycurl.PROXY, ""),  # an empty string also overrides the environment
            (pycurl.CAINFO, self._authorities),
            (pycurl.USERAGENT, "sms-receipt"),
            # Signals would interrupt other threads.
            (pycurl.NOSIGNAL, 1),
            (pycurl.CONNECTTIMEOUT_MS, round(connect_seconds * 1000)),
            (pycurl.TIMEOUT_MS, round(total_seconds * 1000)),
            (pycurl.MAXCONNECTS, 1),
            (pycurl.MAXAGE_CONN, MAX_IDLE_SECONDS),
            (pycurl.MAXFILESIZE_LARGE, MAX_BODY_BYTES),  # bounds the sum of the body's parts
            (pycurl.PREREQFUNCTION, exchange.before_request),
            (pycurl.HEADERFUNCTION, exchange.receive_header),
            (pycurl.WRITEFUNCTION, exchange.body.append),
        ):
            curl.setopt(option, value)
        return curl


def _has_input(descriptor: int) -> bool:
    """Tell whether an idle connection was closed, or holds bytes that no request asked for.

    libcurl looks for closed connections once a second only. Without one, -1 is given.
    """
    if descriptor < 0:
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class _Exchange:
    """State of one request. It holds no handle, so that no cycle keeps the handle alive."""

    def __init__(self) -> None:
        self.body: list[bytes] = []
        self.begin(math.inf)

    def begin(self, deadline: float) -> None:
        self._deadline = deadline
        self.attempts, self.is_late = 0, False
        self.body.clear()

    def before_request(self, *_addresses: object) -> int:
        """Refuse late and repeated attempts; libcurl calls this once before each one is sent.

        When a kept connection fails before the first byte of a response, libcurl sends the
        request again on a new one, although the server may have processed it.
        """
        self.attempts += 1
        self.is_late = self.attempts == 1 and time.monotonic() > self._deadline
        refused = self.is_late or self.attempts > 1
        return pycurl.PREREQFUNC_ABORT if refused else pycurl.PREREQFUNC_OK

    def receive_header(self, line: bytes) -> int | None:
        """Refuse a malformed status line; see ``_STATUS_LINE``."""
        return 0 if line.startswith(b"HTTP/") and not _STATUS_LINE.match(line) else None
