"""Twilio's inbound SMS webhook: a text to 7500 in, TwiML with at most one reply out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from xml.sax.saxutils import escape

import structlog
from flask import Blueprint, Response

from keywords.conversation import Conversation
from keywords.inbound import InboundMessage
from keywords.relay import FriendRelay
from keywords.replies import ReplyRenderer
from receipts.model.invisible import xml_text
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn, unanswered_kind
from receipts.ports.store import ReplayedEventError, Store
from receipts.ports.unit_of_work import run_in_transaction
from statemachines.subscription import HOLDING

#: The verified form of the current request, with the named fields.
FormFields = Callable[..., Mapping[str, str]]

_log = structlog.get_logger()

_XML = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True, slots=True)
class InboundSmsHandler:
    """Answer texts to 7500, from Twilio and from Kannel."""

    store: Store
    conversation: Conversation
    relay: FriendRelay
    renderer: ReplyRenderer
    refresh_network: Callable[[Msisdn], None]
    #: Counts a text that gets no reply, by the kind of its sender.
    count_silence: Callable[[str], None]

    def reply(self, event: str, sender: str, body: str, opt_out: str = "") -> str:
        """The reply to a text; empty for machines, and senders to whom a reply costs a multiple.

        A repeated ``event`` (idempotency key) gets the same reply, and none after weeks. Raises
        StoreUnavailableError.
        """
        number = parse_msisdn(sender)
        # Short codes and alphanumeric senders are machines: a reply could start a loop.
        kind = "no number" if number is None else unanswered_kind(number)
        if number is None or (kind and not self._is_served_abroad(number)):
            self.count_silence(kind)
            return ""
        self.refresh_network(number)
        text = InboundMessage(event, number, body, opt_out)
        sums_of: str | None = None
        if (addressed := self.relay.read(text)) is not None:
            decide = partial(self.relay.decide, text=text, addressed=addressed)
        else:
            decide = partial(self.conversation.decide, text=text)
            sums_of = self.conversation.sums_of(text)
        try:
            reply = run_in_transaction(
                self.store, number, decide, event, reply_count=True, sums_of=sums_of
            )
        except ReplayedEventError as error:
            _log.warning("an old text came again", why=str(error))
            return ""
        return self.renderer.text(reply)

    def _is_served_abroad(self, number: Msisdn) -> bool:
        """Whether a number is a trial person's, or has a service that it must be able to leave."""
        if self.conversation.policy.is_trial_person(number):
            return True
        return self.store.load(number).subscription.state in HOLDING


def sms_blueprint(handler: InboundSmsHandler, fields: FormFields) -> Blueprint:
    """``POST /sms``."""
    blueprint = Blueprint("keywords", __name__)

    @blueprint.post("/sms")
    def sms() -> Response:
        form = fields("MessageSid", "From", "Body")
        event, opt_out = f"sms:{form['MessageSid']}", form.get("OptOutType", "")
        reply = handler.reply(event, form["From"], form["Body"], opt_out)
        message = f"<Response><Message>{escape(xml_text(reply))}</Message></Response>"
        return Response(
            _XML + (message if reply else "<Response/>"), content_type="text/xml; charset=utf-8"
        )

    return blueprint
