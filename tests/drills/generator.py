"""The load of a drill: `python -m tests.drills.generator FILE`, a process of its own.

It plays a message centre and a provider. A batch that is not acknowledged is sent again until it
is, and only then the next. The log has a JSON object for each acknowledged batch.
"""

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import requests

from tests.drills.plan import Plan, PlannedReport
from tests.support.signing import feed_headers, twilio_headers

#: Seconds without an answer after which a request counts as lost.
_TIMEOUT = 6

_FEED = "/feed/reports"


@dataclass(frozen=True)
class LoadConfig:
    """Addresses, secrets and plan of a load; ``duplicates`` sends each batch twice at once."""

    url: str
    public_url: str
    log: str
    plan: Plan
    seconds: float
    feed_secret: str
    account: str
    token: str
    duplicates: bool


@dataclass
class LoadLog:
    """A file with one JSON object a line."""

    path: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, **entry: object) -> None:
        with self._lock, self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


class ReportStream:
    """One connection: a batch, and once it is acknowledged, the next."""

    def __init__(self, config: LoadConfig, number: int, log: LoadLog) -> None:
        self._config, self._number, self._log = config, number, log
        self._session = requests.Session()
        self._sent = 0

    def run(self) -> None:
        batches = self._config.plan.streams()[self._number]
        began = time.monotonic()
        for index, batch in enumerate(batches):
            at = began + self._config.seconds * index / max(1, len(batches))
            time.sleep(max(0.0, at - time.monotonic()))
            self._sent = 0
            self._send(batch)
            counts = {"lines": len(batch), "sent": self._sent}
            self._log.write(stream=self._number, batch=index, at=time.time(), **counts)
            if self._config.duplicates or index % 7 == 3:
                # A late repeat of an acknowledged batch must change no record.
                self._send(batches[index // 2])
        self._session.close()

    def _send(self, batch: list[PlannedReport]) -> None:
        """Send the reports of a batch in order, by the feed or as single callbacks."""
        for by_twilio, reports in itertools.groupby(batch, key=lambda report: report.by_twilio):
            if not by_twilio:
                self._send_feed(list(reports))
                continue
            for report in reports:
                self._send_callback(report)

    def _send_feed(self, reports: list[PlannedReport]) -> None:
        body = "\n".join(json.dumps(report.feed_line()) for report in reports).encode()
        copy = threading.Thread(target=self._send_copy, args=(body,))
        if self._config.duplicates:
            copy.start()
        self._repeat(_FEED, len(reports), body, lambda: self._signed(body))
        if self._config.duplicates:
            copy.join()

    def _signed(self, body: bytes) -> dict[str, str]:
        return feed_headers(self._config.feed_secret, body)

    def _send_copy(self, body: bytes) -> None:
        """Send a batch on a connection of its own; the answer is ignored."""
        url, headers = self._config.url + _FEED, self._signed(body)
        with suppress(requests.RequestException):
            requests.post(url, data=body, timeout=_TIMEOUT, headers=headers)

    def _send_callback(self, report: PlannedReport) -> None:
        fields = {
            "AccountSid": self._config.account, "MessageSid": report.message_id,
            "From": report.sender, "To": report.recipient, "MessageStatus": report.twilio_status,
        }  # fmt: skip
        url = f"{self._config.public_url}/messages/status"
        headers = twilio_headers(self._config.token, url, fields) | {
            "Content-Type": "application/x-www-form-urlencoded"
        }
        self._repeat("/messages/status", 1, urlencode(fields).encode(), lambda: headers)

    def _repeat(
        self, path: str, reports: int, body: bytes, headers: Callable[[], Mapping[str, str]]
    ) -> None:
        """Send a request until it is acknowledged."""
        while True:
            self._sent += reports
            try:
                answer = self._session.post(self._config.url + path, data=body,
                                            headers=headers(), timeout=_TIMEOUT)  # fmt: skip
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


def main() -> None:
    """Send all batches; return once every one is acknowledged."""
    config = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=LoadConfig)
    log = LoadLog(Path(config.log))
    streams = [ReportStream(config, number, log) for number in range(len(config.plan.streams()))]
    with ThreadPoolExecutor(len(streams)) as pool:
        list(pool.map(ReportStream.run, streams))


if __name__ == "__main__":
    main()
