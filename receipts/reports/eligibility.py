"""Whether a person-to-person text gives its sender a receipt, and what that receipt is."""

import hashlib

from receipts.charging.charges import is_active, is_billable
from receipts.charging.tariffs import receipt_fen, tariff_on
from receipts.model.customer import Subscription
from receipts.model.message import MessageStatus, MessageTrace, NoReceiptReason
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, Network, ReceiptOutcome
from receipts.numbering.plan import NumberingPlan
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.reports.message_trace import OUTCOME_OF, normalise_message_id
from receipts.rulebook.schema import Province, RuleBook
from receipts.subscriptions.promotions import receipt_with_promotion
from receipts.wording.notice_text import notices
from receipts.wording.receipt_text import receipt_text
from statemachines.subscription import SubscriptionState

#: Networks whose customers may have the service: of some prefixes no source can say whose.
_OURS = frozenset({Network.CHINA_MOBILE, Network.UNKNOWN})


class Eligibility:
    """Decides from what was read; writes nothing."""

    def __init__(
        self, store: Store, book: RuleBook, numbering: NumberingPlan, clock: Clock
    ) -> None:
        self._store, self._book, self._numbering, self._clock = store, book, numbering, clock

    def refusal_reason(self, snapshot: Snapshot, text: MessageTrace) -> NoReceiptReason | None:
        """Why the texts of this customer to this friend give no receipts; None when they do."""
        customer, home = snapshot.subscription, self._numbering.info_of(snapshot.subscription)
        if customer.state is SubscriptionState.SUSPENDED:
            return NoReceiptReason.SUSPENDED
        if home.network not in _OURS:
            return NoReceiptReason.SENDER_OFF_NET
        if not is_active(customer, self._clock.now()):
            return NoReceiptReason.NOT_SUBSCRIBED
        if self._book.province(home.province or "") is None:
            return NoReceiptReason.PROVINCE_CLOSED
        recipient = snapshot.recipient or Subscription(text.recipient)
        on_net = self._numbering.info_of(recipient).network is Network.CHINA_MOBILE
        return None if on_net else NoReceiptReason.RECIPIENT_OFF_NET

    def receipt_id(self, text: MessageTrace, *, answered: bool) -> str:
        """The same text gives the same id, however often; "no answer yet" has one of its own."""
        about = f"{text.sender}|{text.recipient}|{normalise_message_id(text.message_id)}"
        return self._id(text.sender, about if answered else f"{about}|no answer")

    def build_receipt(
        self, customer: Subscription, text: MessageTrace, status: MessageStatus | None
    ) -> Receipt:
        """The receipt of a whole text; without a fate, that there is no answer yet."""
        now, province = self._clock.now(), self._province(customer)
        tariff, language = tariff_on(province, now), self._language(customer)
        outcome = OUTCOME_OF[status] if status else ReceiptOutcome.NO_ANSWER
        price = receipt_fen(tariff, outcome, before=tariff.free_receipts)
        receipt_id = self.receipt_id(text, answered=status is not None)
        gathers = customer.mode is DisplayMode.FLASH and self._book.sending.digest_seconds > 0
        # A long text has arrived when the last of its parts has, whichever report came last.
        at = max(final.at for final in text.part_statuses) if status else now
        body = receipt_text(status or outcome, text.recipient, at, language)
        also = receipt_with_promotion(
            customer, self._book, province.code, now, receipt_id, body, language
        )
        return Receipt(
            id=receipt_id,
            number=text.sender,
            text=also.text if also else body,
            promotion=also.name if also else None,
            mode=customer.mode,
            language=language,
            created_at=now,
            version=1,
            kind=MessageKind.RECEIPT,
            message_id=text.message_id,
            recipient=text.recipient,
            outcome=outcome,
            tariff=tariff.version,
            price_fen=price if is_billable(customer, now) else 0,
            free_receipts=tariff.free_receipts,
            waits_until=now + self._book.sending.digest if gathers else None,
        )

    def off_net_notice(self, customer: Subscription, month: str) -> Receipt:
        """Why texts to other networks give no receipts: one notice a customer and month."""
        language = self._language(customer)
        return Receipt(
            id=self._id(customer.number, f"off-net|{customer.number}|{month}"),
            number=customer.number,
            text=notices().render("notice.off_net", language),
            mode=DisplayMode.TEXT,
            language=language,
            created_at=self._clock.now(),
            version=1,
            kind=MessageKind.NOTICE,
        )

    def _id(self, number: Msisdn, about: str) -> str:
        seed = hashlib.blake2b(about.encode(), digest_size=10).hexdigest()
        return self._store.receipt_id(number, seed)

    def _province(self, customer: Subscription) -> Province:
        province = self._book.province(self._numbering.info_of(customer).province or "")
        assert province is not None  # noqa: S101 - why_not has looked
        return province

    def _language(self, customer: Subscription) -> Language:
        return customer.language or self._province(customer).languages[0]
