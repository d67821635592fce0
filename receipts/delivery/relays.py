"""Texts that are passed on from one trial person to another: their records and their timers."""

import hashlib

from msgspec.structs import replace

from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.store import Store
from statemachines.receipt import ENDED, ReceiptState

#: Kind of the timer that turns a new state of a relayed text into a delivery report.
RELAYED = "relayed"

#: States with a report. An unknown outcome begins the wait for the final one.
_REPORTED = ENDED | {ReceiptState.SENT, ReceiptState.UNSURE}


def build_relay(
    store: Store, delivery: ReceiptLifecycle, sender: Msisdn, friend: Msisdn, event: str, text: str
) -> Receipt:
    """The text to a friend. It belongs to its sender; an equal ``event`` gives an equal id."""
    seed = hashlib.blake2b(f"relay|{sender}|{event}".encode(), digest_size=10).hexdigest()
    return Receipt(
        store.receipt_id(sender, seed),
        sender,
        text,
        DisplayMode.TEXT,
        Language.EN,
        delivery.clock.now(),
        version=1,
        kind=MessageKind.RELAY,
        recipient=friend,
    )


def with_followers(store: Store, change: ChangeSet) -> ChangeSet:
    """The change of a sent text, with its digest's members and the timer of a relayed text.

    Raises StoreUnavailableError.
    """
    moved = (r for r in change.records if isinstance(r, Receipt) and r.kind is MessageKind.RELAY)
    timers = tuple(_timer(relay) for relay in moved if relay.state in _REPORTED)
    timed = replace(change, timers=(*change.timers, *timers)) if timers else change
    return with_digest_members(store, timed)


def _timer(relay: Receipt) -> Timer:
    """A timer that is due at once; each version has its own, so that none hides a later one."""
    at = relay.done_at or relay.sent_at or relay.created_at
    return Timer(RELAYED, relay.number, f"{relay.id}/{relay.version}", at)
