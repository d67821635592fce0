"""One act on one customer: who asks for it, what it does, and the timers it sets."""

import datetime as dt
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.subscriptions.consent import append_to_chain

#: Names of the timers that time alone rings for a customer.
ORDER_EXPIRY, END, TRIAL, FEE, UNPAID = "lapse", "end", "trial", "fee", "owed"
ALL_TIMERS = (ORDER_EXPIRY, END, TRIAL, FEE, UNPAID)

Message = tuple[str, dict[str, str]]


class CustomerRequest(Struct, frozen=True):
    """Who asks: through which door, in which language, by which event and in which words."""

    channel: Channel
    language: Language
    event: str
    reply_text: str = ""
    clerk: str = ""
    shown_text: str = ""
    #: What this month has cost so far, where it was read along with the customer.
    charges: tuple[Charge, ...] | None = None


class Decision(Struct, frozen=True):
    """What one act does to one customer, and what to say about it."""

    customer: Subscription
    messages: tuple[Message, ...] = ()
    charges: tuple[Charge, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancelled_timers: tuple[Timer, ...] = ()

    def then(self, later: Self) -> Self:
        """Join this act and one decided after it."""
        return type(self)(
            later.customer,
            messages=self.messages + later.messages,
            charges=self.charges + later.charges,
            audit=self.audit + later.audit,
            timers=self.timers + later.timers,
            cancelled_timers=tuple(t for t in self.cancelled_timers if t not in later.timers)
            + later.cancelled_timers,
        )

    def change_set(
        self,
        previous: Subscription,
        idempotency_key: str | None,
        answer: Reply,
        reply_text: str = "",
    ) -> ChangeSet:
        """Make this act one change for the store.

        ``said`` is our answer in words: it is kept with the act as what the customer was shown,
        linked into the customer's chain of consent.
        """
        entries = (
            replace(entry, shown_text=entry.shown_text or reply_text) for entry in self.audit
        )
        audit, head = append_to_chain(entries, previous.chain)
        now = replace(self.customer, chain=head) if audit else self.customer
        records = (replace(now, version=previous.version + 1),) if now != previous else ()
        return ChangeSet(
            previous.number,
            idempotency_key=idempotency_key,
            reply=answer,
            records=records,
            charges=self.charges,
            audit=audit,
            timers=self.timers,
            cancelled_timers=self.cancelled_timers,
        )


def timer(kind: str, customer: Subscription, at: dt.datetime | None = None) -> Timer:
    """The customer's timer of a kind, to be set for a moment or, without one, to be removed."""
    return Timer(kind, customer.number, "", at)
