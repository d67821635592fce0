"""What a line can do, with no vendor's word in it."""

from msgspec import Struct

from receipts.model.vocabulary import Language


class Say(Struct, frozen=True):
    """Speak a sentence. ``language`` is one of ours, or ``yue`` for Cantonese."""

    text: str
    language: str


class Gather(Struct, frozen=True):
    """Speak, then wait for one key or a few words; silence asks again by the same link."""

    says: tuple[Say, ...]
    link: str
    language: Language
    hints: tuple[str, ...] = ()


class Dial(Struct, frozen=True):
    """Put the caller through to a person, and go on when that call ends."""

    number: str


class Hangup(Struct, frozen=True):
    """End the call."""


Verb = Say | Gather | Dial | Hangup
