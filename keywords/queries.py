"""Replies about an account: receipts and charges."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from receipts.model.charge import ChargeKind
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, ReceiptOutcome
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.subscriptions.preferences import format_spent
from receipts.wording.times import listed_times, short_time


@dataclass(frozen=True, slots=True)
class AccountReplies:
    """Query an account and build the messages of a reply."""

    policy: SubscriptionPolicy
    account: AccountQueries

    def sentence(self, key: str) -> Callable[[Subscription, CustomerRequest], Decision]:
        """An action that replies with one sentence about the subscription."""
        return lambda customer, request: Decision(
            customer, ((key, self.policy.template_params(customer, request.language)),)
        )

    def receipts(self, customer: Subscription, request: CustomerRequest) -> Decision:
        """The last receipts, newest first."""
        limit = self.policy.limits(customer).receipts_shown
        receipts = self.account.latest_receipts(customer.number, limit)
        if not receipts:
            return Decision(customer, (("receipts_none", {}),))
        now, language = self.policy.now(), request.language
        lines: list[Message] = [
            ("receipt_line", _params(receipt, now, language)) for receipt in receipts
        ]
        return Decision(customer, (("receipts_list", {"list": ""}), *lines))

    def charges(self, customer: Subscription, request: CustomerRequest) -> Decision:
        """The month's charges and credits by kind, with the consent they rest on."""
        sums = self.account.month_sums(customer, request)
        if not sums.count:
            return Decision(customer, (("charges_none", {}),))
        fen, paid = sums.fen_by_kind, sums.paid_by_kind
        params = {
            "total": format_spent(sums.fen, request.language),
            "monthly": format_spent(fen.get(ChargeKind.MONTHLY, 0), request.language),
            # The amount is that of the charged ones, so the count leaves the free ones out.
            "receipts": format_spent(fen.get(ChargeKind.RECEIPT, 0), request.language),
            "count": str(paid.get(ChargeKind.RECEIPT, 0)),
        }
        credited = {
            "credit": format_spent(-fen.get(ChargeKind.CREDIT, 0), request.language),
            "count": str(paid.get(ChargeKind.CREDIT, 0)),
        }
        has_credit = ChargeKind.CREDIT in fen
        credit: list[Message] = [("charges_credit", credited)] if has_credit else []
        consent = self.policy.consent_summary(customer, request.language)
        return Decision(customer, (("charges_list", params), *credit, *consent))


def _params(receipt: Receipt, now: dt.datetime, language: Language) -> dict[str, str]:
    sent, done = listed_times(receipt.text_sent, receipt.text_done)
    return {
        "friend": receipt.recipient.national if receipt.recipient else "",
        "sent": short_time(sent, now, language) if sent else "",
        "done": short_time(done, now, language) if done else "",
        "outcome": (receipt.outcome or ReceiptOutcome.NO_ANSWER).value,
    }
