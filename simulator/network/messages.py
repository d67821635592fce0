"""Log of the messages that the provider APIs accepted."""

from collections import Counter
from collections.abc import Iterator
from threading import Lock
from time import time
from typing import Any

import msgspec


class Message(msgspec.Struct):
    """One accepted message; `sender` and `to` are kept as the request wrote them."""

    sid: str
    api: str
    to: str
    sender: str = msgspec.field(name="from")
    body: str
    created: float
    updated: float
    status: str = "queued"
    flash: bool = False
    segments: int = 1
    sent: float | None = None
    error_code: str = ""
    service: str = ""
    callback: str = ""
    dlr_mask: int = 0
    smsc: str = ""


class MessageLog:
    """Keeps each accepted message and its latest status."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._messages: dict[str, Message] = {}

    def add(self, message: Message) -> None:
        """Keep an accepted message."""
        with self._lock:
            self._messages[message.sid] = message

    def set_status(self, message: Message, status: str, error_code: str) -> None:
        """Apply a status; a late `sent` does not replace a later status."""
        with self._lock:
            message.updated = time()
            if status != "sent" or message.status == "queued":
                message.status = status
                message.error_code = error_code
            if message.sent is None:
                message.sent = message.updated

    def find(self, sid: str) -> Message | None:
        """Return the message of this id, if there is one."""
        return self._messages.get(sid)

    def newest_first(self, api: str | None = None) -> Iterator[Message]:
        """Yield the messages of one provider API, or of all."""
        return (m for m in reversed(self._copy()) if api is None or m.api == api)

    def counts(self) -> dict[str, Any]:
        """Count the messages, and list callback URLs that were given more than once."""
        messages = self._copy()
        callbacks = Counter(m.callback for m in messages if m.callback)
        return {
            "total": len(messages),
            "by_api": dict(Counter(m.api for m in messages)),
            "by_status": dict(Counter(m.status for m in messages)),
            "flash": sum(m.flash for m in messages),
            "doubled": {url: n for url, n in callbacks.items() if n > 1},
        }

    def _copy(self) -> list[Message]:
        with self._lock:
            return list(self._messages.values())
