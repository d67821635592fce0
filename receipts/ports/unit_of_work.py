"""Unit of work: load a snapshot, decide, commit; retry after a conflict."""

import random
import time
from collections.abc import Callable
from typing import Unpack

from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Reply
from receipts.ports.store import (
    ContentionError,
    LoadOptions,
    ReplayedEventError,
    Snapshot,
    Store,
)

#: More conflicts than this for one number point to a fault in the callers.
MAX_ATTEMPTS = 40


def run_in_transaction(
    store: Store,
    number: Msisdn,
    decide: Callable[[Snapshot], ChangeSet],
    idempotency_key: str | None = None,
    **options: Unpack[LoadOptions],
) -> Reply:
    """The reply to an event, its changes being on disk; a repeated event gets the first reply.

    ``decide`` must be pure: it is called again after each conflict. Raises StoreUnavailableError,
    or ReplayedEventError for an event that comes again after its reply has expired.
    """
    for attempt in range(MAX_ATTEMPTS):
        snapshot = store.load(number, idempotency_key, **options)
        if snapshot.previous_reply is not None:
            # An empty change set still waits until a replica has the state behind the reply.
            store.commit(ChangeSet(number))
            return snapshot.previous_reply
        change = decide(snapshot)
        if change.is_empty:
            return change.reply
        committed = store.commit(change)
        if committed.status is CommitStatus.COMMITTED:
            return change.reply
        if committed.previous_reply is not None:
            return committed.previous_reply
        if committed.status is CommitStatus.DUPLICATE:
            raise ReplayedEventError(f"an old event came again: {idempotency_key}")
        if attempt:
            # Jitter keeps the losers of one race from colliding again.
            time.sleep(random.uniform(0, 0.002 * attempt))  # noqa: S311 - not cryptographic
    raise ContentionError("the same number was changed by others again and again")
