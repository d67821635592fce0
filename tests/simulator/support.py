"""Client of the network's HTTP API."""

# ruff: noqa: ANN401 - JSON answers have no type
from dataclasses import dataclass, field
from typing import Any, Self

import requests

PHONE = "13802880000"


@dataclass
class Network:
    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def post(self, path: str, expect: int | None = None, **body: Any) -> Any:
        answer = self.session.post(self.url + path, json=body, timeout=10)
        assert expect is None or answer.status_code == expect, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        return self.session.get(self.url + path, timeout=40).json()

    def events(self, number: str, kind: str = "", after: int = 0) -> list[dict[str, Any]]:
        found = self.get(f"/api/phones/{number}/events?after={after}")["events"]
        return [event for event in found if not kind or event["kind"] == kind]

    def texts(self, number: str, direction: str = "in") -> list[str]:
        return [e["body"] for e in self.events(number, "text") if e["direction"] == direction]
