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
    canonical = replace(entry, hash="")
    return hashlib.blake2b(_encoder.encode(canonical), digest_size=16).hexdigest()


def first_broken_link(entries: Sequence[AuditEntry], head: str) -> int | None:
    """The place of the first entry that is not as it was written; None when all are.

    ``entries`` may begin anywhere in the chain, since old ones are dropped in time; an entry cut
    off at the end shows as a place one past the last.
    """
    for index, entry in enumerate(entries):
        if digest(entry) != entry.hash:
            return index
        if index and entry.previous_hash != entries[index - 1].hash:
            return index
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
    ended = next_month(month_start(charge.month))
    reply = [index for index, entry in enumerate(entries) if entry.at <= charge.at]
    yes = [
        index
        for index in reply
        if entries[index].action == SubscriptionEvent.CONFIRM and entries[index].at < ended
    ]
    if not yes:
        return None
    offered = [index for index in reply if index < yes[-1] and entries[index].action in _OFFERING]
    if not offered:
        return None
    through = tuple(entries[index] for index in reply if index >= offered[-1])
    return ConsentEvidence(entries[offered[-1]], entries[yes[-1]], through)
