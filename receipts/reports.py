"""What became of a person-to-person text: is a receipt due, and if not, why not."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from receipts.deciding import ROUNDS, writes
from receipts.model import (
    Fate,
    Kind,
    Language,
    Mode,
    Msisdn,
    Network,
    News,
    Outcome,
    Receipt,
    Report,
    Subscription,
    Trail,
    WhyNot,
    id_forms,
    month_of,
)
from receipts.numbering import Numbering
from receipts.ports import Change, Clock, Contended, Held, Store, Timer, Verdict, Wanted
from receipts.provinces import RuleBook
from receipts.tariff import receipt_fen, tariff_on
from receipts.wording import notices, receipt_text
from statemachines.subscription import RECEIVING, SubscriptionState

#: What the receipt tells of each final fate; running out of time is a failure to the sender.
OUTCOME_OF: dict[Fate, Outcome] = {
    Fate.DELIVERED: Outcome.DELIVERED,
    Fate.EXPIRED: Outcome.FAILED,
    Fate.FAILED: Outcome.FAILED,
    Fate.REJECTED: Outcome.REJECTED,
}

#: The timer of a text whose fate nobody has told yet.
CHASE = "chase"

#: Counted for each report that said something new: it ends as one of the other counts.
REPORTS, RECEIPTS = "reports", "receipts"

#: News kept with a text; more than this is a network repeating itself.
_HISTORY = 40

#: States in which a customer holds the service and still gets no receipts.
_NOT_RECEIVING = {SubscriptionState.SUSPENDED: WhyNot.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Taken:
    """How many reports said something new, and how many were known already."""

    accepted: int
    repeated: int


class Reports:
    """Turns the network's news into receipts, each text once."""

    def __init__(self, store: Store, book: RuleBook, numbering: Numbering, clock: Clock) -> None:
        self._store, self._book, self._numbering, self._clock = store, book, numbering, clock

    def take(self, report: Report) -> None:
        """One report, whole on disk when this returns. Raises StoreUnavailable."""
        self.take_all([report])

    def take_all(self, reports: Sequence[Report]) -> Taken:
        """Many reports in two round trips; all on disk when this returns.

        Reports of one text are decided together, in the order given. Texts that others changed
        meanwhile are read and decided again. Raises StoreUnavailable.
        """
        texts: dict[tuple[Msisdn, Msisdn, str], list[Report]] = {}
        for report in reports:
            texts.setdefault(
                (report.sender, report.friend, min(id_forms(report.message_id))), []
            ).append(report)
        waiting = list(texts.values())
        accepted = 0
        for _ in range(ROUNDS):
            if not waiting:
                return Taken(accepted, len(reports) - accepted)
            wanted = [_wanted(of_text[0]) for of_text in waiting]
            decided = [
                self.decide(held, of_text)
                for held, of_text in zip(self._store.read_all(wanted), waiting, strict=True)
            ]
            said = [place for place, change in enumerate(decided) if writes(change)]
            ends = self._store.commit_all([decided[place] for place in said]) if said else []
            lost = []
            for place, end in zip(said, ends, strict=True):
                if end.verdict is Verdict.DONE:
                    accepted += decided[place].count.count(REPORTS)
                else:
                    lost.append(waiting[place])
            waiting = lost
        raise Contended("the same texts were reported by others again and again")

    def decide(self, held: Held, reports: Sequence[Report]) -> Change:
        """What the reports of one text do: a receipt, or a reason for none, each. Pure."""
        first = reports[0]
        trail = held.trail or Trail(first.message_id, first.sender, first.friend)
        whole = Change(first.sender)
        for report in reports:
            step = self._one(held, trail, report)
            for record in step.records:
                if isinstance(record, Trail):
                    trail = record
                elif isinstance(record, Subscription):
                    held = replace(held, subscription=record)
            others = tuple(r for r in step.records if not isinstance(r, Trail))
            whole = replace(
                whole,
                records=(*whole.records, *others),
                post=whole.post + step.post,
                timers=whole.timers + step.timers,
                untimers=whole.untimers + step.untimers,
                count=whole.count + step.count,
            )
        if not whole.count:
            return whole
        kept = trail.but(version=(held.trail.version if held.trail else 0) + 1)
        over = tuple(
            t for t in whole.timers if t.subject not in {u.subject for u in whole.untimers}
        )
        return replace(whole, records=(kept, *whole.records), timers=over)

    def _one(self, held: Held, trail: Trail, report: Report) -> Change:
        word = f"{report.part}/{report.parts} {report.word}" if report.parts > 1 else report.word
        if word in {news.word for news in trail.history}:
            return Change(report.sender)
        kept = trail.but(
            parts=max(trail.parts, report.parts),
            history=(*trail.history, News(report.at, word))[-_HISTORY:],
        )
        why_not = _not_new(kept, report)
        if why_not is None:
            kept = kept.but(finals=(*kept.finals, (report.part, report.fate)))
            why_not = self._why_not(held, kept)
        if why_not is None:
            receipt = self._receipt(held.subscription, kept, fate_of(kept), report.at)
            kept = kept.but(fate=fate_of(kept), receipt_id=receipt.id)
            return Change(
                report.sender,
                records=(kept, receipt),
                post=(receipt.id,),
                untimers=(self._chase(kept),),
                count=(REPORTS, RECEIPTS),
            )
        if fate_of(kept) in OUTCOME_OF and trail.fate not in OUTCOME_OF:
            kept = kept.but(fate=fate_of(kept), why_not=why_not)
        change = Change(report.sender, records=(kept,), count=(REPORTS, why_not.value))
        if why_not is WhyNot.FRIEND_OFF_NET:
            return self._explained(held, change)
        return self._chasing(held, trail, kept, change)

    def _chasing(self, held: Held, was: Trail, trail: Trail, change: Change) -> Change:
        """A first word that is not the last: if no other comes in time, the customer hears so."""
        if was.history or trail.finals or self._served(held, trail) is not None:
            return change
        hours = self._book.sending.validity_hours + self._book.sending.margin_hours
        at = self._clock.now() + dt.timedelta(hours=hours)
        return replace(change, timers=(self._chase(trail, at),))

    @staticmethod
    def _chase(trail: Trail, at: dt.datetime | None = None) -> Timer:
        return Timer(CHASE, trail.sender, f"{trail.message_id}|{trail.friend}", at)

    def chase(self, timer: Timer) -> None:
        """A text whose fate nobody told in time: the customer hears that there is no answer yet.

        It costs nothing, and a late word still gives its receipt. Raises StoreUnavailable.
        """
        message_id, _, friend = timer.subject.rpartition("|")
        wanted = Wanted(timer.number, Msisdn(friend), id_forms(message_id))
        held = self._store.read_all([wanted])[0]
        trail, change = held.trail, Change(timer.number, fired=timer)
        if trail and trail.fate not in OUTCOME_OF and self._served(held, trail) is None:
            now = self._clock.now()
            receipt = self._receipt(held.subscription, trail, None, now)
            kept = trail.but(version=trail.version + 1)
            change = replace(change, records=(kept, receipt), post=(receipt.id,))
        # A lost race needs no second try: the timer is still set, or its work is done.
        self._store.commit(change)

    def _explained(self, held: Held, change: Change) -> Change:
        """The first off-net friend of a month: the customer is told once why no receipt comes."""
        customer, now = held.subscription, self._clock.now()
        month = month_of(now)
        if customer.off_net_told == month:
            return change
        language = customer.language or Language.ZH
        seed = hashlib.blake2b(f"off-net|{customer.number}|{month}".encode(), digest_size=10)
        notice = Receipt(
            id=self._store.receipt_id(customer.number, seed.hexdigest()),
            number=customer.number,
            text=notices().say("notice.off_net", language),
            mode=Mode.TEXT,
            language=language,
            created_at=now,
            version=1,
            kind=Kind.NOTICE,
        )
        told = customer.but(version=customer.version + 1, off_net_told=month)
        return replace(change, records=(*change.records, told, notice), post=(notice.id,))

    def _why_not(self, held: Held, trail: Trail) -> WhyNot | None:
        """Why a text whose news has just become final gives no receipt."""
        if fate_of(trail) not in OUTCOME_OF:
            return WhyNot.PARTS_MISSING
        return self._served(held, trail)

    def _served(self, held: Held, trail: Trail) -> WhyNot | None:
        """Why the texts of this customer to this friend give no receipts; None when they do."""
        customer = held.subscription
        if customer.state not in RECEIVING:
            return _NOT_RECEIVING.get(customer.state, WhyNot.NOT_SUBSCRIBED)
        friend = held.friend or Subscription(trail.friend)
        if self._numbering.home_of(friend).network is not Network.CHINA_MOBILE:
            return WhyNot.FRIEND_OFF_NET
        covered = self._book.province(self._province(customer)) is not None
        return None if covered else WhyNot.PROVINCE_CLOSED

    def _province(self, customer: Subscription) -> str:
        return self._numbering.home_of(customer).province or ""

    def _receipt(
        self, customer: Subscription, trail: Trail, fate: Fate | None, at: dt.datetime
    ) -> Receipt:
        now = self._clock.now()
        province = self._book.province(self._province(customer))
        assert province is not None  # noqa: S101 - _why_not has looked
        tariff = tariff_on(province, now)
        outcome = OUTCOME_OF[fate] if fate else Outcome.NO_ANSWER
        language = customer.language or province.languages[0]
        return Receipt(
            id=self._store.receipt_id(trail.sender, _seed(trail, fate)),
            number=trail.sender,
            text=receipt_text(fate or outcome, trail.friend, at, language),
            mode=customer.mode,
            language=language,
            created_at=now,
            version=1,
            kind=Kind.RECEIPT,
            message_id=trail.message_id,
            friend=trail.friend,
            outcome=outcome,
            tariff=tariff.version,
            price_fen=receipt_fen(province, now, outcome, before=tariff.free_receipts),
            free_receipts=tariff.free_receipts,
        )


