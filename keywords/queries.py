"""What the 7500 line tells without changing anything: how one stands, receipts, charges, hints."""

from collections.abc import Callable, Sequence

from keywords.parser import ParsedMessage
from receipts.model.calendar import SHANGHAI
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import ReceiptOutcome
from receipts.subscriptions import preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.preferences import format_spent


class AccountReplies:
    """Looks up and puts together; the customer stays as it is."""

    def __init__(self, policy: SubscriptionPolicy, account: AccountQueries) -> None:
        self._policy, self._account = policy, account

    def plain(self, key: str) -> Callable[[Subscription, CustomerRequest, ParsedMessage], Decision]:
        """A sentence that needs only what is known of the customer."""
        return lambda customer, asked, _: Decision(
            customer, ((key, self._policy.template_params(customer, asked.language)),)
        )

    def near(self, customer: Subscription, _: CustomerRequest, reading: ParsedMessage) -> Decision:
        """Words that the text may have been meant for."""
        return Decision(customer, (("near", {"words": "|".join(reading.near)}),))

    def elsewhere(
        self, customer: Subscription, _: CustomerRequest, reading: ParsedMessage
    ) -> Decision:
        """The word of this province for what was said with another's."""
        return Decision(customer, (("elsewhere", {"word": reading.elsewhere or ""}),))

    def ask(self, customer: Subscription, request: CustomerRequest, _: ParsedMessage) -> Decision:
        """How the customer stands, with what this month has cost."""
        spent = sum(charge.fen for charge in self._charged(customer, request))
        return preferences.account_status(self._policy, customer, request, spent)

    def _charged(self, customer: Subscription, request: CustomerRequest) -> Sequence[Charge]:
        if request.charges is not None:
            return request.charges
        return self._account.charges(customer.number)

    def receipts(
        self, customer: Subscription, _asked: CustomerRequest, _: ParsedMessage
    ) -> Decision:
        """The last receipts, newest first."""
        limit = self._policy.limits(customer).receipts_shown
        found = self._account.latest_receipts(customer.number, limit)
        if not found:
            return Decision(customer, (("receipts_none", {}),))
        lines: list[Message] = [("receipt_line", _line(receipt)) for receipt in found]
        return Decision(customer, (("receipts_list", {"list": ""}), *lines))

    def charges(
        self, customer: Subscription, request: CustomerRequest, _: ParsedMessage
    ) -> Decision:
        """What this month has cost by kind, and what that stands on."""
        charges = self._charged(customer, request)
        if not charges:
            return Decision(customer, (("charges_none", {}),))
        monthly = sum(c.fen for c in charges if c.kind is ChargeKind.MONTHLY)
        receipts = [c.fen for c in charges if c.kind is ChargeKind.RECEIPT]
        params = {
            "total": format_spent(monthly + sum(receipts), request.language),
            "monthly": format_spent(monthly, request.language),
            "receipts": format_spent(sum(receipts), request.language),
            "count": str(len(receipts)),
        }
        why = self._policy.consent_summary(customer, request.language)
        return Decision(customer, (("charges_list", params), *why))


def _line(receipt: Receipt) -> dict[str, str]:
    when = receipt.created_at.astimezone(SHANGHAI)
    return {
        "friend": receipt.recipient.national if receipt.recipient else "",
        "when": when.strftime("%m-%d %H:%M"),
        "outcome": receipt.outcome.value if receipt.outcome else ReceiptOutcome.NO_ANSWER.value,
    }
