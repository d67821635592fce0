"""The chain of consent: what a customer was shown and answered, so linked that tampering shows."""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from receipts.model import Audit

_encoder = msgspec.json.Encoder(enc_hook=str)


def chained(entries: Iterable[Audit], head: str) -> tuple[tuple[Audit, ...], str]:
    """The entries linked to those before them, and the new head of the chain."""
    linked = []
    for entry in entries:
        before = msgspec.structs.replace(entry, before_hash=head)
        head = digest(before)
        linked.append(msgspec.structs.replace(before, hash=head))
    return tuple(linked), head


def digest(entry: Audit) -> str:
    """The hash of an entry with all it says, its link to the one before included."""
    said = msgspec.structs.replace(entry, hash="")
    return hashlib.blake2b(_encoder.encode(said), digest_size=16).hexdigest()


def broken_at(entries: Sequence[Audit], head: str) -> int | None:
    """The place of the first entry that is not as it was written; None when all are.

    ``entries`` may begin anywhere in the chain, since old ones are dropped in time; an entry cut
    off at the end shows as a place one past the last.
    """
    for place, entry in enumerate(entries):
        if digest(entry) != entry.hash:
            return place
        if place and entry.before_hash != entries[place - 1].hash:
            return place
    last = entries[-1].hash if entries else ""
    return None if last == head or not (entries or head) else len(entries)
