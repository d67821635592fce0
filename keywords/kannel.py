"""The carrier's own line, through Kannel: a text to 7500 comes in, and word of our receipts."""

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from keywords.dialogue import Conversation, IncomingText
from keywords.replies import Replies
from receipts.deciding import settle
from receipts.delivery import Delivery, Told
from receipts.model import Msisdn
from receipts.news import take_news
from receipts.numbering import parse_msisdn
from receipts.ports import Store
from receipts.wording import is_gsm7

#: What %C may say, and a carrier's mo-recode may make of it. Kannel hands the octets of a text on
#: as they came: UTF-16BE for every phone that writes Chinese, UTF-8 for the 7-bit alphabet.
_CHARSETS = {
    "": "utf-8",
    "UTF-8": "utf-8",
    "UTF-16BE": "utf-16-be",
    "UCS-2": "utf-16-be",
    "ISO-8859-1": "latin-1",
    "WINDOWS-1252": "cp1252",
    "US-ASCII": "ascii",
    "GBK": "gbk",
    "GB18030": "gb18030",
}

#: What Kannel calls the octets of ring tones and pictures: nobody wrote those to us.
_BINARY = "8-BIT"

#: Characters in the longest text we read: ten parts and more, far beyond every word we know.
_LONGEST_TEXT = 2_000

#: Characters in any other parameter that we need.
_LONGEST = 256

_USER_AGENT = "Kannel/"


def kannel_doors(
    store: Store,
    conversation: Conversation,
    replies: Replies,
    delivery: Delivery,
    heard: Callable[[str, str], tuple[Told, str]],
    learn: Callable[[Msisdn], None],
) -> Blueprint:
    """Texts to 7500 over the carrier's own line, and what Kannel says of our receipts."""
    doors = Blueprint("kannel", __name__)

    @doors.get("/kannel/sms")
    def kannel_sms() -> Response:
        asked = _given("id", "from", "text")
        sender = parse_msisdn(asked["from"])
        if sender is None or asked.get("charset", "") == _BINARY:
            # A short code, a word, a ring tone: a machine, and machines get no answer.
            return _plain("")
        learn(sender)
        text = IncomingText(f"kannel:{asked['id']}", sender, asked["text"])
        answer = settle(
            store,
            sender,
            lambda held: conversation.decide(held, text),
            text.event,
            talk=True,
            months=conversation.months(text),
        )
        return _plain(replies.text(answer))

    @doors.get("/kannel/report")
    def kannel_report() -> Response:
        asked = _given("type", "id")
        told, word = heard(asked["type"], asked.get("answer", ""))
        take_news(store, delivery, asked["id"], told, word, None)
        # Kannel 1.4.5 takes 204 for a failure, and where it repeats failed requests (as it must,
        # not to lose a report while we restart) it would repeat every one of them.
        by_kannel = request.user_agent.string.startswith(_USER_AGENT)
        return _plain("") if by_kannel else Response(status=204)

    return doors


def _given(*required: str) -> Mapping[str, str]:
    """The parameters of a verified request, the text read in the charset it came in.

    Raises BadRequest naming the first one missing or odd.
    """
    # As octets first: which charset the text is in is itself one of the parameters.
    octets = dict(
        reversed(parse_qsl(request.query_string.decode("latin-1"), True, encoding="latin-1"))
    )
    text = octets.pop("text", None)
    given = {name: _read(value, "utf-8") for name, value in octets.items()}
    if text is not None:
        given["text"] = _read(text, _charset(given.get("charset", "")))
    for name in required:
        # Somebody may well send an empty text, but nothing happens without an id.
        if name not in given or not (given[name] or name == "text"):
            raise BadRequest(f"missing parameter: {name}")
        if len(given[name]) > (_LONGEST_TEXT if name == "text" else _LONGEST):
            raise BadRequest(f"too long: {name}")
    return given


def _charset(said: str) -> str:
    name = said.strip().upper()
    if name == _BINARY:
        return "latin-1"
    if name not in _CHARSETS:
        raise BadRequest(f"unknown charset: {name[:40]}")
    return _CHARSETS[name]


def _read(octets: str, charset: str) -> str:
    """Octets as text; what cannot be read becomes a mark, and the answer will be a hint."""
    return octets.encode("latin-1").decode(charset, "replace")


def _plain(text: str) -> Response:
    """A reply as Kannel wants it: it sends the page itself, and in Chinese only if told so."""
    answer = Response(text, content_type="text/plain; charset=utf-8")
    if not is_gsm7(text):
        answer.headers["X-Kannel-Coding"] = "2"
    return answer
