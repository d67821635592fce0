"""The load of the rolling drill: `python -m tests.drills.rolling.load FILE`, a process of its own.

Each request is sent once. First as many as are answered, which is the capacity; then a share of it.
"""

import itertools
import json
import re
import select
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import msgspec

from tests.drills.plan import STREAMS, Plan, PlannedReport
from tests.support.front import NAME
from tests.support.signing import feed_headers, twilio_headers

#: As long as Twilio waits.
_TIMEOUT_SECONDS = 15
_PEOPLE = 6
_FIRST_CUSTOMER = 2000


@dataclass(frozen=True)
class LoadSettings:
    """Addresses, secrets and plan; files are in ``folder``."""

    folder: str
    port: int
    inside_port: int
    certificate: str
    plan: Plan
    account: str
    token: str
    feed_secret: str
    cookie: str
    ramp_seconds: float
    share: float


@dataclass
class LoadResult:
    """What became of the requests."""

    capacity: float = 0.0
    pace: float = 0.0
    requests: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    #: Batches that each stream of the plan has had acknowledged.
    batches: list[int] = field(default_factory=lambda: [0] * STREAMS)
    opened: list[str] = field(default_factory=list)
    p50: float = 0.0
    p99: float = 0.0
    longest: float = 0.0


class Load:
    """All clients, their common pace and the counts."""

    def __init__(self, settings: LoadSettings) -> None:
        self.settings, self.result = settings, LoadResult()
        self._counts: Counter[str] = Counter()
        self._seconds: list[float] = []
        self._lock = threading.Lock()
        self._interval, self._next = 0.0, 0.0
        self.over = threading.Event()
        self._token_file = Path(settings.folder, "token")

    @property
    def token(self) -> str:
        """The token with which Twilio signs now."""
        return self._token_file.read_text()

    def wait(self) -> None:
        """Sleep until the pace allows one more request."""
        with self._lock:
            now = time.monotonic()
            # A pause of the service is not made up for by a burst.
            self._next = at = max(self._next, now - 0.2) + self._interval
        time.sleep(max(0.0, at - now))

    def note(self, kind: str, seconds: float, failure: str) -> None:
        with self._lock:
            self._counts[kind] += 1
            self._seconds.append(seconds)
            if failure:
                self.result.failures.append(f"{time.time():.1f} {kind}: {failure}")

    def run(self) -> LoadResult:
        """Send until there is a file ``over``."""
        clients = [*(ReportClient(self, n).run for n in range(STREAMS)),
                   *(PeopleClient(self, n).run for n in range(_PEOPLE))]  # fmt: skip
        with ThreadPoolExecutor(len(clients)) as pool:
            running = [pool.submit(client) for client in clients]
            time.sleep(2)  # caches are filled, connections open
            before, began = self._counts.total(), time.monotonic()
            time.sleep(self.settings.ramp_seconds)
            counted = self._counts.total() - before
            self.result.capacity = counted / (time.monotonic() - began)
            self.result.pace = self.result.capacity * self.settings.share
            self._interval = 1 / self.result.pace
            self._seconds.clear()
            Path(self.settings.folder, "paced").write_text(f"{self.result.pace:.0f}")
            while not Path(self.settings.folder, "over").exists():
                time.sleep(0.1)
            self.over.set()
            for each in running:
                each.result()
        ordered = sorted(self._seconds)
        self.result.requests = dict(self._counts)
        self.result.p50, self.result.p99 = (ordered[len(ordered) * n // 100] for n in (50, 99))
        self.result.longest = ordered[-1]
        return self.result


class _Client:
    """Connections of one client, each used for one request after the other."""

    def __init__(self, load: Load, number: int) -> None:
        self._load, self._number, settings = load, number, load.settings
        context = ssl.create_default_context(cafile=settings.certificate)
        self._public = HTTPSConnection(
            "localhost", settings.port, timeout=_TIMEOUT_SECONDS, context=context
        )
        self._inside = HTTPConnection("127.0.0.1", settings.inside_port, timeout=_TIMEOUT_SECONDS)

    def form(self, kind: str, path: str, wanted: int, **fields: str) -> str:
        """Post a form as Twilio does; its answer, empty after a failure."""
        fields["AccountSid"] = self._load.settings.account
        headers = twilio_headers(self._load.token, f"https://{NAME}{path}", fields)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self.send(kind, "POST", path, wanted, urlencode(fields).encode(), headers)

    def send(
        self, kind: str, method: str, path: str, wanted: int, body: bytes,
        headers: Mapping[str, str], *, inside: bool = False,
    ) -> str:  # fmt: skip
        """Send one request, once; its answer, empty after a failure."""
        connection = self._inside if inside else self._public
        self._load.wait()
        began, text, failure = time.monotonic(), "", ""
        try:
            if connection.sock and select.select([connection.sock], [], [], 0)[0]:
                connection.close()  # the server has ended it between two requests
            connection.request(method, path, body, {"Host": NAME, **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != wanted:
                failure, text = f"{path} {answer.status} {text[:200]}", ""
        except (OSError, HTTPException) as error:
            connection.close()
            failure = f"{path} {error!r}"
        self._load.note(kind, time.monotonic() - began, failure)
        return text if not failure else ""

    def expect(self, kind: str, answer: str, *words: str) -> None:
        """Note a failure unless an answer has one of these words; an empty one was noted."""
        if answer and not any(word in answer for word in words):
            self._load.note(kind, 0.0, f"unexpected: {answer[:200]}")


class ReportClient(_Client):
    """One stream of the plan: the message centre's batches, and Twilio's single callbacks."""

    def run(self) -> None:
        for batch in self._load.settings.plan.stream(self._number):
            if self._load.over.is_set():
                return
            for by_twilio, reports in itertools.groupby(batch, lambda report: report.by_twilio):
                if by_twilio:
                    for each in reports:
                        self._call_back(each)
                else:
                    self._send_batch(list(reports))
            self._load.result.batches[self._number] += 1

    def _send_batch(self, reports: list[PlannedReport]) -> None:
        body = "\n".join(json.dumps(each.feed_line()) for each in reports).encode()
        headers = feed_headers(self._load.settings.feed_secret, body)
        answer = self.send("feed", "POST", "/feed/reports", 200, body, headers, inside=True)
        self.expect("feed", answer, '"refused":[]')

    def _call_back(self, report: PlannedReport) -> None:
        self.form("status", "/messages/status", 204, MessageSid=report.message_id,
                  From=report.sender, To=report.recipient,
                  MessageStatus=report.twilio_status)  # fmt: skip


class PeopleClient(_Client):
    """Customers who text, call, open the service and read pages."""

    def run(self) -> None:
        customers = itertools.cycle(each.number for each in self._load.settings.plan.customers())
        turns: Iterator[tuple[int, str]] = enumerate(customers)
        for turn, number in turns:
            sid = f"{self._number:08x}{turn:024x}"
            for act in (self._asks, self._calls, self._reads):
                if self._load.over.is_set():
                    return
                act(sid, number)
            if turn % 10 == 0:
                self._opens(sid, turn // 10)

    def _asks(self, sid: str, number: str) -> None:
        said = self.form("text", "/sms", 200, MessageSid=f"SM{sid}", From=number, To="7500",
                         Body="CXDXHZ")  # fmt: skip
        self.expect("text", said, "<Message>")

    def _calls(self, sid: str, number: str) -> None:
        call = {"CallSid": f"CA{sid}", "From": number, "To": "10086"}
        said = self.form("voice", "/voice", 200, **call, CallStatus="ringing")
        action = re.search(r'action="([^"]+)"', said)
        if action:
            at = urlsplit(action[1].replace("&amp;", "&"))
            path = f"{at.path}?{at.query}"
            said = self.form("voice key", path, 200, **call, CallStatus="in-progress", Digits="1")
        self.expect("voice", said, "<Say")
        self.form("voice", "/voice/ended", 204, **call, CallStatus="completed")

    def _reads(self, sid: str, number: str) -> None:
        del sid, number
        said = self.send("page", "GET", "/hall/sign-in", 200, b"", {})
        self.expect("page", said, "csrf")
        # With a session, which a change of SECRET_KEY must not end.
        self.send("session", "GET", "/hall/charges", 200, b"",
                  {"Cookie": self._load.settings.cookie})  # fmt: skip

    def _opens(self, sid: str, turn: int) -> None:
        index = _FIRST_CUSTOMER + turn * _PEOPLE + self._number
        number = f"+861380288{index:04}"
        for step, (body, words) in enumerate((("KTDXHZ", "开通"), ("是", "已开通"))):
            said = self.form("open", "/sms", 200, MessageSid=f"SM{step + 1}{sid[1:]}",
                             From=number, To="7500", Body=body)  # fmt: skip
            self.expect("open", said, words)
        if said:
            self._load.result.opened.append(number)


def main() -> None:
    """Read the settings, send, write the result."""
    file = Path(sys.argv[1])
    result = Load(msgspec.json.decode(file.read_bytes(), type=LoadSettings)).run()
    file.with_name("result.json").write_bytes(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
