"""A visit at a counter: the customer that a clerk serves, and how both were identified."""

import datetime as dt
from enum import StrEnum
from typing import Self

from msgspec import Struct

from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Msisdn
from statemachines.approval import ApprovalState
from statemachines.counter_visit import VisitState


class IdentityMode(StrEnum):
    """The person at the counter: the owner of the number, or an agent for them."""

    OWNER = "owner"
    AGENT = "agent"


class OwnerId(StrEnum):
    """How the owner's identity number compares with the one on record."""

    MATCHES = "id_matches"
    DIFFERS = "id_differs"
    #: None was on record; the first act records this one.
    FIRST = "id_recorded_now"
    #: None is on record, and an agent's word is no reason to record one.
    NOT_ON_RECORD = "id_not_on_record"


class CounterVisit(Struct, frozen=True, omit_defaults=True):
    """One customer served by one clerk; only keyed digests of identity numbers are kept."""

    id: str
    number: Msisdn
    clerk: str
    shop: str
    #: Keyed digest of the clerk's session: the visit ends with it.
    session: str
    version: int = 0
    state: VisitState = VisitState.FOUND
    mode: IdentityMode = IdentityMode.OWNER
    owner_id: OwnerId = OwnerId.NOT_ON_RECORD
    #: Slow salted digest of an owner's identity number that the first act records.
    id_digest: str = ""
    #: Keyed digest of the agent's identity number.
    agent: str = ""
    #: Wrong entries of this visit, and acts done in it.
    tries: int = 0
    acts: int = 0

    def __repr__(self) -> str:
        return f"CounterVisit({self.id}, {self.number.masked}, {self.state})"

    @property
    def identity(self) -> str:
        """Mode and proof of identity, as the audit log has them."""
        return f"{self.mode}:{self.owner_id}"

    def serial(self, day: dt.date) -> str:
        """Serial number of the next act: day, shard and visit, and a running number.

        The shard is the part before the visit's dash, so that the act is found by its serial.
        """
        return f"{day:%Y%m%d}-{self.id}-{self.acts + 1}".upper()


class CounterActReference(Struct, frozen=True, array_like=True):
    """An act at a counter in the list of its day: enough to find its entry, and to count by."""

    serial: str
    number: Msisdn
    clerk: str
    shop: str
    #: The name of the act, and the state that the subscription then had.
    act: str
    state: str
    at: dt.datetime
    #: Keyed digest of the agent's identity number, empty for the owner.
    agent: str = ""

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """The reference of an act's audit entry."""
        return cls(
            entry.serial, entry.number, entry.clerk, entry.shop, entry.reply_text,
            entry.state_after, entry.at, entry.agent,
        )  # fmt: skip


class BatchAct(StrEnum):
    """Acts for lists; each has the name of the same act at the counter.

    An offer subscribes no one: each owner confirms it by text.
    """

    OFFER = "open_by_text"
    CANCEL = "cancel"
    ORDINARY = "ordinary"
    FLASH = "flash"
    CHINESE = "chinese"
    ENGLISH = "english"


class Batch(Struct, frozen=True, omit_defaults=True):
    """One act for a list of numbers, proposed by one person and approved by another.

    ``digest`` is of act and numbers, ``done`` counts numbers acted for.
    """

    id: str
    act: BatchAct
    count: int
    digest: str
    by: str
    shop: str
    at: dt.datetime
    reason: str
    revision: int = 1
    state: ApprovalState = ApprovalState.WAITING
    decided_by: str = ""
    decided_at: dt.datetime | None = None
    decision: str = ""
    done: int = 0
    #: Of those done, customers with a change; the others had nothing to change.
    changed: int = 0

    @property
    def is_running(self) -> bool:
        """Whether it is approved and numbers are left."""
        return self.state is ApprovalState.APPROVED and self.done < self.count
