"""Event log of the phones: one sequence, read by long polling."""

from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from threading import Condition
from time import time_ns
from typing import Any

Event = dict[str, Any]

_KEPT_PER_PHONE = 3_000
_KEPT_IN_ALL = 20_000


class EventLog:
    """Keeps the latest events of each phone and of all.

    Sequence numbers begin at the start time in milliseconds, so they grow over restarts too.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        #: How far the service's clock was moved, as far as is known; events bear its time.
        self.shift = timedelta(0)
        self._first = self._last = time_ns() // 1_000_000
        self._all: deque[Event] = deque(maxlen=_KEPT_IN_ALL)
        self._by_phone: dict[str, deque[Event]] = defaultdict(lambda: deque(maxlen=_KEPT_PER_PHONE))

    def record(self, phone: str, kind: str, **detail: object) -> Event:
        """Append one event, wake all readers that wait, and return it."""
        at = (datetime.now(UTC) + self.shift).isoformat(timespec="milliseconds")
        at = at.replace("+00:00", "Z")
        with self._changed:
            self._last += 1
            event = {"seq": self._last, "at": at, "phone": phone, "kind": kind, **detail}
            self._all.append(event)
            self._by_phone[phone].append(event)
            self._changed.notify_all()
        return event

    def forget(self, phone: str) -> None:
        """Drop all events of one phone."""
        with self._changed:
            self._by_phone.pop(phone, None)
            kept = [event for event in self._all if event["phone"] != phone]
            self._all = deque(kept, maxlen=_KEPT_IN_ALL)

    def last(self) -> int:
        """Return the sequence number of the newest event."""
        return self._last

    def is_foreign(self, seq: int) -> bool:
        """Tell whether a sequence number comes from another run of the network."""
        return seq > self._last or 0 < seq < self._first

    def after(self, seq: int, phone: str | None = None, wait_seconds: float = 0) -> list[Event]:
        """Return the events after `seq`, oldest first; wait for the first one if there is none."""
        with self._changed:
            return self._changed.wait_for(lambda: self._newer_than(seq, phone), wait_seconds)

    def _newer_than(self, seq: int, phone: str | None) -> list[Event]:
        newest_first = reversed(self._all if phone is None else self._by_phone[phone])
        return list(takewhile(lambda event: event["seq"] > seq, newest_first))[::-1]
