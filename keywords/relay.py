"""Masked relay: a trial person's text to a friend's number, passed on from the short code."""

from msgspec.structs import replace

from keywords.inbound import InboundMessage
from keywords.reply_limits import ReplyBudget
from keywords.suggestions import language_of
from keywords.trial_replies import trial_reply
from receipts.charging.charges import is_active
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.relays import build_relay
from receipts.model.vocabulary import Language, Msisdn
from receipts.numbering.friends import AddressedText, FriendDirectory
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.store import Snapshot, Store
from receipts.subscriptions.decision import Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.notice_text import notices
from receipts.wording.segments import segments

#: Texts that one person may have passed on in an hour; each costs the operator money.
RELAYS_AN_HOUR = 30

#: Twilio refuses texts over 1,600 characters; ten segments are fewer.
MAX_SEGMENTS = 10


class FriendRelay:
    """Decides on texts that begin with a number; pure."""

    def __init__(
        self,
        policy: SubscriptionPolicy,
        store: Store,
        delivery: ReceiptLifecycle,
        directory: FriendDirectory,
    ) -> None:
        self._policy, self._store, self._delivery = policy, store, delivery
        self._directory = directory

    def read(self, text: InboundMessage) -> AddressedText | None:
        """The friend and the words of a text; None for one that is for the service itself."""
        return None if text.opt_out else self._directory.read(text.sender, text.body)

    def decide(
        self, snapshot: Snapshot, text: InboundMessage, addressed: AddressedText
    ) -> ChangeSet:
        """Pass the words on, or say why not; repeated mistakes get silence."""
        customer, friend, body = snapshot.subscription, addressed.friend, ""
        limits, now = self._policy.limits(customer), self._policy.now()
        budget = ReplyBudget(snapshot, limits, now, is_phone=True)
        change = ChangeSet(customer.number, text.event)
        problem = f"relay_{addressed.problem}" if addressed.problem else ""
        if friend is not None:
            body = self._body(text.sender, addressed.words)
            problem = self._beyond_limits(budget, body)
        if friend is None or problem:
            if not budget.allows_hint:
                return replace(change, records=(budget.spent(replies=0),))
            reply = self._reply(snapshot, problem)
            return replace(change, reply=reply, records=(budget.spent(hints=1),))
        relay = build_relay(self._store, self._delivery, text.sender, friend, text.event, body)
        tells = not is_active(customer, now) and budget.relays_today == 0
        reply = self._reply(snapshot, "relay_no_receipt" if tells else "")
        spent = budget.spent(replies=int(tells), relays=1)
        return replace(change, reply=reply, records=(spent, relay), outbox=(relay.id,))

    @staticmethod
    def _beyond_limits(budget: ReplyBudget, body: str) -> str:
        if budget.relays_this_hour >= RELAYS_AN_HOUR:
            return "relay_limit"
        return "relay_too_long" if segments(body) > MAX_SEGMENTS else ""

    def _body(self, sender: Msisdn, words: str) -> str:
        """The words as they were typed, behind the last digits of the sender's number."""
        language = language_of(words) or Language.EN
        ending = self._directory.ending(sender)
        return notices().render("relay", language, ending=ending, words=words)

    def _reply(self, snapshot: Snapshot, key: str) -> Reply:
        customer = snapshot.subscription
        language = self._policy.language(customer)
        params = self._policy.template_params(customer, language) | {"most": str(RELAYS_AN_HOUR)}
        messages: tuple[Message, ...] = ((key, params),) if key else ()
        return trial_reply(self._policy, customer, messages, language)