def fate_of(trail: Trail) -> Fate:
    """The fate of a whole text: final when all its parts are, failed when one of them is."""
    finals = dict(trail.finals)
    if len(finals) < trail.parts:
        return Fate.UNDERWAY
    failed = [fate for _, fate in sorted(finals.items()) if fate is not Fate.DELIVERED]
    return failed[0] if failed else Fate.DELIVERED


def _not_new(trail: Trail, report: Report) -> WhyNot | None:
    """Why a report tells nothing final that we did not know."""
    if report.fate is Fate.UNKNOWN:
        return WhyNot.UNKNOWN_WORD
    if report.fate not in OUTCOME_OF:
        return WhyNot.UNDERWAY
    known = dict(trail.finals).get(report.part)
    if known is None:
        return None
    return WhyNot.REPEATED if known is report.fate else WhyNot.CONTRADICTED


def _wanted(report: Report) -> Wanted:
    return Wanted(report.sender, report.friend, id_forms(report.message_id))


def _seed(trail: Trail, fate: Fate | None) -> str:
    """The same text gives the same receipt id, however often; "no answer yet" is one of its own."""
    about = f"{trail.sender}|{trail.message_id}{'' if fate else '|no answer'}"
    return hashlib.blake2b(about.encode(), digest_size=10).hexdigest()
