"""How Twilio's SDK speaks: requests on our own pool of connections, in time or not at all."""

import math
import threading
import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.structures import CaseInsensitiveDict
from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from receipts.lines import TooLate

#: Seconds to connect and to wait for an answer; the SDK's own default is to wait for ever.
TIMEOUTS = (3.05, 10.0)

#: How many addresses are known by heart: texts go to one.
_ADDRESSES = 16

#: By when the words of what this thread sends must have left, by the monotonic clock.
leaving = threading.local()


class _InTime(HTTPConnection):
    """Looks at the clock as late as can be: a process may be stopped, and go on, at any line."""

    #: What a request is made of, until it is whole.
    _parts: list[bytes] | None = None

    def request(self, *asked: Any, **more: Any) -> None:  # noqa: ANN401 - the library's own
        """Ask, in one piece: head and body each on its own would wake the other side twice."""
        parts = self._parts = []
        try:
            super().request(*asked, **more)
        finally:
            self._parts = None
        self.send(b"".join(parts))

    def send(self, data: Any) -> None:  # noqa: ANN401 - as above
        """Write some octets, once all are there. Raises TooLate."""
        if self._parts is not None:
            self._parts.append(data)
            return
        if self.sock is None:
            self.connect()
        if time.monotonic() > getattr(leaving, "by", math.inf):
            raise TooLate
        super().send(data)


class _SecureInTime(_InTime, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _InTime


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureInTime


class _Adapter(HTTPAdapter):
    """One that looks for its pool once an address, and not once a text."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as above
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        self._pools: dict[str, Any] = {}

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        *how: Any,  # noqa: ANN401 - as above
        **more: Any,  # noqa: ANN401 - as above
    ) -> Any:  # noqa: ANN401 - as above
        """The connections to an address; what else decides on them is the same for all texts."""
        address = str(request.url).partition("?")[0]
        pool = self._pools.get(address)
        if pool is None:
            pool = super().get_connection_with_tls_context(request, *how, **more)
            if len(self._pools) < _ADDRESSES:
                self._pools[address] = pool
        return pool

    def build_response(
        self,
        req: requests.PreparedRequest,
        resp: Any,  # noqa: ANN401 - as above
    ) -> requests.Response:
        """Without cookies, of which we keep none, and without a guess at the charset."""
        answer = requests.Response()
        answer.status_code, answer.reason = resp.status, resp.reason
        answer.headers = CaseInsensitiveDict(resp.headers)
        answer.raw, answer.request, answer.url = resp, req, str(req.url)
        return answer


class SdkHttp(HttpClient):
    """The SDK's requests, at another address when asked for, never without a time-out.

    The SDK's own client hands back its last answer from a shared attribute: two threads would
    read each other's. Here each answer stays with its request.
    """

    def __init__(self, api_url: str, connections: int) -> None:
        super().__init__(_SILENT, False, None)
        self._api_url = api_url
        self._session = requests.Session()
        self._adapter = _Adapter(pool_maxsize=connections, max_retries=0)
        self._session.mount("https://", self._adapter)
        self._session.mount("http://", self._adapter)
        # Proxies and authorities as the surroundings name them, looked up once and not a text.
        found = self._session.merge_environment_settings(api_url, {}, None, None, None)
        self._proxies, verify = found["proxies"], found["verify"]
        self._verify = True if verify is None else verify
        self._session.proxies, self._session.verify = self._proxies, self._verify
        self._session.trust_env = False

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,  # noqa: FBT001, FBT002 - the SDK's own signature
    ) -> Response:
        """One request, answered or raising what requests raises."""
        url = url.replace("https://api.twilio.com", self._api_url, 1)
        if method == "POST" and not params and not allow_redirects:
            answer = self._posted(_form(url, data or {}, headers or {}, auth), timeout)
        else:
            answer = self._session.request(
                method.upper(),
                url,
                params=params,  # type: ignore[arg-type]
                data=data,
                headers=headers,
                auth=auth,
                timeout=timeout or TIMEOUTS,
                allow_redirects=allow_redirects,
            )
        # Always UTF-8: a guess at the charset would make our own words unlike what was sent.
        return Response(answer.status_code, answer.content.decode(errors="replace"), answer.headers)

    def _posted(self, asked: requests.PreparedRequest, timeout: float | None) -> requests.Response:
        """A form, by the adapter alone: a session looks for cookies, hooks and ways onward too."""
        return self._adapter.send(
            asked,
            timeout=timeout or TIMEOUTS,
            verify=self._verify,
            proxies=self._proxies,
        )


def _form(
    url: str, data: dict[str, object], headers: dict[str, str], auth: tuple[str, str] | None
) -> requests.PreparedRequest:
    """What a session would make of it, without asking each part what it is."""
    asked = requests.PreparedRequest()
    asked.method, asked.url = "POST", _quoted(url)
    asked.body = urlencode(data, doseq=True)
    asked.headers = CaseInsensitiveDict(headers | {"Content-Length": str(len(asked.body))})
    return HTTPBasicAuth(*auth)(asked) if auth else asked


@lru_cache(maxsize=16)
def _quoted(url: str) -> str:
    """An address as requests would ask for it. Raises what requests raises."""
    asked = requests.PreparedRequest()
    asked.prepare_url(url, None)
    return str(asked.url)


#: The SDK wants a logger and would log numbers through it; nothing of ours is logged there.
_SILENT: Any = None
