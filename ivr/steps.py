"""What a line can do, with no vendor's word in it."""

from dataclasses import dataclass

from receipts.model import Language


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a sentence. ``language`` is one of ours, or ``yue`` for Cantonese."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Speak, then wait for one key or a few words; silence asks again by the same link."""

    says: tuple[Say, ...]
    link: str
    language: Language
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Connect:
    """Put the caller through to a person, and go on when that call ends."""

    number: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


Step = Say | Ask | Connect | HangUp
