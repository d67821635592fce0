"""Read once, decide in plain Python, commit once; a lost race is decided again."""

import random
import time
from collections.abc import Callable, Sequence

from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Reply, is_empty
from receipts.ports.store import ContentionError, Snapshot, Store

#: With this many rivals for one number at one moment, something is wrong with the callers.
MAX_ATTEMPTS = 40


def run_in_transaction(
    store: Store,
    number: Msisdn,
    decide: Callable[[Snapshot], ChangeSet],
    idempotency_key: str | None = None,
    *,
    reply_count: bool = False,
    call: str | None = None,
    months: Sequence[str] = (),
    login: bool = False,
) -> Reply:
    """The answer to an event, with all that it changes on disk; a repeat gets the first answer.

    ``decide`` must be pure: it is called again after every lost race. Raises StoreUnavailable.
    """
    for round_ in range(MAX_ATTEMPTS):
        snapshot = store.load(
            number, idempotency_key, reply_count=reply_count, call=call, login=login, months=months
        )
        if snapshot.previous_reply is not None:
            # What is repeated must be as safe as when it was new.
            store.commit(ChangeSet(number))
            return snapshot.previous_reply
        change = decide(snapshot)
        if not is_empty(change):
            return change.reply
        committed = store.commit(change)
        if committed.status is CommitStatus.COMMITTED:
            return change.reply
        if committed.previous_reply is not None:
            return committed.previous_reply
        if round_:
            # Rivals that lost together must not meet again in step.
            time.sleep(random.uniform(0, 0.002 * round_))  # noqa: S311 - spreads, hides nothing
    raise ContentionError("the same number was changed by others again and again")
