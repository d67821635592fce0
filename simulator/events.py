"""Everything that happened on a phone, in one order, for whoever watches or comes back later."""

from collections import defaultdict, deque
from datetime import UTC, datetime
from threading import Condition
from time import monotonic
from typing import Any

from simulator.journal import Journal

Event = dict[str, Any]

_KEPT_PER_PHONE = 3_000
_KEPT_IN_ALL = 20_000


def now_text() -> str:
    """Return the present moment as the JSON API writes moments: UTC, milliseconds, Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Events:
    """Numbers only grow, also over restarts; a watcher that comes back misses nothing kept."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._news = Condition()
        self._last = 0
        self._all: deque[Event] = deque(maxlen=_KEPT_IN_ALL)
        self._of: dict[str, deque[Event]] = defaultdict(lambda: deque(maxlen=_KEPT_PER_PHONE))

    def record(self, phone: str, kind: str, **detail: object) -> Event:
        """Keep one event for good and wake everybody who waits for it."""
        with self._news:
            event = {
                "seq": self._last + 1,
                "at": now_text(),
                "phone": phone,
                "kind": kind,
                **detail,
            }
            self._journal.append("event", {"event": event})
            self.restore(event)
            self._news.notify_all()
        return event

    def restore(self, event: Event) -> None:
        """Take back an event that the journal kept."""
        self._last = event["seq"]
        self._all.append(event)
        self._of[event["phone"]].append(event)

    def last(self) -> int:
        """Return the number of the newest event."""
        return self._last

    def after(self, seq: int, phone: str | None = None, wait: float = 0) -> list[Event]:
        """Return what came after `seq`, oldest first; wait up to so many seconds for the first."""
        until = monotonic() + wait
        with self._news:
            while True:
                found = self._newer(seq, phone)
                left = until - monotonic()
                if found or left <= 0:
                    return found
                self._news.wait(left)

    def _newer(self, seq: int, phone: str | None) -> list[Event]:
        found: list[Event] = []
        for event in reversed(self._all if phone is None else self._of[phone]):
            if event["seq"] <= seq:
                break
            found.append(event)
        return found[::-1]
