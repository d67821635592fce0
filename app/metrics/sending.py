"""Measurements of commits and of requests to providers, in the process that makes them."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

from app.metrics.families import counter, histogram
from receipts.model.figure import SENT
from receipts.model.receipt import MessageKind, Receipt
from receipts.ports.changes import ChangeSet, CommitResult, CommitStatus
from receipts.ports.provider import (
    DeadlineExceededError,
    FoundMessage,
    OutboundMessage,
    PermanentError,
    Provider,
    ProviderError,
    TemporaryError,
    UnknownOutcomeError,
)

T = TypeVar("T")

_RETRIED = counter("commits_retried")
_TO_RECEIPT = histogram(
    "report_to_receipt_seconds",
    (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86_400),
)
_REQUEST = histogram(
    "provider_request_seconds", (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
)

#: A look-up by labels takes a lock; it is done once a combination.
_to_receipt, _request = cache(_TO_RECEIPT.labels), cache(_REQUEST.labels)

#: The results of requests, by the error that a provider raises.
_RESULTS: tuple[tuple[type[Exception], str], ...] = (
    (PermanentError, "permanent"),
    (TemporaryError, "temporary"),
    (UnknownOutcomeError, "unknown"),
    (DeadlineExceededError, "late"),
)

_SENT = f"{SENT}|"


def observe_commits(
    changes: Sequence[ChangeSet], results: Sequence[CommitResult], _began: float
) -> None:
    """Count lost races, and the time from a report to its receipt's acceptance."""
    for change, result in zip(changes, results, strict=True):
        if result.status is CommitStatus.CONFLICT:
            _RETRIED.inc()
        elif change.figures and result.status is CommitStatus.COMMITTED:
            _observe_sent(change)


def _observe_sent(change: ChangeSet) -> None:
    if not any(each.name.startswith(_SENT) for each in change.figures):
        return
    for record in change.records:
        if isinstance(record, Receipt) and record.kind is MessageKind.RECEIPT and record.sent_at:
            seconds = (record.sent_at - record.created_at).total_seconds()
            _to_receipt(record.outcome or "none").observe(max(0.0, seconds))


class TimedProvider:
    """A provider whose requests are timed by their result."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.name, self.capabilities = provider.name, provider.capabilities

    def send(self, message: OutboundMessage) -> str:
        """Send a message, as the provider does."""
        return self._timed("send", lambda: self._provider.send(message))

    def find(
        self, message: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> FoundMessage | None:
        """Find a message, as the provider does."""
        return self._timed("find", lambda: self._provider.find(message, since, known))

    def _timed(self, operation: str, request: Callable[[], T]) -> T:
        began, result = time.perf_counter(), "error"
        try:
            answer = request()
            result = "ok"
            return answer  # noqa: TRY300 - the error below is only named
        except (ProviderError, DeadlineExceededError) as error:
            result = next(name for kind, name in _RESULTS if isinstance(error, kind))
            raise
        finally:
            seconds = time.perf_counter() - began
            _request(self.name, operation, result).observe(seconds)
