"""Findings of the check, each with its fix."""

from enum import StrEnum

from msgspec import Struct

_BACKUP = "restore a backup from before it; keep the key's value for its cause"


class DamageKind(StrEnum):
    """The kind of a finding."""

    UNKNOWN_KEY = "unknown_key"
    WRONG_TYPE = "wrong_type"
    UNREADABLE = "unreadable"
    WRONG_SHARD = "wrong_shard"
    NO_EXPIRY = "no_expiry"
    RECEIPT_MISSING = "receipt_missing"
    ENTRY_WITHOUT_RECEIPT = "entry_without_receipt"
    NOT_QUEUED = "not_queued"
    NOT_IN_UNSURE = "not_in_unsure"
    WRONGLY_UNSURE = "wrongly_unsure"
    TIMER_MISSING = "timer_missing"
    TIMERS_LATE = "timers_late"
    CHAIN_BROKEN = "chain_broken"
    CHARGE_WITHOUT_CUSTOMER = "charge_without_customer"
    CHARGES_NOT_LISTED = "charges_not_listed"
    CHARGES_MISSING = "charges_missing"
    FIGURE_WRONG = "figure_wrong"
    ARCHIVE_MISSING = "archive_missing"
    ARCHIVE_DAMAGED = "archive_damaged"
    ARCHIVE_INCOMPLETE = "archive_incomplete"


_K = DamageKind

#: What an operator does about each kind.
FIXES: dict[DamageKind, str] = {
    _K.UNKNOWN_KEY: "not of this release: move other data to a database of its own",
    _K.WRONG_TYPE: _BACKUP,
    _K.UNREADABLE: _BACKUP,
    _K.WRONG_SHARD: "written under another SHARDS: restore a backup",
    _K.NO_EXPIRY: "set its end with EXPIRE, or delete it: its data is kept too long",
    _K.RECEIPT_MISSING: "restore a backup if receipts were lost; the list still works",
    _K.ENTRY_WITHOUT_RECEIPT: "start a worker: it discards such entries",
    _K.NOT_QUEUED: "run `store check --repair`: it puts the receipt into the outbox",
    _K.NOT_IN_UNSURE: "run `store check --repair`: it lists the receipt for staff",
    _K.WRONGLY_UNSURE: "run `store check --repair`: it takes the receipt off the list",
    _K.TIMER_MISSING: "run `store check --repair`: it sets the timer",
    _K.TIMERS_LATE: "start a worker, or more of them (`doctor`)",
    _K.CHAIN_BROKEN: "compare with published roots (`export consent`), then restore a backup",
    _K.CHARGE_WITHOUT_CUSTOMER: _BACKUP,
    _K.CHARGES_NOT_LISTED: "run `store check --repair`: exports leave out these charges",
    _K.CHARGES_MISSING: _BACKUP,
    _K.ARCHIVE_MISSING: "set ARCHIVE_DIR, mount it, or copy it back; lost: `archive --start-anew`",
    _K.ARCHIVE_DAMAGED: "copy the file back from the copy of the archive, while no worker runs",
    _K.ARCHIVE_INCOMPLETE: "these are in neither place: copy the file back from a later copy",
    _K.FIGURE_WRONG: "stop the service and run `store upgrade --recount`",
}


class Damage(Struct, frozen=True, order=True):
    """One thing that is wrong: its kind, the key, and the part of it."""

    kind: DamageKind
    key: str
    detail: str = ""

    @property
    def fix(self) -> str:
        """The next step of an operator."""
        return FIXES[self.kind]
