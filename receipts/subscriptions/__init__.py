"""Pure decisions about one customer, the same at every door: order, confirm, cancel, switch."""

from receipts.subscriptions.choices import ANSWERED_WITHIN, spent_words
from receipts.subscriptions.steps import END, FEE, LAPSE, OWED, TRIAL, Asked, Phrase, Step
from receipts.subscriptions.terms import ServiceArea, SubscriptionPolicy

__all__ = [
    "ANSWERED_WITHIN",
    "END",
    "FEE",
    "LAPSE",
    "OWED",
    "TRIAL",
    "Asked",
    "Phrase",
    "ServiceArea",
    "Step",
    "SubscriptionPolicy",
    "spent_words",
]
