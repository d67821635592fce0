"""The webhooks of the 7500 line: a text comes in, and word of what became of texts."""

from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape

from flask import Blueprint, Response

from keywords.dialogue import Conversation, IncomingText
from keywords.replies import Replies
from receipts.deciding import settle
from receipts.delivery import Delivery, Told
from receipts.model import Fate, Msisdn, Report
from receipts.news import take_news
from receipts.numbering import parse_msisdn
from receipts.ports import Clock, Store
from receipts.reports import Reports

Fields = Callable[..., Mapping[str, str]]
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def text_door(
    store: Store,
    conversation: Conversation,
    replies: Replies,
    fields: Fields,
    learn: Callable[[Msisdn], None],
) -> Blueprint:
    """``POST /sms``: at most one reply, and silence to senders that are no mobile phones."""
    door = Blueprint("keywords", __name__)

    @door.post("/sms")
    def sms() -> Response:
        asked = fields("MessageSid", "From", "Body")
        sender = parse_msisdn(asked["From"])
        if sender is None:
            # A short code or a word instead of a number: a machine, and machines get no answer.
            return _reply("")
        learn(sender)
        text = IncomingText(
            f"sms:{asked['MessageSid']}", sender, asked["Body"], asked.get("OptOutType", "")
        )
        answer = settle(
            store, sender, lambda held: conversation.decide(held, text), text.event, talk=True
        )
        return _reply(replies.text(answer))

    return door


def twilio_status_doors(
    store: Store,
    reports: Reports,
    delivery: Delivery,
    clock: Clock,
    fate_of: Callable[[str, str], Fate],
    told_of: Callable[[str], Told],
    fields: Fields,
) -> Blueprint:
    """What Twilio says of people's texts to each other, and of our own receipts."""
    doors = Blueprint("twilio_status", __name__)

    @doors.post("/messages/status")
    def message_status() -> Response:
        asked = fields("MessageSid", "MessageStatus", "From", "To")
        sender, friend = parse_msisdn(asked["From"]), parse_msisdn(asked["To"])
        if sender is not None and friend is not None:
            status, error = asked["MessageStatus"], asked.get("ErrorCode", "")
            fate = fate_of(status, error)
            word = f"{status} {error}".strip()
            reports.take(Report(asked["MessageSid"], sender, friend, fate, word, clock.now()))
        return Response(status=204)

    @doors.post("/receipts/<receipt_id>/status")
    def receipt_status(receipt_id: str) -> Response:
        asked = fields("MessageSid", "MessageStatus")
        status = asked["MessageStatus"]
        word = f"{status} {asked.get('ErrorCode', '')}".strip()
        take_news(store, delivery, receipt_id, told_of(status), word, asked["MessageSid"])
        return Response(status=204)

    return doors


def _reply(text: str) -> Response:
    body = f"<Response><Message>{escape(text)}</Message></Response>" if text else "<Response/>"
    return Response(_HEAD + body, content_type="text/xml; charset=utf-8")
