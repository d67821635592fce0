"""What became of a person-to-person text: is a receipt due, and if not, why not."""

import hashlib

from receipts.charges import may_charge, runs
from receipts.deciding import settle
from receipts.model import (
    Fate,
    Kind,
    Msisdn,
    Network,
    News,
    Outcome,
    Receipt,
    Report,
    Subscription,
    Trail,
    WhyNot,
)
from receipts.numbering import Numbering
from receipts.ports import Change, Clock, Held, Store
from receipts.provinces import RuleBook
from receipts.tariff import receipt_fen, tariff_on
from receipts.wording import receipt_text
from statemachines.subscription import SubscriptionState

#: What the receipt tells of each final fate; running out of time is a failure to the sender.
OUTCOME_OF: dict[Fate, Outcome] = {
    Fate.DELIVERED: Outcome.DELIVERED,
    Fate.EXPIRED: Outcome.FAILED,
    Fate.FAILED: Outcome.FAILED,
    Fate.REJECTED: Outcome.REJECTED,
}

#: News kept with a text; more than this is a network repeating itself.
_HISTORY = 20


class Reports:
    """Turns the network's news into receipts, each text once."""

    def __init__(self, store: Store, book: RuleBook, numbering: Numbering, clock: Clock) -> None:
        self._store, self._book, self._numbering, self._clock = store, book, numbering, clock

    def take(self, report: Report) -> None:
        """One report, whole on disk when this returns. Raises StoreUnavailable."""
        settle(
            self._store,
            report.sender,
            lambda held: self.decide(held, report),
            message_id=report.message_id,
            friend=report.friend,
        )

    def decide(self, held: Held, report: Report) -> Change:
        """What one report does: a receipt, or a reason for none. Pure."""
        trail = held.trail or Trail(report.message_id, report.sender, report.friend)
        if report.word in {news.word for news in trail.history}:
            return Change(report.sender)
        kept = trail.but(
            version=trail.version + 1,
            history=(*trail.history, News(report.at, report.word))[-_HISTORY:],
        )
        why_not = self._why_not(held, trail, report)
        if why_not is None:
            receipt = self._receipt(held.subscription, report)
            kept = kept.but(fate=report.fate, receipt_id=receipt.id)
            return Change(report.sender, records=(kept, receipt), post=(receipt.id,))
        if report.fate in OUTCOME_OF and trail.fate not in OUTCOME_OF:
            kept = kept.but(fate=report.fate, why_not=why_not)
        return Change(report.sender, records=(kept,), count=(why_not.value,))

    def _why_not(self, held: Held, trail: Trail, report: Report) -> WhyNot | None:
        if report.fate is Fate.UNKNOWN:
            return WhyNot.UNKNOWN_WORD
        if report.fate not in OUTCOME_OF:
            return WhyNot.UNDERWAY
        if trail.fate in OUTCOME_OF:
            return WhyNot.REPEATED if trail.fate is report.fate else WhyNot.CONTRADICTED
        return self._not_served(held.subscription, held.friend or Subscription(report.friend))

    def _not_served(self, customer: Subscription, friend: Subscription) -> WhyNot | None:
        if not runs(customer, self._clock.now()):
            return _NOT_RECEIVING.get(customer.state, WhyNot.NOT_SUBSCRIBED)
        if self._numbering.home_of(friend).network is not Network.CHINA_MOBILE:
            return WhyNot.FRIEND_OFF_NET
        covered = self._book.province(self._province(customer)) is not None
        return None if covered else WhyNot.PROVINCE_CLOSED

    def _province(self, customer: Subscription) -> str:
        return self._numbering.home_of(customer).province or ""

    def _receipt(self, customer: Subscription, report: Report) -> Receipt:
        now = self._clock.now()
        province = self._book.province(self._province(customer))
        assert province is not None  # noqa: S101 - _why_not has looked
        tariff = tariff_on(province, now)
        outcome = OUTCOME_OF[report.fate]
        language = customer.language or province.languages[0]
        price = receipt_fen(province, now, outcome, before=tariff.free_receipts)
        seed = _seed(report.sender, report.message_id)
        return Receipt(
            id=self._store.receipt_id(report.sender, seed),
            number=report.sender,
            text=receipt_text(report.fate, report.friend, report.at, language),
            mode=customer.mode,
            language=language,
            created_at=now,
            version=1,
            kind=Kind.RECEIPT,
            message_id=report.message_id,
            friend=report.friend,
            outcome=outcome,
            tariff=tariff.version,
            price_fen=price if may_charge(customer, now) else 0,
            free_receipts=tariff.free_receipts,
        )


#: States in which a customer holds the service and still gets no receipts.
_NOT_RECEIVING = {SubscriptionState.SUSPENDED: WhyNot.SUSPENDED}


def _seed(sender: Msisdn, message_id: str) -> str:
    """The same text gives the same receipt id, however often and whoever asks."""
    return hashlib.blake2b(f"{sender}|{message_id}".encode(), digest_size=10).hexdigest()
