"""The webhooks of the 7500 line: a text comes in, and word of what became of texts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


#: What a text must say for itself.
TEXT_NEEDS = ("MessageSid", "From", "Body")
STATUS_NEEDS = ("MessageSid", "MessageStatus", "From", "To")
RECEIPT_NEEDS = ("MessageSid", "MessageStatus")


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts to 7500: at most one reply, and silence to senders that are no mobile phones."""

    store: Store
    conversation: Conversation
    replies: Replies
    learn: Callable[[Msisdn], None]

    def take(self, asked: Mapping[str, str]) -> str:
        """One text; the page to answer with."""
        sender = parse_msisdn(asked["From"])
        if sender is None:
            # A short code or a word instead of a number: a machine, and machines get no answer.
            return _page("")
        self.learn(sender)
        text = IncomingText(
            f"sms:{asked['MessageSid']}", sender, asked["Body"], asked.get("OptOutType", "")
        )
        answer = settle(
            self.store,
            sender,
            lambda held: self.conversation.decide(held, text),
            text.event,
            talk=True,
            months=self.conversation.months(text),
        )
        return _page(self.replies.text(answer))


@dataclass(frozen=True, slots=True)
class TwilioNews:
    """What Twilio says of people's texts to each other, and of our own receipts."""

    store: Store
    reports: Reports
    delivery: Delivery
    clock: Clock
    fate_of: Callable[[str, str], Fate]
    told_of: Callable[[str], Told]

    def of_text(self, asked: Mapping[str, str]) -> None:
        """The fate of a text between people."""
        sender, friend = parse_msisdn(asked["From"]), parse_msisdn(asked["To"])
        if sender is None or friend is None:
            return
        status, error = asked["MessageStatus"], asked.get("ErrorCode", "")
        fate = self.fate_of(status, error)
        word = f"{status} {error}".strip()
        self.reports.take(Report(asked["MessageSid"], sender, friend, fate, word, self.clock.now()))

    def of_receipt(self, asked: Mapping[str, str], receipt_id: str) -> None:
        """The fate of a receipt of ours."""
        status = asked["MessageStatus"]
        word = f"{status} {asked.get('ErrorCode', '')}".strip()
        sid = asked["MessageSid"]
        take_news(self.store, self.delivery, receipt_id, self.told_of(status), word, sid)


def text_door(texts: Texts, fields: Fields) -> Blueprint:
    """``POST /sms``."""
    door = Blueprint("keywords", __name__)

    @door.post("/sms")
    def sms() -> Response:
        page = texts.take(fields(*TEXT_NEEDS))
        return Response(page, content_type="text/xml; charset=utf-8")

    return door


def twilio_status_doors(news: TwilioNews, fields: Fields) -> Blueprint:
    """``POST /messages/status`` and ``POST /receipts/<id>/status``."""
    doors = Blueprint("twilio_status", __name__)

    @doors.post("/messages/status")
    def message_status() -> Response:
        news.of_text(fields(*STATUS_NEEDS))
        return Response(status=204)

    @doors.post("/receipts/<receipt_id>/status")
    def receipt_status(receipt_id: str) -> Response:
        news.of_receipt(fields(*RECEIPT_NEEDS), receipt_id)
        return Response(status=204)

    return doors


def _page(text: str) -> str:
    body = f"<Response><Message>{escape(text)}</Message></Response>" if text else "<Response/>"
    return _HEAD + body
