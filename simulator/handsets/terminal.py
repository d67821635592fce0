"""A handset in the terminal: runs typed commands and prints the events of its phone."""

import os
import sys
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import Any

import requests

from simulator.handsets.commands import HELP, HOTLINE, SHORT_CODE, parse_command
from simulator.handsets.rendering import NOT_RUNNING, render_event

_DEFAULT_PHONE = "13802880000"
_DEFAULT_NETWORK_URL = "http://127.0.0.1:7501"
_POLL_SECONDS, _RETRY_SECONDS = 25, 1.5
# Piped input waits for the answer to each line, and ends after this long without an event.
_ANSWER_TIMEOUT_SECONDS, _QUIET_SECONDS = 6.0, 1.0
# A call listens again only after its prompts are spoken.
_CALL_TIMEOUT_SECONDS = 40.0
_ANSWER_TIMEOUTS = {
    "texts": _ANSWER_TIMEOUT_SECONDS,
    "call": _CALL_TIMEOUT_SECONDS,
    "call/keys": _CALL_TIMEOUT_SECONDS,
    "call/hangup": _ANSWER_TIMEOUT_SECONDS,
}


class TerminalHandset:
    """One phone of a running network, seen through the handset API."""

    def __init__(self, network_url: str, number: str, *, piped: bool, colours: bool) -> None:
        self._api_url = f"{network_url}/api/phones"
        self._number = number
        self._piped = piped
        self._colours = colours
        self._requests, self._polls = requests.Session(), requests.Session()
        self._print_lock = Lock()
        self._service_numbers: dict[str, Any] = {}
        self._last_seq = 0
        self._last_print = monotonic()
        self._in_call = False
        self._answered = Event()

    def connect(self) -> bool:
        """Put the phone on the network and watch its events; False without a network."""
        try:
            self._requests.post(self._api_url, json={"number": self._number}, timeout=5)
            news = self._events(self._requests, 0, 0)
            self._service_numbers = self._requests.get(self._api_url, timeout=5).json()
        except (requests.RequestException, ValueError):
            return False
        if "phone" not in news:
            self._print(news.get("error", "?"))
            return False
        self._last_seq = news["last"]
        self._print(f"{self._number} · {news['phone']['zh']} / {news['phone']['en']} · help")
        Thread(target=self._watch, daemon=True).start()
        return True

    def run_line(self, line: str) -> bool:
        """Run one typed line; False when it is `quit`."""
        if self._piped and line.strip():
            self._print(f"> {line.strip()}")
        action, fields = parse_command(line, in_call=self._in_call)
        match action:
            case "":
                pass
            case "quit":
                return False
            case "help":
                self._print(HELP)
            case "inbox":
                self._print_inbox()
            case "wait":
                self.wait_until_quiet(fields["seconds"])
            case _:
                self._request(action, fields)
        return True

    def _request(self, action: str, fields: dict[str, Any]) -> None:
        self._answered.clear()
        if fields.get("to") in {SHORT_CODE, HOTLINE}:
            fields["to"] = self._service_numbers[fields["to"]]
        try:
            response = self._requests.post(
                f"{self._api_url}/{self._number}/{action}", json=fields, timeout=10
            ).json()
        except (requests.RequestException, ValueError):
            self._print(NOT_RUNNING)
            return
        if "error" in response:
            reasons = (response.get("error_zh"), response["error"])
            self._print(f"! {' / '.join(filter(None, reasons))}")
        elif response.get("heard") == 0:
            self._print(
                "! 正在播放语音，按键未被接收 / the line was still speaking; the key was not taken"
            )
        elif self._piped and action in _ANSWER_TIMEOUTS:
            self._last_print = monotonic()
            self._answered.wait(_ANSWER_TIMEOUTS[action])

    def wait_until_quiet(self, seconds: float = _ANSWER_TIMEOUT_SECONDS) -> None:
        """Wait so long; piped input waits only until its events have been printed."""
        self._last_print = monotonic()
        deadline = self._last_print + seconds
        while monotonic() < deadline:
            if self._piped and monotonic() - self._last_print > min(_QUIET_SECONDS, seconds):
                return
            sleep(0.05)

    def _print_inbox(self) -> None:
        for event in self._events(self._requests, 0, 0)["events"]:
            if event["kind"] in {"text", "note"}:
                self._print(render_event(event, colours=self._colours))

    def _watch(self) -> None:
        reachable = True
        while True:
            try:
                news = self._events(self._polls, self._last_seq, _POLL_SECONDS)
            except (requests.RequestException, ValueError):
                if reachable:
                    self._print(NOT_RUNNING)
                reachable = False
                sleep(_RETRY_SECONDS)
                continue
            reachable = True
            self._last_seq = news["last"]
            for event in news["events"]:
                self._show(event)

    def _show(self, event: dict[str, Any]) -> None:
        text = render_event(event, colours=self._colours)
        if text:
            self._print(text)
            self._last_print = monotonic()
        if event["kind"] == "call":
            self._in_call = event["state"] != "ended"
        incoming = event["kind"] in {"flash", "note", "listening"} or event.get("direction") == "in"
        if incoming or event.get("state") == "ended":
            self._answered.set()

    def _events(self, session: requests.Session, after: int, wait_seconds: int) -> dict[str, Any]:
        news: dict[str, Any] = session.get(
            f"{self._api_url}/{self._number}/events",
            params={"after": after, "wait": wait_seconds},
            timeout=wait_seconds + 10,
        ).json()
        return news

    def _print(self, text: str) -> None:
        with self._print_lock:
            print(text, flush=True)


def main(arguments: list[str]) -> int:
    """Run the handset until `quit` or the end of input; return the exit status."""
    number = arguments[0] if arguments else _DEFAULT_PHONE
    network_url = os.environ.get("NETWORK_URL", "").strip().rstrip("/") or _DEFAULT_NETWORK_URL
    piped = not sys.stdin.isatty()
    handset = TerminalHandset(network_url, number, piped=piped, colours=sys.stdout.isatty())
    if not handset.connect():
        print(f"{NOT_RUNNING} ({network_url})", file=sys.stderr)
        return 1
    try:
        for line in iter(sys.stdin.readline, ""):
            if not handset.run_line(line):
                return 0
        if piped:
            handset.wait_until_quiet()
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
