"""TwiML parser: turns a response of the product into verbs, with Twilio's error codes."""

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from simulator.webhooks.client import WebhookResponse

_XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})


class TwimlError(ValueError):
    """The document cannot be executed; the message begins with Twilio's error code."""

    @property
    def code(self) -> str:
        """Twilio's error code."""
        return str(self).partition(":")[0]


@dataclass(frozen=True)
class TwimlVerb:
    """An element of a document with its attributes, text and nested elements."""

    name: str
    attributes: dict[str, str]
    text: str
    children: tuple["TwimlVerb", ...] = ()


def parse_verbs(response: WebhookResponse) -> tuple[TwimlVerb, ...]:
    """Return the verbs of a successful response. Raises: TwimlError."""
    if not response.ok:
        raise TwimlError(f"11200: the webhook answered {response.status}")
    if response.content_type not in _XML_TYPES:
        raise TwimlError(f"12300: content type {response.content_type or 'missing'}")
    try:
        # The product is the only author of these documents, and they are 64 kB at most.
        root = ET.fromstring(response.body)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as error:
        raise TwimlError(f"12100: {error}") from error
    if root.tag != "Response":
        raise TwimlError(f"12102: the root is {root.tag}, not Response")
    return tuple(_verb(element) for element in root)


def parse_replies(response: WebhookResponse) -> list[str]:
    """Return the texts that answer an incoming text. Raises: TwimlError."""
    if response.ok and response.content_type == "text/plain":
        # Twilio sends a plain response to the sender unchanged.
        text = response.body.decode("utf-8", "replace")
        return [text] if text.strip() else []
    texts = (_message_text(v) for v in parse_verbs(response) if v.name == "Message")
    return [text for text in texts if text]


def _message_text(verb: TwimlVerb) -> str:
    return "".join(child.text for child in verb.children if child.name == "Body") or verb.text


def _verb(element: ET.Element) -> TwimlVerb:
    return TwimlVerb(
        element.tag,
        dict(element.attrib),
        "".join(element.itertext()).strip(),
        tuple(_verb(child) for child in element),
    )
