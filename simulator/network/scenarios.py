"""Delivery scenarios: the last digits of the recipient choose one from `scenarios.toml`."""

import tomllib
from pathlib import Path

import msgspec

from simulator.network.phones import PhoneRegistry

_DEFAULT_DELIVERY_SECONDS = 0.3


class StatusReport(msgspec.Struct, frozen=True, array_like=True):
    """A status that the network reports so many seconds after it took the text."""

    delay_seconds: float
    status: str
    error_code: str = ""


class Scenario(msgspec.Struct, frozen=True):
    """The reports for a text; without reports it is delivered silently."""

    tail: str
    name: str
    zh: str
    en: str
    steps: tuple[StatusReport, ...]
    twice: bool = False

    def reports(self) -> list[StatusReport]:
        """Return each report, twice where the scenario repeats them."""
        return [step for step in self.steps for _ in range(2 if self.twice else 1)]

    def delivery_seconds(self) -> float | None:
        """Return the seconds until the text is on the phone, or None when it never arrives."""
        if not self.steps:
            return _DEFAULT_DELIVERY_SECONDS
        return next((s.delay_seconds for s in self.steps if s.status == "delivered"), None)


class Scenarios:
    """Chooses the scenario of a text by its recipient."""

    def __init__(self, phones: PhoneRegistry) -> None:
        self._phones = phones
        rows = tomllib.loads(Path(__file__).with_name("scenarios.toml").read_text("utf-8"))
        self.table = msgspec.convert(rows["scenario"], tuple[Scenario, ...])
        self._by_tail = {scenario.tail: scenario for scenario in self.table}

    def of(self, number: str) -> Scenario:
        """Return the scenario of a text to this number now; built-in phones obey power only."""
        if self._phones.has(number):
            phone = self._phones.get(number)
            if not phone.on:
                return self._by_tail["0001"]
            if phone.built_in:
                return self._by_tail[""]
        return self._by_tail.get(number[-4:], self._by_tail[""])
