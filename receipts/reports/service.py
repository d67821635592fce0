"""What became of a person-to-person text: is a receipt due, and if not, why not."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.digest import handed_on
from receipts.model.calendar import month_of
from receipts.model.customer import Subscription
from receipts.model.message import Fate, Heard, Report, Trail, WhyNot
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn, Outcome
from receipts.numbering.plan import Numbering
from receipts.ports.changes import Change, Committed, Stored, Timer, Verdict
from receipts.ports.clock import Clock
from receipts.ports.store import Contended, Held, Store, Wanted
from receipts.ports.unit_of_work import ROUNDS
from receipts.reports.eligibility import Due
from receipts.reports.message_trace import decided, id_form, knows, not_final, noted, with_final
from receipts.reports.reconciliation import RECEIPTS, REPORTS
from receipts.rulebook.schema import RuleBook

#: The timer of a text whose fate nobody has told yet.
CHASE = "chase"


#: All that was reported of one text in one go, in order.
_Text = list[Report]


@dataclass(frozen=True, slots=True)
class Taken:
    """How many reports said something new, and how many were known already."""

    accepted: int
    repeated: int


class Reports:
    """Turns the network's news into receipts, each text once."""

    def __init__(
        self,
        store: Store,
        book: RuleBook,
        numbering: Numbering,
        clock: Clock,
    ) -> None:
        self._store, self._clock = store, clock
        self._due = Due(store, book, numbering, clock)
        hours = book.sending.validity_hours + book.sending.margin_hours
        self._patience = dt.timedelta(hours=hours)

    def take(self, report: Report) -> None:
        """One report, whole on disk when this returns. Raises StoreUnavailable."""
        self.take_all([report])

    def take_all(self, reports: Sequence[Report]) -> Taken:
        """Many reports in few round trips; all on disk when this returns.

        Reports of one text are decided together, in the order given. Texts that others changed
        meanwhile are read and decided again. Raises StoreUnavailable.
        """
        texts: dict[tuple[Msisdn, Msisdn, str], list[Report]] = {}
        for report in reports:
            text = (report.sender, report.friend, id_form(report.message_id))
            texts.setdefault(text, []).append(report)
        accepted, waiting = 0, list(texts.values())
        for round_ in range(ROUNDS):
            if not waiting:
                return Taken(accepted, len(reports) - accepted)
            held = self._store.read_all([self._wanted(t[0], round_ > 0) for t in waiting])
            changes = [self.decide(h, of_text) for h, of_text in zip(held, waiting, strict=True)]
            # Those that write nothing too: what they repeat must be as safe as what is new.
            took, waiting = _sorted(waiting, changes, self._store.commit_all(changes))
            accepted += took
        raise Contended("the same texts were reported by others again and again")

    def _wanted(self, report: Report, again: bool) -> Wanted:  # noqa: FBT001 - read beside its use
        # A receipt outlives the news of its text. Only a report that comes after that finds the
        # id taken, loses its first round, and needs to know.
        text = Trail(report.message_id, report.sender, report.friend)
        receipt_id = self._due.receipt_id(text, answered=True) if again else None
        return Wanted(report.sender, report.friend, report.message_id, receipt_id)

    def decide(self, held: Held, reports: Sequence[Report]) -> Change:
        """What the reports of one text do: a receipt, or a reason for none, each. Pure."""
        first = reports[0]
        trail = held.trail or _begun(first, held.receipt)
        version = (held.trail.version if held.trail else 0) + 1
        if len(reports) == 1:
            # As nearly all do: nothing is to be joined.
            return self._one(held, trail, first, version)
        others: list[Stored] = []
        post: list[str] = []
        timers: list[Timer] = []
        untimers: list[Timer] = []
        count: list[str] = []
        for report in reports:
            step = self._one(held, trail, report, version)
            for record in step.records:
                if isinstance(record, Trail):
                    trail = record
                else:
                    others.append(record)
                    if isinstance(record, Subscription):
                        held = replace(held, subscription=record)
            post += step.post
            timers += step.timers
            untimers += step.untimers
            count += step.count
        if not count:
            return Change(first.sender)
        over = {timer.subject for timer in untimers}
        return Change(
            first.sender,
            records=(trail, *others),
            post=tuple(post),
            timers=tuple(timer for timer in timers if timer.subject not in over),
            untimers=tuple(untimers),
            count=tuple(count),
        )

    def _one(self, held: Held, trail: Trail, report: Report, version: int) -> Change:
        if knows(trail, report):
            return Change(report.sender)
        known, why_not = trail, not_final(trail, report)
        if why_not is None:
            known = with_final(trail, report)
            why_not = self._due.why_not(held, known) if decided(known) else WhyNot.PARTS_MISSING
        over = decided(known) and not decided(trail)
        kept = noted(known, report, why_not, version=version, over=over)
        # Only a text with news before this may be waited for.
        untimers = (self._chase(kept),) if over and trail.history else ()
        if why_not is None:
            receipt = self._due.receipt(held.subscription, kept, kept.fate)
            kept = replace(kept, receipt_id=receipt.id)
            change = Change(
                report.sender,
                records=(kept,),
                untimers=untimers,
                count=(REPORTS, RECEIPTS),
            )
            return handed_on(change, receipt)
        change = Change(
            report.sender, records=(kept,), untimers=untimers, count=(REPORTS, why_not.value)
        )
        if not decided(kept):
            change = self._chasing(held, trail, kept, change)
        return self._explained(held, change) if why_not is WhyNot.FRIEND_OFF_NET else change

    def _chasing(self, held: Held, was: Trail, trail: Trail, change: Change) -> Change:
        """A first word that is not the last: if no other comes in time, the customer hears so."""
        if was.history or self._due.why_not(held, trail) is not None:
            return change
        at = self._clock.now() + self._patience
        return replace(change, timers=(self._chase(trail, at),))

    @staticmethod
    def _chase(trail: Trail, at: dt.datetime | None = None) -> Timer:
        return Timer(CHASE, trail.sender, f"{trail.message_id}|{trail.friend}", at)

    def chase(self, timer: Timer) -> None:
        """A text whose fate nobody told in time: the customer hears that there is no answer yet.

        It costs nothing, and a late word still gives its receipt. Raises StoreUnavailable.
        """
        message_id, _, friend = timer.subject.rpartition("|")
        text = Trail(message_id, timer.number, Msisdn(friend))
        told = self._due.receipt_id(text, answered=False)
        wanted = Wanted(text.sender, text.friend, text.message_id, told)
        held = self._store.read_all([wanted])[0]
        trail, change = held.trail, Change(timer.number, fired=timer)
        waited_for = trail is not None and not decided(trail) and held.receipt is None
        if trail and waited_for and self._due.why_not(held, trail) is None:
            receipt = self._due.receipt(held.subscription, trail, None)
            chased = Heard(self._clock.now(), f"(none in time: receipt {receipt.id})")
            kept = replace(trail, version=trail.version + 1, history=(*trail.history, chased))
            change = handed_on(replace(change, records=(kept,)), receipt)
        # A lost race needs no second try: the timer is still set, or its work is done.
        self._store.commit(change)

    def _explained(self, held: Held, change: Change) -> Change:
        """The first off-net friend of a month: the customer is told once why no receipt comes."""
        customer, month = held.subscription, month_of(self._clock.now())
        if customer.off_net_told == month:
            return change
        notice = self._due.off_net_notice(customer, month)
        told = replace(customer, version=customer.version + 1, off_net_told=month)
        return replace(change, records=(*change.records, told, notice), post=(notice.id,))


def _sorted(
    texts: Sequence[_Text], changes: Sequence[Change], ends: Sequence[Committed]
) -> tuple[int, list[_Text]]:
    """How many reports said something new, and the texts whose change was not made."""
    accepted, lost = 0, list[_Text]()
    for of_text, change, end in zip(texts, changes, ends, strict=True):
        if end.verdict is Verdict.DONE:
            accepted += change.count.count(REPORTS)
        else:
            lost.append(of_text)
    return accepted, lost


#: The fate of a text of which only the receipt is left; which failure it was is forgotten.
_FATE_LEFT = {
    Outcome.DELIVERED: Fate.DELIVERED,
    Outcome.FAILED: Fate.FAILED,
    Outcome.REJECTED: Fate.REJECTED,
}


def _begun(report: Report, receipt: Receipt | None) -> Trail:
    """A text of which nothing is known; or nothing any more, but that it had its receipt."""
    fresh = Trail(report.message_id, report.sender, report.friend)
    if receipt is None or receipt.outcome not in _FATE_LEFT:
        return fresh
    return replace(fresh, fate=_FATE_LEFT[receipt.outcome], receipt_id=receipt.id)
