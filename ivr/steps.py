"""What a line can do, with no vendor's word in it."""

from receipts.model import Language
from receipts.value import Value


class Say(Value, frozen=True):
    """Speak a sentence. ``language`` is one of ours, or ``yue`` for Cantonese."""

    text: str
    language: str


class Ask(Value, frozen=True):
    """Speak, then wait for one key or a few words; silence asks again by the same link."""

    says: tuple[Say, ...]
    link: str
    language: Language
    hints: tuple[str, ...] = ()


class Connect(Value, frozen=True):
    """Put the caller through to a person, and go on when that call ends."""

    number: str


class HangUp(Value, frozen=True):
    """End the call."""


Step = Say | Ask | Connect | HangUp
