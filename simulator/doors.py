"""Calls the product's doors as the provider does: signed, inside one time budget."""

import base64
import hashlib
import hmac
import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import quote, urlencode, urljoin, urlsplit

from simulator.settings import Settings

# The provider's own limits: connecting, all attempts together, redirects, size of an answer.
_CONNECT = 5.0
BUDGET = 15.0
_REDIRECTS = 10
_LARGEST = 64 * 1024


class NoAnswer(Exception):
    """The door could not be reached, or said nothing usable in time."""


@dataclass(frozen=True)
class Answer:
    """What a door said; `url` is where the answer came from in the end."""

    status: int
    kind: str
    body: bytes
    url: str

    @property
    def ok(self) -> bool:
        """Tell whether the door took it."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the success range of HTTP

    @property
    def again(self) -> bool:
        """Tell whether asking once more may help: the server failed, not the request."""
        return self.status >= 500  # noqa: PLR2004 - the server-error range of HTTP


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """Return X-Twilio-Signature: HMAC-SHA1 over the address and the sorted form fields."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def sendable(url: str) -> str:
    """Return the address as it goes over the wire: no fragment, nothing escaped twice."""
    return quote(url.split("#", maxsplit=1)[0], safe="%/:?[]@!$&'()*+,;=~-._")


class Doors:
    """Signs with PUBLIC_URL in the address, connects to DOORS_URL when that is somewhere else."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def at(self, path: str) -> str:
        """Return the public address of one of the product's doors."""
        return self._settings.public_url + path

    def post(
        self, url: str, fields: Mapping[str, str], once: str, budget: float = BUDGET
    ) -> Answer:
        """Post a signed form; `once` names the event and stays the same over retries."""
        return self._follow("POST", url, fields, once, monotonic() + budget)

    def get(self, url: str, once: str, budget: float = BUDGET, *, signed: bool = True) -> Answer:
        """Get a page; its query carries everything and is signed with the address."""
        return self._follow("GET", url, {}, once, monotonic() + budget, signed=signed)

    def _follow(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str],
        once: str,
        until: float,
        *,
        signed: bool = True,
    ) -> Answer:
        for _ in range(_REDIRECTS + 1):
            url = sendable(url)
            answer, onward = self._ask(
                method, url, fields, self._headers(url, fields, once, signed=signed), until
            )
            if not onward:
                return answer
            url = urljoin(url, onward)
            if answer.status not in {307, 308}:
                # Followed like a browser: the form is dropped, so doors must not redirect.
                method, fields = "GET", {}
        raise NoAnswer(f"more than {_REDIRECTS} redirects")

    def _headers(
        self, url: str, fields: Mapping[str, str], once: str, *, signed: bool
    ) -> dict[str, str]:
        headers = {"User-Agent": "TwilioProxy/1.1", "Accept": "*/*", "Connection": "close"}
        if signed:
            headers["X-Twilio-Signature"] = signature(self._settings.signing_token, url, fields)
            headers["X-Home-Region"] = "us1"
            headers["I-Twilio-Idempotency-Token"] = once
        return headers

    def _ask(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str],
        headers: dict[str, str],
        until: float,
    ) -> tuple[Answer, str]:
        body = None
        if method == "POST":
            body = urlencode(fields).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8"
        line = self._line(url, until)
        try:
            line.connect()
            line.sock.settimeout(max(0.1, until - monotonic()))
            line.request(method, self._target(url), body, headers)
            reply = line.getresponse()
            content = reply.read(_LARGEST + 1)
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
        finally:
            line.close()
        if len(content) > _LARGEST:
            raise NoAnswer("the answer is over 64 kB")
        moved = reply.status in {301, 302, 303, 307, 308}
        onward = reply.headers.get("Location", "") if moved else ""
        kind = reply.headers.get("Content-Type", "").split(";")[0].strip().lower()
        return Answer(reply.status, kind, content, url), onward

    def _line(self, url: str, until: float) -> http.client.HTTPConnection:
        left = until - monotonic()
        if left <= 0:
            raise NoAnswer("the time for all attempts together is used up")
        parts = urlsplit(self._real(url))
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        try:
            return kind(parts.hostname or "", parts.port, timeout=min(_CONNECT, left))
        except ValueError as error:
            raise NoAnswer(f"no usable address: {error}") from error

    def _target(self, url: str) -> str:
        without_host = re.sub(r"^[^:]+://[^/?]*", "", self._real(url))
        return without_host if without_host.startswith("/") else f"/{without_host}"

    def _real(self, url: str) -> str:
        public = self._settings.public_url
        if url.startswith(public) and url[len(public) : len(public) + 1] in {"", "/", "?"}:
            return self._settings.doors_url + url[len(public) :]
        return url
