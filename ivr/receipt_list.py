"""The last receipts of a customer, read out."""

from ivr.spoken import spoken_time
from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, ReceiptOutcome
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy


def read_out(
    policy: SubscriptionPolicy,
    account: AccountQueries,
    customer: Subscription,
    request: CustomerRequest,
) -> Decision:
    """The newest receipts, a sentence each."""
    receipts = account.latest_receipts(customer.number, policy.limits(customer).receipts_shown)
    if not receipts:
        return Decision(customer, (("receipts_none", {}),))
    lines = (("receipt_line", _params(each, request.language)) for each in receipts)
    return Decision(customer, (("receipts_list", {}), *lines))


def _params(receipt: Receipt, language: Language) -> dict[str, str]:
    return {
        "friend": (receipt.recipient or "")[-4:],
        "when": spoken_time(receipt.created_at, language),
        "outcome": (receipt.outcome or ReceiptOutcome.NO_ANSWER).value,
    }
