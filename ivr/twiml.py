"""Steps to TwiML. Written by hand: the SDK's builder costs a third of a menu key's whole budget.

A test holds it against the SDK's own output.
"""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from ivr.verbs import Dial, Gather, Hangup, Say, Verb
from receipts.model.vocabulary import Language

#: Language and voice of a spoken sentence: a wrong pair can make <Say> fail.
_VOICES = {
    "zh": ("cmn-CN", "Polly.Zhiyu-Neural"),
    "yue": ("yue-CN", "Polly.Hiujin-Neural"),
    "en": ("en-US", "Polly.Joanna-Neural"),
}

#: The language of speech recognition.
_HEARD = {Language.ZH: "cmn-Hans-CN", Language.EN: "en-US"}

#: Seconds of silence before the caller is asked again.
_PATIENCE = 5

#: Bounds on one <Say>: the voices take 3,000 characters, and Twilio 4,500 once URL-encoded, where
#: a Chinese character takes nine and none takes more than twelve.
_LONGEST, _LONGEST_ENCODED = 3000, 4500

_HEAD = '<?xml version="1.0" encoding="UTF-8"?><Response>'


def twiml(steps: Iterable[Verb]) -> str:
    """One TwiML document."""
    return _HEAD + "".join(_verb(step) for step in steps) + "</Response>"


def _verb(step: Verb) -> str:
    match step:
        case Say():
            return _say(step)
        case Gather():
            return _ask(step)
        case Dial():
            return f"<Dial><Number>{escape(step.number)}</Number></Dial>"
        case Hangup():
            return "<Hangup/>"


@lru_cache(maxsize=2048)
def _say(step: Say) -> str:
    language, voice = _VOICES[step.language]
    return "".join(
        f'<Say language="{language}" voice="{voice}">{escape(part)}</Say>'
        for part in _parts(step.text)
    )


def _ask(step: Gather) -> str:
    link = quoteattr(step.link)
    hints = f" hints={quoteattr(', '.join(step.hints))}" if step.hints else ""
    spoken = "".join(_say(say) for say in step.says)
    # finishOnKey is empty because # is a key of ours ("again"); its default would swallow it.
    # What follows </Gather> is the answer to silence: without it the call would just end.
    return (
        f'<Gather action={link} method="POST" input="dtmf speech" numDigits="1" finishOnKey=""'
        f' timeout="{_PATIENCE}" language="{_HEARD[step.language]}"{hints}>{spoken}</Gather>'
        f'<Redirect method="POST">{escape(step.link)}</Redirect>'
    )


def _parts(text: str) -> Iterable[str]:
    """A sentence in pieces that each fit one <Say>; nearly always the sentence itself."""
    cut = _LONGEST_ENCODED // 12
    while len(text) > _LONGEST or len(quote(text)) > _LONGEST_ENCODED:
        yield text[:cut]
        text = text[cut:]
    yield text
