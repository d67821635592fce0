"""Charges of the ledger and entries of the audit log."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct

from receipts.model.field_names import AUDIT_NAMES
from receipts.model.vocabulary import Msisdn


class ChargeKind(StrEnum):
    """The service that a line pays for, or a credit for a receipt that did not arrive."""

    MONTHLY = "monthly"
    RECEIPT = "receipt"
    CREDIT = "credit"


# ``rename`` keeps the stored key where a field has got another name in Python.
class Charge(
    Struct, frozen=True, omit_defaults=True, rename={"reason": "why", "charge_id": "charge"}
):
    """An amount a customer owes: ``fen`` is 1/100 yuan, ``month`` is ``YYYY-MM`` in Shanghai.

    A credit has a negative amount and the id of its charge.
    """

    id: str
    number: Msisdn
    kind: ChargeKind
    fen: int
    month: str
    reason: str
    at: dt.datetime
    tariff: str
    charge_id: str = ""


class AuditEntry(Struct, frozen=True, omit_defaults=True, rename=AUDIT_NAMES):
    """A request or event with its channel and its state change; append-only."""

    at: dt.datetime
    number: Msisdn
    channel: str
    event: str
    state_before: str
    state_after: str
    idempotency_key: str = ""
    tariff: str = ""
    shown_text: str = ""
    reply_text: str = ""
    clerk: str = ""
    previous_hash: str = ""
    hash: str = ""
    #: The event of the subscription state machine: order, confirm, cancel_now ...
    action: str = ""
    #: At a counter: the shop, mode and proof of identity, keyed digest of an agent's identity
    #: number, and the serial number of the printed form.
    shop: str = ""
    identity: str = ""
    agent: str = ""
    serial: str = ""


class StaffLookup(Struct, frozen=True, omit_defaults=True):
    """A look at one customer's data by staff: command, account of the operator, stated reason."""

    at: dt.datetime
    number: Msisdn
    command: str
    clerk: str
    reason: str = ""
