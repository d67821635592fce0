"""Figures of texts to the short code: their meaning, and what came of them."""

import datetime as dt
import re

from msgspec.structs import replace

from receipts.model.customer import Subscription
from receipts.model.figure import TEXT, Figure, figure
from receipts.ports.changes import ChangeSet
from receipts.rulebook.normalise import normalise
from statemachines.keyword_dialogue import DialogueEvent

#: Texts that were not understood: without a suggestion, and with one.
NOT_UNDERSTOOD = frozenset({DialogueEvent.UNKNOWN, DialogueEvent.NEAR})

#: Results of a text.
CHANGED, ASKED, ANSWERED, LIMITED = "changed", "asked", "answered", "limited"

_DIGITS, _LONGEST = re.compile(r"\d+"), 40


def with_text_figure(
    change: ChangeSet, before: Subscription, event: DialogueEvent, body: str, now: dt.datetime
) -> ChangeSet:
    """The change of a text with its figure; one not understood is kept without its digits."""
    counted = figure(now, TEXT, event.value, _result(change, before))
    text = _masked(body) if event in NOT_UNDERSTOOD else ""
    return replace(
        change,
        figures=(*change.figures, counted),
        unknown_text=Figure(text, now) if text else None,
    )


def meaning(opt_out: str) -> DialogueEvent:
    """The event of a keyword that the carrier has answered."""
    return {"STOP": DialogueEvent.CANCEL, "START": DialogueEvent.OPEN}.get(
        opt_out, DialogueEvent.HELP
    )


def limited(now: dt.datetime) -> tuple[Figure, ...]:
    """The figure of a text beyond the limits of replies, which was not acted on."""
    return (figure(now, TEXT, LIMITED, LIMITED),)


def _result(change: ChangeSet, before: Subscription) -> str:
    after = next((r for r in change.records if isinstance(r, Subscription)), before)
    asks = after.question != before.question or after.order != before.order
    if asks and (after.question or after.order):
        return ASKED
    return CHANGED if _apart(after) != _apart(before) else ANSWERED


def _apart(customer: Subscription) -> Subscription:
    """The customer without the marks that a mere answer leaves."""
    return replace(customer, version=0, question=None, lapsed_at=None)


def _masked(body: str) -> str:
    return _DIGITS.sub("#", normalise(body))[:_LONGEST]
