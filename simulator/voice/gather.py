"""The Gather verb: collects keys up to a count or a closing key, or one utterance."""

from dataclasses import dataclass

from simulator.voice.call_leg import CallLeg
from simulator.webhooks.twiml import TwimlVerb

_MAX_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class GatherOptions:
    """Attributes of a Gather, with Twilio's defaults."""

    input: frozenset[str]
    timeout_seconds: float
    num_digits: int
    finish_on_key: str
    action_on_empty_result: bool
    action: str
    method: str


@dataclass(frozen=True)
class GatherResult:
    """Input of the caller: digits, speech or neither."""

    digits: str = ""
    speech: str = ""
    finished_on: str = ""

    def fields(self) -> dict[str, str]:
        """Return the form fields for the action URL."""
        if self.speech:
            return {"SpeechResult": self.speech, "Confidence": "0.92"}
        finished = {"FinishedOnKey": self.finished_on} if self.finished_on else {}
        return {"Digits": self.digits, **finished}

    @property
    def is_empty(self) -> bool:
        """Tell whether the caller stayed silent."""
        return not self.digits and not self.speech


def gather_options(verb: TwimlVerb) -> GatherOptions:
    """Return the options of a Gather; an unreadable number becomes the default."""
    attributes = verb.attributes
    return GatherOptions(
        input=frozenset(attributes.get("input", "dtmf").split()) & {"dtmf", "speech"},
        timeout_seconds=min(parse_number(attributes.get("timeout"), 5.0), _MAX_TIMEOUT_SECONDS),
        num_digits=int(parse_number(attributes.get("numDigits"), 0)),
        finish_on_key=attributes.get("finishOnKey", "#"),
        action_on_empty_result=attributes.get("actionOnEmptyResult", "false").lower() == "true",
        action=attributes.get("action", ""),
        method=attributes.get("method", "POST").upper(),
    )


def parse_number(text: str | None, default: float) -> float:
    """Return the number of an attribute, or the default."""
    try:
        value = float(text) if text is not None else default
    except ValueError:
        return default
    return value if value >= 0 else default


def collect(leg: CallLeg, options: GatherOptions, silence_factor: float) -> GatherResult:
    """Wait for input until the options are met; each key restarts the timeout."""
    digits = ""
    while True:
        received = leg.next_input(options.timeout_seconds * silence_factor)
        if received is None:
            return GatherResult(digits)
        if received.speech:
            if not digits:
                return GatherResult(speech=received.speech)
            continue
        if received.key in options.finish_on_key:
            return GatherResult(digits, finished_on=received.key)
        digits += received.key
        if options.num_digits and len(digits) >= options.num_digits:
            return GatherResult(digits)
