"""Reads TwiML: a document becomes verbs, or is refused as the provider refuses it."""

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from simulator.doors import Answer

_XML = frozenset({"text/xml", "application/xml", "text/html"})


class NotTwiml(ValueError):
    """The answer cannot be executed; the message says why."""


@dataclass(frozen=True)
class Verb:
    """One instruction: its name, attributes, words and the verbs inside it."""

    name: str
    attributes: dict[str, str]
    text: str
    inside: tuple["Verb", ...] = ()


def verbs(answer: Answer) -> tuple[Verb, ...]:
    """Return the verbs of a good answer, or raise NotTwiml."""
    if not answer.ok:
        raise NotTwiml(f"11200: the door answered {answer.status}")
    if answer.kind not in _XML:
        raise NotTwiml(f"12300: content type {answer.kind or 'missing'}")
    try:
        # The product is the only author of these documents, and they are 64 kB at most.
        root = ET.fromstring(answer.body)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as error:
        raise NotTwiml(f"12100: {error}") from error
    if root.tag != "Response":
        raise NotTwiml(f"12102: the root is {root.tag}, not Response")
    return tuple(_verb(element) for element in root)


def replies(answer: Answer) -> list[str]:
    """Return the texts an incoming text is answered with."""
    if answer.ok and answer.kind == "text/plain":
        # The provider sends a plain answer to the customer as it is: a trap worth keeping.
        text = answer.body.decode("utf-8", "replace")
        return [text] if text.strip() else []
    texts = (_message(verb) for verb in verbs(answer) if verb.name == "Message")
    return [text for text in texts if text]


def _message(verb: Verb) -> str:
    body = "".join(inner.text for inner in verb.inside if inner.name == "Body")
    return body or verb.text


def _verb(element: ET.Element) -> Verb:
    return Verb(
        element.tag,
        dict(element.attrib),
        "".join(element.itertext()).strip(),
        tuple(_verb(inner) for inner in element),
    )
