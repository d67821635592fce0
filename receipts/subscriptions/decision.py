"""One act on one customer: who asks for it, what it does, and the timers it sets."""

import datetime as dt
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.charge import Audit, Charge
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Door, Language
from receipts.ports.changes import Answer, Change, Timer
from receipts.subscriptions.consent import chained

#: Names of the timers that time alone rings for a customer.
LAPSE, END, TRIAL, FEE, OWED = "lapse", "end", "trial", "fee", "owed"
WAITING = (LAPSE, END, TRIAL, FEE, OWED)

Phrase = tuple[str, dict[str, str]]


class Asked(Struct, frozen=True):
    """Who asks: through which door, in which language, by which event and in which words."""

    door: Door
    language: Language
    event: str
    heard: str = ""
    clerk: str = ""
    shown: str = ""
    #: What this month has cost so far, where it was read along with the customer.
    charges: tuple[Charge, ...] | None = None


class Step(Struct, frozen=True):
    """What one act does to one customer, and what to say about it."""

    customer: Subscription
    phrases: tuple[Phrase, ...] = ()
    charges: tuple[Charge, ...] = ()
    audit: tuple[Audit, ...] = ()
    timers: tuple[Timer, ...] = ()
    untimers: tuple[Timer, ...] = ()

    def then(self, later: Self) -> Self:
        """Join this act and one decided after it."""
        return type(self)(
            later.customer,
            phrases=self.phrases + later.phrases,
            charges=self.charges + later.charges,
            audit=self.audit + later.audit,
            timers=self.timers + later.timers,
            untimers=tuple(t for t in self.untimers if t not in later.timers) + later.untimers,
        )

    def change(
        self, was: Subscription, claim: str | None, answer: Answer, said: str = ""
    ) -> Change:
        """Make this act one change for the store.

        ``said`` is our answer in words: it is kept with the act as what the customer was shown,
        linked into the customer's chain of consent.
        """
        entries = (replace(entry, shown=entry.shown or said) for entry in self.audit)
        audit, head = chained(entries, was.chain)
        now = replace(self.customer, chain=head) if audit else self.customer
        records = (replace(now, version=was.version + 1),) if now != was else ()
        return Change(
            was.number,
            claim=claim,
            answer=answer,
            records=records,
            charges=self.charges,
            audit=audit,
            timers=self.timers,
            untimers=self.untimers,
        )


def timer(kind: str, customer: Subscription, at: dt.datetime | None = None) -> Timer:
    """The customer's timer of a kind, to be set for a moment or, without one, to be removed."""
    return Timer(kind, customer.number, "", at)
