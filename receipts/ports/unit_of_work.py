"""Read once, decide in plain Python, commit once; a lost race is decided again."""

import random
import time
from collections.abc import Callable, Sequence

from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Answer, Change, Verdict, writes
from receipts.ports.store import Contended, Held, Store

#: With this many rivals for one number at one moment, something is wrong with the callers.
ROUNDS = 40


def settle(
    store: Store,
    number: Msisdn,
    decide: Callable[[Held], Change],
    claim: str | None = None,
    *,
    talk: bool = False,
    call: str | None = None,
    months: Sequence[str] = (),
    access: bool = False,
) -> Answer:
    """The answer to an event, with all that it changes on disk; a repeat gets the first answer.

    ``decide`` must be pure: it is called again after every lost race. Raises StoreUnavailable.
    """
    for round_ in range(ROUNDS):
        held = store.read(number, claim, talk=talk, call=call, access=access, months=months)
        if held.answered is not None:
            # What is repeated must be as safe as when it was new.
            store.commit(Change(number))
            return held.answered
        change = decide(held)
        if not writes(change):
            return change.answer
        committed = store.commit(change)
        if committed.verdict is Verdict.DONE:
            return change.answer
        if committed.answer is not None:
            return committed.answer
        if round_:
            # Rivals that lost together must not meet again in step.
            time.sleep(random.uniform(0, 0.002 * round_))  # noqa: S311 - spreads, hides nothing
    raise Contended("the same number was changed by others again and again")
