"""Phones in a test's hands, through the simulated network's own JSON API."""

# ruff: noqa: ANN401 - what the network answers has the shape it has
import datetime as dt
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

Event = dict[str, Any]

#: Where numbers of each kind begin; the simulated fates are decided by tails below 0010.
BEGIN = {
    "CN-GD": "1380288",
    "CN-ZJ": "1395711",
    "CN-JL": "1384401",
    "CN-HE": "1380311",
    "CN-BJ": "1380013",
    "unicom": "1300101",
}
_tails = itertools.count(2000)


@dataclass
class Phones:
    """The network's JSON API."""

    network: str
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, path: str, **body: object) -> Any:
        answer = self.session.post(f"{self.network}/api/{path}", json=body, timeout=10)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str, **query: object) -> Any:
        answer = self.session.get(f"{self.network}/api/{path}", params=query, timeout=40)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def fresh(self, kind: str = "CN-GD") -> "Phone":
        """A phone nobody has used yet."""
        number = f"{BEGIN[kind]}{next(_tails)}"
        self.post("phones", number=number)
        return Phone(self, number)

    def standing(self, number: str) -> "Phone":
        """One of the phones that the network brings along, from now on."""
        phone = Phone(self, number)
        phone.after = self.get(f"phones/{number}/events")["last"]
        return phone

    def trouble(self, api: str, kind: str, count: int = 0, seconds: float = 0) -> None:
        """Make a provider fail; a count of 0 means until told otherwise."""
        self.post("faults", api=api, kind=kind, count=count, seconds=seconds)

    def sent_to(self, number: str) -> list[dict[str, Any]]:
        """What the providers took for a phone, as they count it."""
        return self.get("messages", to=number)["messages"]


@dataclass
class Phone:
    """One phone; what it waits for is looked for after what it last waited for."""

    phones: Phones
    number: str
    after: int = 0
    listening: bool = False

    def text(self, to: str, body: str) -> str:
        """Send a text; its id."""
        return self.phones.post(f"phones/{self.number}/texts", to=to, body=body)["id"]

    def asks(self, body: str) -> str:
        """Text 7500; the answer."""
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
        """The next sentence of the line that holds these words."""
        return self.wait(
            lambda e: e["kind"] == "spoken" and words in e["text"], 10, f"the line to say {words}"
        )["text"]

    def presses(self, keys: str) -> None:
        """Press keys, once the line listens."""
        if not self.listening:
            self.wait(lambda e: e["kind"] == "listening", 10, "the line to listen")
        self.listening = False
        heard = self.phones.post(f"phones/{self.number}/call/keys", digits=keys)["heard"]
        assert heard == len(keys), "nobody was listening"

    def is_hung_up_on(self) -> None:
        """The line ends the call."""
        ended = self.wait(lambda e: e.get("state") == "ended", 10, "the call to end")
        assert ended["by"] == "service"

    def hangs_up(self) -> None:
        self.phones.post(f"phones/{self.number}/call/hangup")
        self.wait(lambda e: e.get("state") == "ended", 5, "the call to end")

    def events(self) -> list[Event]:
        return self.phones.get(f"phones/{self.number}/events", after=0)["events"]

    def wait(self, wanted: Callable[[Event], bool], seconds: float, what: str) -> Event:
        """The next event that is wanted; those before it are passed over."""
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
        """The next text from 7500, however it was sent."""
        return self.inbox("7500")["body"]

    def inbox(self, peer: str, seconds: float = 10) -> Event:
        """The next text in the inbox from somebody."""
        return self.wait(
            lambda e: e["kind"] == "text" and e["direction"] == "in" and e["peer"] == peer,
            seconds,
            f"a text from {peer}",
        )

    def flash(self, seconds: float = 10) -> Event:
        """The next message over the screen."""
        return self.wait(lambda e: e["kind"] == "flash", seconds, "a flash message")

    def told(self, message: str = "") -> list[Event]:
        """The network's news to the service of what this phone sent."""
        return [e for e in self.events() if e["kind"] == "callback" and message in str(e)]

    def arrived(self) -> list[str]:
        """All receipts and notices on this phone, on the screen or in the inbox."""
        return [
            e["body"] for e in self.events()
            if e["kind"] == "flash" or (e["kind"] == "text" and e["via"] in {"twilio", "kannel"})
        ]  # fmt: skip


def seconds_between(first: Event, second: Event) -> float:
    """From one event to another, by the network's own clock."""
    moments = [dt.datetime.fromisoformat(event["at"]) for event in (first, second)]
    return (moments[1] - moments[0]).total_seconds()
