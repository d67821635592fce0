"""HTTP client for the product's webhooks, signed and limited as Twilio does it."""

import base64
import hmac
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import SplitResult, quote, urlencode, urljoin, urlsplit

from simulator.settings import SimulatorSettings

# Twilio's limits: connecting, all attempts together, redirects, size of a response.
_CONNECT_SECONDS = 5.0
BUDGET_SECONDS = 15.0
_MAX_REDIRECTS = 10
_MAX_BODY_BYTES = 64 * 1024

#: Location fields of Twilio's webhooks; empty for numbers of mainland China.
NO_PLACES = dict.fromkeys(("FromCity", "FromState", "FromZip", "ToCity", "ToState", "ToZip"), "")


class WebhookError(Exception):
    """No usable response came in time."""

    #: Twilio's error code for it.
    code = "11200"


@dataclass(frozen=True)
class WebhookResponse:
    """Response of the product; `url` is the address after all redirects."""

    status: int
    content_type: str
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the success range of HTTP


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """Return X-Twilio-Signature: HMAC-SHA1 over the address and the sorted form fields."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.digest(token.encode(), text.encode(), "sha1")
    return base64.b64encode(digest).decode()


def wire_url(url: str) -> str:
    """Return the URL as it is sent and signed: no fragment, existing escapes kept."""
    return quote(url.split("#", maxsplit=1)[0], safe="%/:?[]@!$&'()*+,;=~-._")


def failed(url: str, code: str) -> dict[str, str]:
    """Return the fields that a fallback request adds to those of the first."""
    return {"ErrorCode": code, "ErrorUrl": url}


class WebhookClient:
    """Signs PUBLIC_URL addresses, and connects to DOORS_URL in their place."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings

    def url(self, path: str) -> str:
        """Return the public address of a path of the product."""
        return self._settings.public_url + path

    def request(
        self, method: str, url: str, fields: Mapping[str, str], token: str, budget_seconds: float
    ) -> WebhookResponse:
        """Send a request; Kannel's have no token and no signature. Raises: WebhookError.

        `token` is the same in every attempt.
        """
        if method == "GET" and fields:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"
        form = None if method == "GET" else fields
        return self._follow(url, form, token, monotonic() + budget_seconds)

    def deliver(
        self, method: str, url: str, fields: Mapping[str, str], token: str, budget_seconds: float
    ) -> WebhookResponse:
        """Send a request; a failed server is an error too. Raises: WebhookError."""
        response = self.request(method, url, fields, token, budget_seconds)
        if response.status >= 500:  # noqa: PLR2004 - the server-error range of HTTP
            raise WebhookError(str(response.status))
        return response

    def _follow(
        self, url: str, form: Mapping[str, str] | None, token: str, deadline: float
    ) -> WebhookResponse:
        for _ in range(_MAX_REDIRECTS + 1):
            url = wire_url(url)
            response, location = self._send(url, form, self._headers(url, form, token), deadline)
            if not location:
                return response
            url = urljoin(url, location)
            if response.status not in {307, 308}:
                # As browsers do: the redirected request is a GET without the form.
                form = None
        raise WebhookError(f"more than {_MAX_REDIRECTS} redirects")

    def _headers(self, url: str, form: Mapping[str, str] | None, token: str) -> dict[str, str]:
        headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*", "Connection": "close"}
        if token:
            # Twilio signs with the primary token, also during rotation.
            primary_token = self._settings.auth_tokens[0]
            headers["X-Twilio-Signature"] = signature(primary_token, url, form or {})
            headers["X-Home-Region"] = "us1"
            headers["I-Twilio-Idempotency-Token"] = token
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        return headers

    def _send(
        self, url: str, form: Mapping[str, str] | None, headers: dict[str, str], deadline: float
    ) -> tuple[WebhookResponse, str]:
        method, body = ("GET", None) if form is None else ("POST", urlencode(form).encode())
        parts = urlsplit(self._reachable(url))
        target = (parts.path or "/") + (f"?{parts.query}" if "?" in url else "")
        try:
            connection = _connect(parts, deadline)
            try:
                connection.request(method, target, body, headers)
                reply = connection.getresponse()
                content = reply.read(_MAX_BODY_BYTES + 1)
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise WebhookError(str(error) or type(error).__name__) from error
        if len(content) > _MAX_BODY_BYTES:
            raise WebhookError("the answer is over 64 kB")
        moved = reply.status in {301, 302, 303, 307, 308}
        location = reply.headers.get("Location", "") if moved else ""
        content_type = reply.headers.get("Content-Type", "").split(";")[0].strip().lower()
        return WebhookResponse(reply.status, content_type, content, url), location

    def _reachable(self, url: str) -> str:
        public = self._settings.public_url
        if url.startswith(public) and url[len(public) : len(public) + 1] in {"", "/", "?"}:
            return self._settings.doors_url + url[len(public) :]
        return url


def _connect(parts: SplitResult, deadline: float) -> http.client.HTTPConnection:
    remaining = deadline - monotonic()
    if remaining <= 0:
        raise WebhookError("the time for all attempts together is used up")
    secure = parts.scheme == "https"
    connection_type = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connection_type(
        parts.hostname or "", parts.port, timeout=min(_CONNECT_SECONDS, remaining)
    )
    connection.connect()
    connection.sock.settimeout(max(0.1, deadline - monotonic()))
    return connection
