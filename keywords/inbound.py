"""A text to the short code, and the effect of one that the carrier has answered."""

from msgspec import Struct

from keywords.text_figures import meaning, with_text_figure
from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Channel, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.store import Snapshot
from receipts.subscriptions import cancellation, ordering
from receipts.subscriptions.decision import CustomerRequest, Decision
from receipts.subscriptions.policy import SubscriptionPolicy


class InboundMessage(Struct, frozen=True):
    """A text to the short code. ``opt_out`` is the keyword that the carrier has answered."""

    event: str
    sender: Msisdn
    body: str
    opt_out: str = ""


def answered_by_carrier(
    policy: SubscriptionPolicy, snapshot: Snapshot, text: InboundMessage
) -> ChangeSet:
    """Act on a STOP without a reply: the carrier has sent its own and would drop ours."""
    customer, now = snapshot.subscription, policy.now()
    language = policy.language(customer)
    request = CustomerRequest(Channel.TEXT, language, text.event, text.body[:160])
    decision = Decision(customer)
    if text.opt_out == "STOP":
        decision = decision.then(ordering.decline(policy, customer, request))
        cancelled = cancellation.cancel(policy, decision.customer, request)
        decision = decision.then(cancelled)
    if decision.customer == customer:
        state = customer.state.value
        entry = AuditEntry(
            now, text.sender, Channel.TEXT.value, text.event, state, state,
            reply_text=f"{text.opt_out}: {text.body[:160]}",
        )  # fmt: skip
        decision = Decision(customer, audit=(entry,))
    change, event = decision.change_set(customer, text.event, Reply()), meaning(text.opt_out)
    return with_text_figure(change, customer, event, text.body, now)
