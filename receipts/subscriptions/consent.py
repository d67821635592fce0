"""The chain of consent: what a customer was shown and answered, so linked that tampering shows."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from receipts.model.calendar import month_start, next_month
from receipts.model.charge import AuditEntry, Charge
from statemachines.subscription import SubscriptionEvent

_encoder = msgspec.json.Encoder(enc_hook=str)


def append_to_chain(entries: Iterable[AuditEntry], head: str) -> tuple[tuple[AuditEntry, ...], str]:
    """The entries linked to those before them, and the new head of the chain."""
    linked = []
    for entry in entries:
        before = replace(entry, previous_hash=head)
        head = digest(before)
        linked.append(replace(before, hash=head))
    return tuple(linked), head


def digest(entry: AuditEntry) -> str:
    """The hash of an entry with all it says, its link to the one before included."""
    said = replace(entry, hash="")
    return hashlib.blake2b(_encoder.encode(said), digest_size=16).hexdigest()


def first_broken_link(entries: Sequence[AuditEntry], head: str) -> int | None:
    """The place of the first entry that is not as it was written; None when all are.

    ``entries`` may begin anywhere in the chain, since old ones are dropped in time; an entry cut
    off at the end shows as a place one past the last.
    """
    for place, entry in enumerate(entries):
        if digest(entry) != entry.hash:
            return place
        if place and entry.previous_hash != entries[place - 1].hash:
            return place
    last = entries[-1].hash if entries else ""
    return None if last == head or not (entries or head) else len(entries)


#: What may put an offer before a customer: an order, a late yes, the end of a trial.
_OFFERING = frozenset(
    {SubscriptionEvent.ORDER, SubscriptionEvent.CONFIRM_LATE, SubscriptionEvent.RENEW}
)


@dataclass(frozen=True, slots=True)
class ConsentEvidence:
    """What a charge stands on: the offer, the yes to it, and all from the one to the charge."""

    offer: AuditEntry
    reply: AuditEntry
    entries: tuple[AuditEntry, ...]


def evidence_for(entries: Sequence[AuditEntry], charge: Charge) -> ConsentEvidence | None:
    """The consent that a charge stands on; None when the chain holds none.

    That is the last yes before it was charged and before its month was over, and the offer this
    yes answered: after a trial the second yes, not the first.
    """
    over = next_month(month_start(charge.month))
    heard = [place for place, entry in enumerate(entries) if entry.at <= charge.at]
    yes = [
        place
        for place in heard
        if entries[place].action == SubscriptionEvent.CONFIRM and entries[place].at < over
    ]
    if not yes:
        return None
    offered = [place for place in heard if place < yes[-1] and entries[place].action in _OFFERING]
    if not offered:
        return None
    through = tuple(entries[place] for place in heard if place >= offered[-1])
    return ConsentEvidence(entries[offered[-1]], entries[yes[-1]], through)
