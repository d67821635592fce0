"""Voice verbs without vendor terms."""

from msgspec import Struct

from receipts.model.vocabulary import Language


class Say(Struct, frozen=True):
    """Speak a text in one ``Language``."""

    text: str
    language: str


class Gather(Struct, frozen=True):
    """Speak a prompt, then wait for keys or speech; no input requests ``link`` again.

    One key or speech, or ``digits`` keys without speech where that is more than one.
    """

    says: tuple[Say, ...]
    link: str
    language: Language
    hints: tuple[str, ...] = ()
    digits: int = 1


class Dial(Struct, frozen=True):
    """Connect the caller to a number; the call continues with the next verb."""

    number: str


class Hangup(Struct, frozen=True):
    """End the call."""


Verb = Say | Gather | Dial | Hangup
