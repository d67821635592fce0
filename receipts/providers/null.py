"""Null provider of commands that write notices and leave the sending to workers."""

import datetime as dt

from receipts.ports.provider import Capabilities, FoundMessage, OutboundMessage, TemporaryError


class NullProvider:
    """Sends no text, so that a command needs no provider account."""

    name = "unsent"
    capabilities = Capabilities(flash=False, reports=False, lookup=False)

    def send(self, message: OutboundMessage) -> str:
        """Always raise TemporaryError."""
        raise TemporaryError(f"{message.id} is not sent by this process: start a worker")

    def find(
        self, message: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> FoundMessage | None:
        """Not available; ``capabilities.lookup`` is False."""
        raise NotImplementedError
