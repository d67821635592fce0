"""Consent evidence as a hash chain, so that tampering with an entry is detected."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from receipts.model.calendar import month_start, next_month
from receipts.model.charge import AuditEntry, Charge
from statemachines.subscription import SubscriptionEvent

_encoder = msgspec.json.Encoder(enc_hook=str)
#: Events whose reply is an offer.
_OFFERING = frozenset(
    {SubscriptionEvent.ORDER, SubscriptionEvent.CONFIRM_LATE, SubscriptionEvent.RENEW}
)


@dataclass(frozen=True, slots=True)
class ConsentEvidence:
    """Evidence for a charge: offer, confirmation, and all entries from the offer to the charge."""

    offer: AuditEntry
    reply: AuditEntry
    entries: tuple[AuditEntry, ...]


def append_to_chain(entries: Iterable[AuditEntry], head: str) -> tuple[tuple[AuditEntry, ...], str]:
    """Entries linked to the chain that ends in ``head``, and the new head."""
    linked = []
    for entry in entries:
        before = replace(entry, previous_hash=head)
        head = digest(before)
        linked.append(replace(before, hash=head))
    return tuple(linked), head


def digest(entry: AuditEntry) -> str:
    """BLAKE2b hash (hex, 128 bits) of an entry, its link to the previous one included."""
    canonical = replace(entry, hash="")
    return hashlib.blake2b(_encoder.encode(canonical), digest_size=16).hexdigest()


def first_broken_link(entries: Sequence[AuditEntry], head: str) -> int | None:
    """Index of the first altered entry, ``len(entries)`` if the end is cut off, else None.

    ``entries`` may begin anywhere in the chain, because old entries expire.
    """
    for index, entry in enumerate(entries):
        linked = index == 0 or entry.previous_hash == entries[index - 1].hash
        if not linked or digest(entry) != entry.hash:
            return index
    last = entries[-1].hash if entries else ""
    return None if last == head or not (entries or head) else len(entries)


def evidence_for(entries: Sequence[AuditEntry], charge: Charge) -> ConsentEvidence | None:
    """Last confirmation before the charge and its month's end, with its offer; None without."""
    month_end = next_month(month_start(charge.month))
    past = [entry for entry in entries if entry.at <= charge.at]
    confirmed = [
        index
        for index, entry in enumerate(past)
        if entry.action == SubscriptionEvent.CONFIRM and entry.at < month_end
    ]
    before = past[: confirmed[-1]] if confirmed else []
    offered = [index for index, entry in enumerate(before) if entry.action in _OFFERING]
    if not offered:
        return None
    through = tuple(past[offered[-1] :])
    return ConsentEvidence(through[0], past[confirmed[-1]], through)
