"""A handset in the terminal: texts, calls, and what arrives is printed as it arrives."""

import os
import sys
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import requests

from simulator.handset_words import HELP, HOTLINE, NOT_RUNNING, SERVICE, asked_for, described

_DEFAULT_PHONE = "13802880000"
_DEFAULT_NETWORK = "http://127.0.0.1:7501"
# How long a piped line waits for the answer to it, and how long silence must last to be the end.
_PATIENCE, _QUIET = 6.0, 1.0
# What a call says before it listens again takes as long as speaking it takes.
_IN_CALL_PATIENCE = 40.0
_ANSWERED = {
    "texts": _PATIENCE,
    "call": _IN_CALL_PATIENCE,
    "call/keys": _IN_CALL_PATIENCE,
    "call/hangup": _PATIENCE,
}


class Handset:
    """Prints what happens on one phone and does what its owner types."""

    def __init__(self, network: str, number: str, *, piped: bool, colours: bool) -> None:
        self._network = network
        self._number = number
        self._piped = piped
        self._colours = colours
        self._asking, self._watching = requests.Session(), requests.Session()
        self._screen = Lock()
        self._services: dict[str, Any] = {}
        self._last = 0
        self._heard = monotonic()
        self._in_call = False
        self._news = Event()

    def begin(self) -> bool:
        """Take the phone in hand; False when there is no network to be found."""
        try:
            self._asking.post(
                f"{self._network}/api/phones", json={"number": self._number}, timeout=5
            )
            now = self._fetch(self._asking, "events", 0, 0)
            self._services = self._asking.get(f"{self._network}/api/phones", timeout=5).json()
        except (requests.RequestException, ValueError):
            return False
        if "phone" not in now:
            self._print(now.get("error", "?"))
            return False
        self._last = now["last"]
        self._print(f"{self._number} · {now['phone']['zh']} / {now['phone']['en']} · help")
        Thread(target=self._watch, daemon=True).start()
        return True

    def obey(self, line: str) -> bool:
        """Do what one typed line asks for; False when it asks to stop."""
        if self._piped and line.strip():
            self._print(f"> {line.strip()}")
        wish, given = asked_for(line, in_call=self._in_call)
        match wish:
            case "nothing":
                pass
            case "quit":
                return False
            case "help":
                self._print(HELP)
            case "inbox":
                self._inbox()
            case "wait":
                self._settle(float(given["seconds"]), for_answer=False)
            case _:
                self._do(wish, given)
        return True

    def drain(self) -> None:
        """Let what is still under way arrive before a piped handset is put away."""
        self._settle(_PATIENCE, for_answer=False)

    def _do(self, wish: str, given: dict[str, Any]) -> None:
        self._news.clear()
        if given.get("to") in {SERVICE, HOTLINE}:
            given["to"] = self._services[given["to"]]
        try:
            answer = self._asking.post(
                f"{self._network}/api/phones/{self._number}/{wish}", json=given, timeout=10
            ).json()
        except (requests.RequestException, ValueError):
            self._print(NOT_RUNNING)
            return
        if "error" in answer:
            self._print(f"! {answer['error']}")
        elif answer.get("heard") == 0:
            self._print("! 对方此刻没有在听 / nobody was listening just then")
        elif self._piped and wish in _ANSWERED:
            self._settle(_ANSWERED[wish], for_answer=True)

    def _settle(self, seconds: float, *, for_answer: bool) -> None:
        until = monotonic() + seconds
        self._heard = monotonic()
        while monotonic() < until:
            if for_answer and self._news.wait(0.05):
                return
            if not for_answer and self._piped and monotonic() - self._heard > min(_QUIET, seconds):
                return
            Event().wait(0.05)

    def _inbox(self) -> None:
        for event in self._fetch(self._asking, "events", 0, 0)["events"]:
            if event["kind"] in {"text", "note"}:
                self._print(described(event, colours=self._colours))

    def _watch(self) -> None:
        running = True
        while True:
            try:
                news = self._fetch(self._watching, "events", self._last, 25)
            except (requests.RequestException, ValueError):
                if running:
                    self._print(NOT_RUNNING)
                running = False
                Event().wait(1.5)
                continue
            running = True
            self._last = news["last"]
            for event in news["events"]:
                self._happen(event)

    def _happen(self, event: dict[str, Any]) -> None:
        text = described(event, colours=self._colours)
        if text:
            self._print(text)
            self._heard = monotonic()
        if event["kind"] == "call":
            self._in_call = event["state"] != "ended"
        answers = event["kind"] in {"flash", "note", "listening"} or event.get("direction") == "in"
        if answers or event.get("state") == "ended":
            self._news.set()

    def _fetch(self, session: requests.Session, what: str, after: int, wait: int) -> dict[str, Any]:
        found: dict[str, Any] = session.get(
            f"{self._network}/api/phones/{self._number}/{what}",
            params={"after": after, "wait": wait},
            timeout=wait + 10,
        ).json()
        return found

    def _print(self, text: str) -> None:
        with self._screen:
            print(text, flush=True)


def main(arguments: list[str]) -> int:
    """Run the handset until its owner has enough; return the exit code."""
    number = arguments[0] if arguments else _DEFAULT_PHONE
    network = os.environ.get("NETWORK_URL", "").strip().rstrip("/") or _DEFAULT_NETWORK
    piped = not sys.stdin.isatty()
    handset = Handset(network, number, piped=piped, colours=sys.stdout.isatty())
    if not handset.begin():
        print(f"{NOT_RUNNING} ({network})", file=sys.stderr)
        return 1
    try:
        for line in iter(sys.stdin.readline, ""):
            if not handset.obey(line):
                return 0
        if piped:
            handset.drain()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
