"""The ledger of everything the providers accepted: it shows what was lost or doubled."""

from collections import Counter
from collections.abc import Iterator
from threading import RLock
from time import time
from typing import Any

import msgspec

from simulator.journal import Journal


class Message(msgspec.Struct):
    """One message a provider accepted; `sender` and `to` are as the customer wrote them."""

    sid: str
    api: str
    to: str
    sender: str
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


class Messages:
    """Keeps every accepted message; acceptance is in the journal before the provider says yes."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = RLock()
        self._messages: dict[str, Message] = {}

    def accept(self, message: Message) -> None:
        """Keep a message for good."""
        with self._lock:
            self._journal.append("message", {"message": msgspec.to_builtins(message)})
            self._messages[message.sid] = message

    def change(self, sid: str, status: str, error_code: str = "") -> Message:
        """Note the news about a message and return it."""
        with self._lock:
            moment = time()
            self._journal.append(
                "status", {"sid": sid, "status": status, "error_code": error_code, "at": moment}
            )
            return self._change(sid, status, error_code, moment)

    def restore(self, record: dict[str, Any]) -> None:
        """Take back a message or its news from the journal."""
        if record["record"] == "message":
            message = msgspec.convert(record["message"], Message)
            self._messages[message.sid] = message
        else:
            self._change(record["sid"], record["status"], record["error_code"], record["at"])

    def find(self, sid: str) -> Message | None:
        """Return the message of this id."""
        return self._messages.get(sid)

    def newest_first(self, api: str | None = None) -> Iterator[Message]:
        """Yield the accepted messages of one provider, or of all."""
        with self._lock:
            kept = list(self._messages.values())
        return (m for m in reversed(kept) if api is None or m.api == api)

    def counts(self) -> dict[str, Any]:
        """Return how many messages were accepted, and which callback addresses more than once."""
        with self._lock:
            kept = list(self._messages.values())
        callbacks = Counter(m.callback for m in kept if m.callback)
        return {
            "total": len(kept),
            "by_api": dict(Counter(m.api for m in kept)),
            "by_status": dict(Counter(m.status for m in kept)),
            "flash": sum(m.flash for m in kept),
            "doubled": {url: n for url, n in callbacks.items() if n > 1},
        }

    def _change(self, sid: str, status: str, error_code: str, moment: float) -> Message:
        message = self._messages[sid]
        # News may come out of order; what the provider answers when asked never goes back to sent.
        if status != "sent" or message.status == "queued":
            message.status = status
            message.error_code = error_code
        message.updated = moment
        if message.sent is None:
            message.sent = moment
        return message
