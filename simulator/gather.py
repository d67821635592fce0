"""How a service collects an answer: keys, up to some number or a closing one, or words."""

from dataclasses import dataclass

from simulator.line import Line
from simulator.twiml import Verb

_LONGEST_SILENCE = 600.0


@dataclass(frozen=True)
class Terms:
    """What one Gather asks for, with the provider's defaults filled in."""

    ears: frozenset[str]
    timeout: float
    num_digits: int
    finish_on_key: str
    on_empty: bool
    action: str
    method: str


@dataclass(frozen=True)
class Collected:
    """What the caller gave: digits, or words, or neither."""

    digits: str = ""
    words: str = ""
    finished_on: str = ""

    def fields(self) -> dict[str, str]:
        """Return the form fields that carry it to the action address."""
        if self.words:
            return {"SpeechResult": self.words, "Confidence": "0.92"}
        closing = {"FinishedOnKey": self.finished_on} if self.finished_on else {}
        return {"Digits": self.digits, **closing}

    @property
    def empty(self) -> bool:
        """Tell whether the caller gave nothing."""
        return not self.digits and not self.words


def terms(gather: Verb) -> Terms:
    """Return what a Gather asks for; unreadable numbers count as left out."""
    given = gather.attributes
    return Terms(
        ears=frozenset(given.get("input", "dtmf").split()) & {"dtmf", "speech"},
        timeout=min(number(given.get("timeout"), 5.0), _LONGEST_SILENCE),
        num_digits=int(number(given.get("numDigits"), 0)),
        finish_on_key=given.get("finishOnKey", "#"),
        on_empty=given.get("actionOnEmptyResult", "false").lower() == "true",
        action=given.get("action", ""),
        method=given.get("method", "POST").upper(),
    )


def number(text: str | None, default: float) -> float:
    """Return the number an attribute holds, or the default."""
    try:
        value = float(text) if text is not None else default
    except ValueError:
        return default
    return value if value >= 0 else default


def collect(line: Line, asked: Terms, patience: float) -> Collected:
    """Listen until the terms are met or the caller stays silent; each key starts the wait anew."""
    digits = ""
    while True:
        heard = line.next(asked.timeout * patience)
        if heard is None:
            return Collected(digits)
        if heard.words:
            if not digits:
                return Collected(words=heard.words)
            continue
        if heard.key in asked.finish_on_key:
            return Collected(digits, finished_on=heard.key)
        digits += heard.key
        if asked.num_digits and len(digits) >= asked.num_digits:
            return Collected(digits)
