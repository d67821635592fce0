"""Charges of the ledger and entries of the audit log."""

import datetime as dt
from enum import StrEnum

import msgspec
from msgspec import Struct

from receipts.model.vocabulary import Msisdn


class ChargeKind(StrEnum):
    """What a charge is for."""

    MONTHLY = "monthly"
    RECEIPT = "receipt"


class Charge(msgspec.Struct, frozen=True):
    """One amount a customer owes: ``fen`` is 1/100 yuan, ``month`` is ``YYYY-MM`` in Shanghai."""

    id: str
    number: Msisdn
    kind: ChargeKind
    fen: int
    month: str
    why: str
    at: dt.datetime
    tariff: str


class Audit(Struct, frozen=True, omit_defaults=True):
    """Who asked for what, through which door, and what it changed; never overwritten."""

    at: dt.datetime
    number: Msisdn
    door: str
    event: str
    before: str
    after: str
    claim: str = ""
    tariff: str = ""
    shown: str = ""
    heard: str = ""
    clerk: str = ""
    before_hash: str = ""
    hash: str = ""
    #: What it was in the words of the table of subscriptions: order, confirm, cancel_now ...
    act: str = ""
