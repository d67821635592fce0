"""Decision on one request: the customer's new record, texts, charges, audit and timers."""

import datetime as dt
from collections.abc import Sequence
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import Subscription
from receipts.model.figure import ACT, STATE, Figure, figure
from receipts.model.vocabulary import Channel, Language
from receipts.ports.changes import ChangeSet, Reply, Timer
from receipts.ports.store import MonthSums
from receipts.subscriptions.consent import append_to_chain
from statemachines.subscription import SubscriptionState

#: Kinds of timers of a customer, as stored.
ORDER_EXPIRY, END, TRIAL, FEE, UNPAID = "lapse", "end", "trial", "fee", "owed"
#: Kind of the timer that erases the record of someone who has left.
FORGET = "forget"
ALL_TIMERS = (ORDER_EXPIRY, END, TRIAL, FEE, UNPAID)

#: A month of retention; the first moment at which a record may end.
A_MONTH = dt.timedelta(days=31)

#: Key of a text in a catalogue, and its template parameters.
Message = tuple[str, dict[str, str]]


class CustomerRequest(Struct, frozen=True):
    """Origin of a request: channel, language, event id, and the texts before and in it."""

    channel: Channel
    language: Language
    event: str
    reply_text: str = ""
    clerk: str = ""
    shown_text: str = ""
    #: Sums of this month's charges, where they were loaded with the customer.
    month_sums: MonthSums | None = None


class Decision(Struct, frozen=True):
    """Result of a request on one customer, not yet saved or sent."""

    customer: Subscription
    messages: tuple[Message, ...] = ()
    charges: tuple[Charge, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    timers: tuple[Timer, ...] = ()
    cancelled_timers: tuple[Timer, ...] = ()

    def then(self, later: Self) -> Self:
        """Combine with a decision made after this one; the later timers win."""
        kept = tuple(each for each in self.cancelled_timers if each not in later.timers)
        return type(self)(
            later.customer,
            self.messages + later.messages,
            self.charges + later.charges,
            self.audit + later.audit,
            self.timers + later.timers,
            kept + later.cancelled_timers,
        )

    def change_set(
        self, before: Subscription, idempotency_key: str | None, reply: Reply, reply_text: str = ""
    ) -> ChangeSet:
        """Change set for the store; ``reply_text`` enters the consent chain as the text shown."""
        entries = (replace(each, shown_text=each.shown_text or reply_text) for each in self.audit)
        audit, head = append_to_chain(entries, before.chain)
        now = replace(self.customer, chain=head) if audit else self.customer
        now, timers = _with_end_of_record(now, before, audit)
        records = (replace(now, version=before.version + 1),) if now != before else ()
        return ChangeSet(
            before.number,
            idempotency_key=idempotency_key,
            reply=reply,
            records=records,
            charges=self.charges,
            audit=audit,
            timers=self.timers + timers,
            cancelled_timers=self.cancelled_timers,
            figures=_acts(before, audit, now) + _moves(before, audit, now),
        )


def _acts(
    before: Subscription, audit: Sequence[AuditEntry], after: Subscription
) -> tuple[Figure, ...]:
    """Figures of acts: event, channel, tariff, and the states before and after it."""
    tariff = _tariff(after) or _tariff(before)
    return tuple(
        figure(e.at, ACT, e.action, e.channel, tariff, e.state_before, e.state_after) for e in audit
    )


def _moves(
    before: Subscription, audit: Sequence[AuditEntry], after: Subscription
) -> tuple[Figure, ...]:
    """Running sums of customers by tariff and state: one less here, one more there."""
    left, entered = standing_figure(before), standing_figure(after)
    if left == entered or not audit:
        return ()
    ends = ((left, -1), (entered, 1))
    return tuple(
        Figure(name, audit[-1].at, amount, is_running=True) for name, amount in ends if name
    )


def standing_figure(customer: Subscription) -> str:
    """The name of the running sum that counts a customer; empty without the service."""
    is_counted = customer.state is not SubscriptionState.NONE
    return f"{STATE}|{_tariff(customer)}|{customer.state}" if is_counted else ""


def _tariff(customer: Subscription) -> str:
    """The tariff of the service, or of its offer; it names the province."""
    pending = customer.order if customer.state is SubscriptionState.PENDING else None
    return (pending.tariff if pending else customer.tariff) or ""


def _with_end_of_record(
    customer: Subscription, before: Subscription, audit: Sequence[AuditEntry]
) -> tuple[Subscription, tuple[Timer, ...]]:
    """The time of leaving, with the timer that erases the record of someone who has left."""
    has_left = customer.state is SubscriptionState.NONE
    if not has_left:
        return (replace(customer, left_at=None) if customer.left_at else customer), ()
    if not audit or before.state is SubscriptionState.NONE:
        return customer, ()
    at = audit[-1].at
    return replace(customer, left_at=at), (timer(FORGET, customer, at + A_MONTH),)


def timer(kind: str, customer: Subscription, at: dt.datetime | None = None) -> Timer:
    """Timer of a customer, due at a moment; without one, to cancel it."""
    return Timer(kind, customer.number, "", at)
