"""The last receipts of a customer, read out."""

import datetime as dt

from receipts.model.customer import Subscription
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, ReceiptOutcome
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.times import listed_times, time_phrase


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
    now = policy.now()
    lines = (_line(each, now, request.language) for each in receipts)
    return Decision(customer, (("receipts_list", {}), *lines))


def _line(receipt: Receipt, now: dt.datetime, language: Language) -> Message:
    sent, done = listed_times(receipt.text_sent, receipt.text_done)
    time, kind = sent or done, "sent" if sent else "done"
    params = {
        "friend": (receipt.recipient or "")[-4:],
        "outcome": (receipt.outcome or ReceiptOutcome.NO_ANSWER).value,
    }
    if time is None:
        return "receipt_line.untimed", params
    return f"receipt_line.{kind}", params | {kind: time_phrase(time, now, language, spoken=True)}
