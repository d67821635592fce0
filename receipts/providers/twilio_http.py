"""HTTP client of Twilio's SDK: one requests session, with a deadline and limits."""

import logging
import math
import time
from collections.abc import Iterator
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http import HttpClient
from twilio.http.response import Response

from receipts.ports.provider import DeadlineExceededError

#: Seconds to connect, and between the bytes of a response. The SDK's default is no limit.
TIMEOUTS_SECONDS = (3.05, 10.0)

#: Size limit of a response body after decompression.
MAX_BODY_BYTES = 1 << 20

_CHUNK_BYTES = 65536

_TWILIO = "twilio.com"

#: Time of the monotonic clock after which no request of this context is sent.
send_deadline: ContextVar[float] = ContextVar("send_deadline", default=math.inf)


class SdkHttpClient(HttpClient):
    """Sends the SDK's requests to ``base_url``, safe for threads.

    Twilio has a host for each product: at Twilio, also in a region of it, each request goes to
    the host of its product; elsewhere all of them go to ``base_url``.

    The SDK's own client keeps its last response on a shared attribute, has no time-out, and logs
    phone numbers. This one logs none, follows no redirects, retries none, and keeps no cookies.
    """

    def __init__(
        self, base_url: str, connections: int, timeouts_seconds: tuple[float, float] | None = None
    ) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._base_url = base_url.rstrip("/")
        self._timeouts_seconds = timeouts_seconds or TIMEOUTS_SECONDS
        self._session = session = _Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, _DeadlineAdapter(pool_maxsize=connections, max_retries=0))
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Proxies and authorities of the environment, read here once; a .netrc never replaces
        # the credentials.
        found = session.merge_environment_settings(base_url, {}, None, None, None)
        session.proxies, session.verify = found["proxies"], found["verify"]
        session.trust_env = False

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def request(self, method: str, url: str, **options: Any) -> Response:  # noqa: ANN401 - the SDK's
        """Send one request and read its response, at most ``MAX_BODY_BYTES`` long.

        ``options`` are those of ``requests``.
        Raises requests.RequestException or DeadlineExceededError.
        """
        asked = urlsplit(url)
        target = asked._replace(scheme="", netloc="").geturl()
        if options.get("data"):  # encoded here, which costs less than in the session
            options["data"] = urlencode(options["data"], doseq=True)
        options["allow_redirects"] = False
        options["timeout"] = options.get("timeout") or self._timeouts_seconds
        address = _address_for(self._base_url, asked.hostname or "") + target
        with self._session.request(method, address, **options, stream=True) as response:
            # The API answers in UTF-8 whether or not its headers name a charset.
            text = _body(response).decode(errors="replace")
            return Response(response.status_code, text, response.headers)


def _address_for(base_url: str, host: str) -> str:
    """The address of the product that the SDK asks, messaging.twilio.com beside api.twilio.com."""
    product, _, region = (urlsplit(base_url).hostname or "").partition(".")
    asked = host.partition(".")[0]
    is_twilio = region == _TWILIO or region.endswith(f".{_TWILIO}")
    return f"https://{asked}.{region}" if is_twilio and asked != product else base_url


class _Session(requests.Session):
    """A session for which no response is a redirect: it would read the body of one in full."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No target."""


class _DeadlineAdapter(HTTPAdapter):
    """Sends no complete request after ``send_deadline``, the end of a worker's lease.

    The deadline is checked twice: before a connection is looked for, and after the connection
    and the headers, just before the body. Connecting takes up to 3 seconds of a lease of 5, and
    a process may be suspended at any line. The server discards a request without its body.
    """

    def send(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401 - the library's parameters
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> requests.Response:
        """Send one prepared request. Raises DeadlineExceededError."""
        _check(send_deadline.get())
        return super().send(request, *args, **kwargs)

    def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:  # noqa: ANN401
        """Turn the body into a stream; this hook runs last before the request is written."""
        super().add_headers(request, **kwargs)
        if isinstance(request.body, str):
            request.body = _checked(request.body.encode(), send_deadline.get())  # type: ignore[assignment]


def _checked(body: bytes, deadline: float) -> Iterator[bytes]:
    """Yield the body when it is about to be written. Raises DeadlineExceededError."""
    _check(deadline)
    yield body


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise DeadlineExceededError


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise requests.exceptions.ContentDecodingError("response too long")
    return bytes(body)
