"""Client of the simulated network's JSON API: phones that text, call and receive."""

# ruff: noqa: ANN401 - JSON answers have no type
import datetime as dt
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import requests

from tests.support.product import PATIENCE_SECONDS

Event = dict[str, Any]

#: First digits of each kind of number; last digits below 0010 choose a delivery scenario.
BEGIN = {
    "CN-GD": "1380288", "CN-ZJ": "1395711", "CN-JL": "1384401", "CN-HE": "1380311",
    "CN-BJ": "1380013", "unicom": "1300101",
}  # fmt: skip
_tails = itertools.count(2000)


@dataclass
class Phones:
    network: str
    session: requests.Session = field(default_factory=requests.Session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def post(self, path: str, **body: object) -> Any:
        answer = self.session.post(f"{self.network}/api/{path}", json=body, timeout=40)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, **query: object) -> Any:
        answer = self.session.get(f"{self.network}/api/{path}", params=query, timeout=40)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def fresh(self, kind: str = "CN-GD") -> "Phone":
        number = f"{BEGIN[kind]}{next(_tails)}"
        self.post("phones", number=number)
        return Phone(self, number)

    def standing(self, number: str) -> "Phone":
        """Return a built-in phone, without its earlier events."""
        phone = Phone(self, number)
        phone.after = self.get(f"phones/{number}/events")["last"]
        return phone

    def trouble(self, api: str, kind: str, count: int = 0, seconds: float = 0) -> None:
        """Make a provider fail; a count of 0 lasts until kind ``none``."""
        self.post("faults", api=api, kind=kind, count=count, seconds=seconds)

    def sent_to(self, number: str) -> list[dict[str, Any]]:
        return self.get("messages", to=number)["messages"]


@dataclass
class Phone:
    """One phone; each wait continues after the event of the last."""

    phones: Phones
    number: str
    after: int = 0
    listening: bool = False

    def text(self, to: str, body: str) -> str:
        return self.phones.post(f"phones/{self.number}/texts", to=to, body=body)["id"]

    def asks(self, body: str) -> str:
        self.text("7500", body)
        return self.reply()

    def opens(self) -> "Phone":
        """The whole conversation that opens the service."""
        self.asks("KTDXHZ")
        assert "已开通" in self.asks("是")
        return self

    def calls(self, **more: object) -> str:
        """Dial 10086; the call's id."""
        self.listening = False
        return self.phones.post(f"phones/{self.number}/call", to="10086", **more)["call"]

    def hears(self, words: str) -> str:
        return self.wait(
            lambda e: e["kind"] == "spoken" and words in e["text"],
            what=f"the line to say {words}",
        )["text"]

    def presses(self, keys: str) -> None:
        if not self.listening:
            self.wait(lambda e: e["kind"] == "listening", what="the line to listen")
        self.listening = False
        heard = self.phones.post(f"phones/{self.number}/call/keys", digits=keys)["heard"]
        assert heard == len(keys), "the call did not listen"

    def is_hung_up_on(self) -> None:
        ended = self.wait(lambda e: e.get("state") == "ended", what="the call to end")
        assert ended["by"] == "service"

    def hangs_up(self) -> None:
        self.phones.post(f"phones/{self.number}/call/hangup")
        self.wait(lambda e: e.get("state") == "ended", what="the call to end")

    def events(self) -> list[Event]:
        return self.phones.get(f"phones/{self.number}/events", after=0)["events"]

    def wait(
        self, wanted: Callable[[Event], bool], seconds: float = PATIENCE_SECONDS, what: str = ""
    ) -> Event:
        """Return the next wanted event, without those before it."""
        deadline = time.monotonic() + seconds
        seen: list[Event] = []
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"{self.number} waited {seconds:g} s for {what}; saw {seen}"
            path = f"phones/{self.number}/events"
            for event in self.phones.get(path, after=self.after, wait=min(left, 5))["events"]:
                self.after = event["seq"]
                seen.append(event)
                self.listening = event["kind"] == "listening" or self.listening
                if wanted(event):
                    return event

    def reply(self) -> str:
        return self.inbox("7500")["body"]

    def inbox(self, peer: str) -> Event:
        """Return the next text in the inbox from this number."""
        return self.wait(
            lambda e: e["kind"] == "text" and e["direction"] == "in" and e["peer"] == peer,
            what=f"a text from {peer}",
        )

    def flash(self) -> Event:
        return self.wait(lambda e: e["kind"] == "flash", what="a flash message")

    def told(self, message: str = "") -> list[Event]:
        """Return the status callbacks about texts of this phone."""
        return [e for e in self.events() if e["kind"] == "callback" and message in str(e)]

    def arrived(self) -> list[str]:
        """Return the bodies of all receipts and notices on this phone."""
        return [
            e["body"] for e in self.events()
            if e["kind"] == "flash" or (e["kind"] == "text" and e["via"] in {"twilio", "kannel"})
        ]  # fmt: skip


def seconds_between(first: Event, second: Event) -> float:
    """Return the seconds from one event to another, by the network's clock."""
    moments = [dt.datetime.fromisoformat(event["at"]) for event in (first, second)]
    return (moments[1] - moments[0]).total_seconds()
