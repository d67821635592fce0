"""Eligibility of a person-to-person text for a receipt, and the receipt itself."""

import datetime as dt

from receipts.charging.charges import is_active, is_billable
from receipts.charging.tariffs import receipt_fen, tariff_on
from receipts.charging.trial_people import has_trial_tariff, terms_for
from receipts.model.customer import Subscription
from receipts.model.message import MessageStatus, MessageTrace, NoReceiptReason
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Network, ReceiptOutcome
from receipts.numbering.plan import NumberingPlan
from receipts.numbering.trial_people import TRIAL
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.trace_context import trace_context
from receipts.reports.message_trace import OUTCOME_OF, done_time, failure_cause
from receipts.reports.text_identity import receipt_seed, seed_of
from receipts.rulebook.schema import Province, RuleBook
from receipts.subscriptions.promotions import receipt_with_promotion
from receipts.wording.notice_text import notices
from receipts.wording.receipt_text import ReceiptTimes, failure_reason, receipt_text
from receipts.wording.times import ONE_DAY
from statemachines.subscription import SubscriptionState

#: Networks of possible subscribers; UNKNOWN because some prefixes are in no public source.
_ELIGIBLE_NETWORKS = frozenset({Network.CHINA_MOBILE, Network.UNKNOWN})


class Eligibility:
    """Decides from a snapshot of the store; makes no changes."""

    def __init__(self, store: Store, book: RuleBook, plan: NumberingPlan, clock: Clock) -> None:
        self._store, self._book, self._numbering, self._clock = store, book, plan, clock

    def refusal_reason(self, snapshot: Snapshot, text: MessageTrace) -> NoReceiptReason | None:
        """Reason why the sender gets no receipt for this recipient; None if eligible."""
        customer, home = snapshot.subscription, self._numbering.info_of(snapshot.subscription)
        if customer.state is SubscriptionState.SUSPENDED:
            return NoReceiptReason.SUSPENDED
        if home.network not in _ELIGIBLE_NETWORKS:
            return NoReceiptReason.SENDER_OFF_NET
        left_trial = has_trial_tariff(customer) and home.source != TRIAL
        if left_trial or not is_active(customer, self._clock.now()):
            return NoReceiptReason.NOT_SUBSCRIBED
        if self._book.province(home.province or "") is None:
            return NoReceiptReason.PROVINCE_CLOSED
        recipient = snapshot.recipient or Subscription(text.recipient)
        on_net = self._numbering.info_of(recipient).network is Network.CHINA_MOBILE
        return None if on_net else NoReceiptReason.RECIPIENT_OFF_NET

    def is_stranger(self, snapshot: Snapshot) -> bool:
        """Whether the sender has no service, and no trace of this text from when they had it."""
        customer = snapshot.subscription
        suspended = customer.state is SubscriptionState.SUSPENDED
        served = suspended or is_active(customer, self._clock.now())
        return not served and snapshot.trace is None

    def receipt_id(self, text: MessageTrace, *, answered: bool) -> str:
        """Deterministic id of a text's receipt; the one for "no answer yet" differs."""
        about = (text.sender, text.recipient, text.message_id, text.series)
        return self._store.receipt_id(text.sender, receipt_seed(*about, answered=answered))

    def build_receipt(
        self, customer: Subscription, text: MessageTrace, status: MessageStatus | None
    ) -> Receipt:
        """Receipt of a text with a final status; without a status, "no answer yet"."""
        now, province = self._clock.now(), self._province(customer)
        tariff, language = tariff_on(province, now), self._language(customer)
        outcome = OUTCOME_OF[status] if status else ReceiptOutcome.NO_ANSWER
        price = receipt_fen(tariff, outcome, before=tariff.free_receipts)
        receipt_id = self.receipt_id(text, answered=status is not None)
        times = ReceiptTimes(now, text.submitted, done_time(text) if status else None)
        cause = failure_cause(text)
        about = (status or outcome, text.recipient, times, language, cause)
        body, dated = receipt_text(*about), receipt_text(*about, today=now + ONE_DAY)
        book, code = self._book, province.code
        promoted = receipt_with_promotion(customer, book, code, now, receipt_id, body, language)
        return Receipt(
            id=receipt_id,
            number=text.sender,
            text=promoted.text if promoted else body,
            dated_text=dated if dated != body else None,
            promotion=promoted.name if promoted else None,
            mode=customer.mode,
            language=language,
            created_at=now,
            version=1,
            kind=MessageKind.RECEIPT,
            message_id=text.message_id,
            recipient=text.recipient,
            outcome=outcome,
            failure=failure_reason(status, cause),
            text_sent=times.sent,
            text_done=times.done,
            trace=trace_context.get(),
            tariff=tariff.version,
            price_fen=price if is_billable(customer, now) else 0,
            free_receipts=tariff.free_receipts,
        )

    def waits_until(self, receipt: Receipt) -> dt.datetime | None:
        """The end of a receipt's wait for others to join a digest; None if it does not wait."""
        sending = self._book.sending
        waits = receipt.mode is DisplayMode.FLASH and sending.digest_seconds > 0
        return receipt.created_at + sending.digest if waits else None

    def off_net_notice(self, customer: Subscription, month: str) -> Receipt:
        """Notification that off-net texts give no receipts; one id per customer and month."""
        language = self._language(customer)
        number, kind, now = customer.number, MessageKind.NOTICE, self._clock.now()
        receipt_id = self._store.receipt_id(number, seed_of(f"off-net|{number}|{month}"))
        text, mode = notices().render("notice.off_net", language), DisplayMode.TEXT
        return Receipt(receipt_id, number, text, mode, language, now, version=1, kind=kind)

    def _province(self, customer: Subscription) -> Province:
        home = self._numbering.info_of(customer)
        province = self._book.province(home.province)
        assert province is not None  # noqa: S101 - refusal_reason has checked it
        return terms_for(province, home, customer.number)

    def _language(self, customer: Subscription) -> Language:
        return customer.language or self._province(customer).languages[0]
