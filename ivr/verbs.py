"""What a line can do, with no vendor's word in it."""

from msgspec import Struct

from receipts.model.vocabulary import Language


class Say(Struct, frozen=True):
    """Speak a sentence. ``language`` is one of ours, or ``yue`` for Cantonese."""

    text: str
    language: str


class Ask(Struct, frozen=True):
    """Speak, then wait for one key or a few words; silence asks again by the same link."""

    says: tuple[Say, ...]
    link: str
    language: Language
    hints: tuple[str, ...] = ()


class Connect(Struct, frozen=True):
    """Put the caller through to a person, and go on when that call ends."""

    number: str


class HangUp(Struct, frozen=True):
    """End the call."""


Step = Say | Ask | Connect | HangUp
