"""A message centre and a provider with news: `python -m tests.drills.generator` FILE.

A process of its own. Whatever is not acknowledged is sent again until it is, and only then comes
what follows it. What was acknowledged, and when, goes into a log, one JSON object a request.
"""

import itertools
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import requests

from tests.drills.plan import Line, Plan
from tests.support.signing import feed_headers, twilio_headers

#: Seconds without an answer after which a request counts as lost.
_PATIENCE = 6


@dataclass(frozen=True)
class Orders:
    """What a generator is told; ``greedy``: every request is made twice at once, and again."""

    doors: str
    public: str
    log: str
    seed: int
    reports: int
    batch: int
    seconds: float
    feed_secret: str
    account: str
    token: str
    greedy: bool = False

    @property
    def plan(self) -> Plan:
        return Plan(self.seed, self.reports, self.batch)


@dataclass
class Log:
    """One line a request that came to its end."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, **said: object) -> None:
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(said) + "\n")


class Stream:
    """One connection: a batch, and once it is acknowledged, the next."""

    def __init__(self, orders: Orders, number: int, log: Log) -> None:
        self._orders, self._number, self._log = orders, number, log
        self._session = requests.Session()
        self._tries = self._lines = 0

    def run(self) -> None:
        batches = self._orders.plan.streams()[self._number]
        began = time.monotonic()
        for place, batch in enumerate(batches):
            at = began + self._orders.seconds * place / max(1, len(batches))
            time.sleep(max(0.0, at - time.monotonic()))
            # The log names what was acknowledged by the batch's place in its stream.
            self._tries = self._lines = 0
            self._batch(batch)
            self._log.write(stream=self._number, batch=place, lines=len(batch), sent=self._lines,
                            tries=self._tries, at=time.time())  # fmt: skip
            if self._orders.greedy or place % 7 == 3:
                # A late repeat of something long acknowledged: it must change nothing.
                self._batch(batches[place // 2])
        self._session.close()

    def _batch(self, batch: list[Line]) -> None:
        """Both doors, each news of a text in order: the feed's lines, then single callbacks."""
        for by_twilio, of_door in itertools.groupby(batch, key=lambda line: line.by_twilio):
            lines = list(of_door)
            if by_twilio:
                for line in lines:
                    self._callback(line)
            else:
                self._feed(lines)

    def _feed(self, lines: list[Line]) -> None:
        body = "\n".join(json.dumps(_as_line(line)) for line in lines).encode()
        if self._orders.greedy:
            zealous = threading.Thread(target=self._once_more, args=(body,))
            zealous.start()
            self._until_taken("/feed/reports", len(lines), lambda: (body, self._signed(body)))
            zealous.join()
        else:
            self._until_taken("/feed/reports", len(lines), lambda: (body, self._signed(body)))

    def _once_more(self, body: bytes) -> None:
        """The same batch at the same moment, from a connection of its own; nobody listens."""
        try:
            requests.post(f"{self._orders.doors}/feed/reports", data=body,
                          headers=self._signed(body), timeout=_PATIENCE)  # fmt: skip
        except requests.RequestException:
            return

    def _signed(self, body: bytes) -> dict[str, str]:
        return feed_headers(self._orders.feed_secret, body)

    def _callback(self, line: Line) -> None:
        fields = {
            "AccountSid": self._orders.account, "MessageSid": line.spelt, "From": line.sender,
            "To": line.friend, "MessageStatus": line.twilio_word,
        }  # fmt: skip
        url = f"{self._orders.public}/messages/status"
        headers = twilio_headers(self._orders.token, url, fields)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode()
        self._until_taken("/messages/status", 1, lambda: (body, headers))

    def _until_taken(self, path, lines, made):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        while True:
            self._tries += 1
            self._lines += lines
            body, headers = made()
            try:
                answer = self._session.post(self._orders.doors + path, data=body, headers=headers,
                                            timeout=_PATIENCE)  # fmt: skip
            except requests.RequestException:
                time.sleep(0.1)
                continue
            if answer.status_code < 300:
                if answer.status_code == 200 and answer.json()["refused"]:
                    self._log.write(wrong=answer.text[:300])
                return
            if answer.status_code != 503:
                self._log.write(wrong=f"{path} {answer.status_code} {answer.text[:200]}")
            time.sleep(0.1)


def _as_line(line: Line) -> dict[str, object]:
    said: dict[str, object] = {"id": line.spelt, "from": line.sender, "to": line.friend,
                               "status": line.word}  # fmt: skip
    return said | ({"part": line.part, "parts": line.parts} if line.parts > 1 else {})


def written(orders: Orders, path: Path) -> Path:
    """The orders, where the process will read them."""
    path.write_text(json.dumps(asdict(orders)))
    return path


def main(words: list[str]) -> None:
    """Send all, and end once all of it is acknowledged."""
    orders = Orders(**json.loads(Path(words[0]).read_text()))
    log = Log(Path(orders.log))
    streams = [Stream(orders, number, log) for number in range(len(orders.plan.streams()))]
    crowd = [threading.Thread(target=stream.run) for stream in streams]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1:])
