"""Fault injection for the provider APIs: late answers, errors, cut connections."""

import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from threading import Lock
from time import sleep
from typing import Any, Literal, get_args

from flask import Response, request

FaultKind = Literal["none", "http_500", "http_503", "http_429", "slow", "cut_before", "cut_after"]
ProviderApi = Literal["twilio", "kannel"]


@dataclass
class Fault:
    """A fault for the next `count` requests; 0 lasts until it is switched off."""

    kind: FaultKind
    count: int = 1
    seconds: float = 0.0
    reads: bool = False


class FaultInjector:
    """Holds at most one fault for each provider API and applies it to requests."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults = {api: Fault("none", 0) for api in get_args(ProviderApi)}

    def set(self, api: ProviderApi, fault: Fault) -> None:
        """Switch a fault on; kind `none` switches it off."""
        with self._lock:
            self._faults[api] = Fault("none", 0) if fault.kind == "none" else fault

    def to_json(self) -> dict[str, Any]:
        """Return the fault of each provider API."""
        with self._lock:
            return {api: asdict(fault) for api, fault in self._faults.items()}

    def answer(
        self,
        api: ProviderApi,
        respond: Callable[[], Response],
        refuse: Callable[[FaultKind], Response],
        *,
        reading: bool = False,
    ) -> Response:
        """Answer a request under the present fault; `refuse` answers the HTTP errors."""
        fault = self._take(api, reading=reading)
        match fault.kind:
            case "none":
                return respond()
            case "slow":
                # Accepted before the wait: a caller that times out cannot tell.
                response = respond()
                sleep(fault.seconds)
                return response
            case "cut_before":
                return _cut_connection(Response())
            case "cut_after":
                return _cut_connection(respond())
            case _:
                return refuse(fault.kind)

    def _take(self, api: str, *, reading: bool) -> Fault:
        with self._lock:
            fault = self._faults[api]
            # Look-ups work during a fault unless `reads` is set: a provider whose answer to a
            # request got lost can usually still be asked for its result.
            if reading and (not fault.reads or fault.kind == "cut_after"):
                return Fault("none", 0)
            if fault.count:
                fault.count -= 1
                if fault.count == 0:
                    self._faults[api] = Fault("none", 0)
            return fault


def _cut_connection(unsent: Response) -> Response:
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return unsent
