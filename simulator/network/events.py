"""Event log of the phones: one sequence, read by long polling."""

from collections import defaultdict, deque
from datetime import UTC, datetime
from threading import Condition
from time import monotonic, time_ns
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
        self._first = self._last = time_ns() // 1_000_000
        self._all: deque[Event] = deque(maxlen=_KEPT_IN_ALL)
        self._by_phone: dict[str, deque[Event]] = defaultdict(lambda: deque(maxlen=_KEPT_PER_PHONE))

    def record(self, phone: str, kind: str, **detail: object) -> Event:
        """Append one event, wake all readers that wait, and return it."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with self._changed:
            self._last += 1
            event = {"seq": self._last, "at": at, "phone": phone, "kind": kind, **detail}
            self._all.append(event)
            self._by_phone[phone].append(event)
            self._changed.notify_all()
        return event

    def last(self) -> int:
        """Return the sequence number of the newest event."""
        return self._last

    def is_foreign(self, seq: int) -> bool:
        """Tell whether a sequence number comes from another run of the network."""
        return seq > self._last or 0 < seq < self._first

    def after(self, seq: int, phone: str | None = None, wait_seconds: float = 0) -> list[Event]:
        """Return the events after `seq`, oldest first; wait for the first one if there is none."""
        deadline = monotonic() + wait_seconds
        with self._changed:
            while True:
                found = self._newer_than(seq, phone)
                remaining = deadline - monotonic()
                if found or remaining <= 0:
                    return found
                self._changed.wait(remaining)

    def _newer_than(self, seq: int, phone: str | None) -> list[Event]:
        found: list[Event] = []
        for event in reversed(self._all if phone is None else self._by_phone[phone]):
            if event["seq"] <= seq:
                break
            found.append(event)
        return found[::-1]
