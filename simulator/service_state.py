"""State of the service as its routes under /demo tell it: the phones' customers, and the clock."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import requests

from simulator.errors import HandsetError
from simulator.network.events import EventLog
from simulator.network.numbering import canonical, e164
from simulator.network.phones import PhoneRegistry
from simulator.settings import SimulatorSettings

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_TIMEOUT_SECONDS = 5.0
_MAX_PHONES = 100


class ServiceUnavailableError(HandsetError):
    """The service does not tell its state."""

    status = 503

    def __init__(self) -> None:
        super().__init__("业务平台现在没有应答。", "The service does not answer just now.")


@dataclass
class ServiceState:
    """Reads customers and clock over HTTP; records an event for each customer that has changed."""

    settings: SimulatorSettings
    phones: PhoneRegistry
    events: EventLog
    _seen: dict[str, Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def refresh(self) -> dict[str, Any] | None:
        """Return the clock; None without DEMO_SECRET. Raises: ServiceUnavailableError."""
        if not self.settings.demo_secret:
            return None
        with self._lock:
            numbers = [phone.number for phone in self.phones.all()][:_MAX_PHONES]
            query = {"number": [e164(number) for number in numbers]}
            told = self._ask("GET", "/demo/customers", params=query)
            for customer in told["customers"]:
                self._record(canonical(customer.pop("number")), customer)
        return self._set_clock(told["clock"])

    def move_clock(self, move: str) -> dict[str, Any] | None:
        """Move the service's clock, to the month's end too. Raises: ServiceUnavailableError."""
        clock = self.refresh()
        if clock is None:
            return None
        move = clock["month_end"] if move == "month_end" else move
        return self._set_clock(self._ask("POST", "/demo/clock", data={"move": move})["clock"])

    def _record(self, number: str, customer: dict[str, Any]) -> None:
        if self.phones.has(number) and self._seen.get(number) != customer:
            self._seen[number] = customer
            self.events.record(number, "customer", **customer)

    def forget(self, number: str) -> None:
        """Forget a phone that was removed: added again, its state is told anew."""
        with self._lock:
            self._seen.pop(number, None)

    def _set_clock(self, clock: dict[str, Any]) -> dict[str, Any]:
        self.events.shift = timedelta(seconds=clock["moved_seconds"])
        today = datetime.fromisoformat(clock["now"]).astimezone(_SHANGHAI)
        next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return clock | {"month_end": f"{next_month:%Y-%m-%d}"}

    def _ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:  # noqa: ANN401
        headers = {"X-Demo-Secret": self.settings.demo_secret}
        url = self.settings.doors_url + path
        try:
            answer = requests.request(
                method, url, headers=headers, timeout=_TIMEOUT_SECONDS, **content
            )
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ServiceUnavailableError from error
        return told
