"""Trouble at the providers' doors, for whoever wants to see what the product makes of it."""

from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

KINDS = ("none", "http_500", "http_503", "http_429", "slow", "cut_before", "cut_after")
APIS = ("twilio", "kannel")


@dataclass
class Fault:
    """One kind of trouble for the next `count` requests; 0 means until it is switched off."""

    kind: str
    count: int = 1
    seconds: float = 0.0
    reads: bool = False


class Faults:
    """At most one fault for each provider at a time; a counted one ends by itself."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._set: dict[str, Fault] = {}

    def put(self, api: str, fault: Fault) -> None:
        """Switch a fault on, or everything off with kind none."""
        with self._lock:
            if fault.kind == "none":
                self._set.pop(api, None)
            else:
                self._set[api] = fault

    def shown(self) -> dict[str, Any]:
        """Return what is switched on now."""
        with self._lock:
            return {api: asdict(self._set.get(api, Fault("none", 0))) for api in APIS}

    def strike(self, api: str, *, reading: bool = False) -> Fault:
        """Return the trouble that meets this request, and count it."""
        with self._lock:
            fault = self._set.get(api)
            # Looking something up works during a fault unless `reads` says otherwise: a provider
            # that loses an answer can usually still be asked what it has.
            if fault is None or (reading and (not fault.reads or fault.kind == "cut_after")):
                return Fault("none", 0)
            if fault.count:
                fault.count -= 1
                if fault.count == 0:
                    del self._set[api]
            return fault
