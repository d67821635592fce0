"""Caller of 10086: listens to the TwiML, presses keys, speaks, stays silent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree as ET

from werkzeug.test import TestResponse

from tests.conftest import GUANGDONG, PUBLIC_URL, Network

_VOICES = {"cmn-CN", "en-US"}
_HEARD = {"cmn-Hans-CN", "en-US"}
_KNOWN = {"Say", "Gather", "Redirect", "Dial", "Hangup"}


@dataclass(frozen=True)
class Heard:
    """One TwiML document, checked against Twilio's limits."""

    root: ET.Element
    says: list[tuple[str, str]]

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.says)

    @property
    def languages(self) -> list[str]:
        """The languages of the prompts, in order, each once."""
        return list(dict.fromkeys(language for language, _ in self.says))

    @property
    def over(self) -> bool:
        return self.root[-1].tag == "Hangup"

    @property
    def link(self) -> str:
        """Action of the Gather, as path and query."""
        gather = self.root.find("Gather")
        assert gather is not None, "no Gather"
        return gather.attrib["action"].removeprefix(PUBLIC_URL)

    @property
    def place(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.link).query).items()}

    @property
    def dialled(self) -> str | None:
        number = self.root.find("Dial/Number")
        return None if number is None else number.text


def heard(answer: TestResponse) -> Heard:
    """Return an answer as TwiML that Twilio can execute."""
    assert answer.status_code == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    assert answer.data.startswith(b'<?xml version="1.0" encoding="UTF-8"?><Response>')
    assert len(answer.data) < 64_000
    root = ET.fromstring(answer.data)
    assert root.tag == "Response"
    assert {each.tag for each in root} <= _KNOWN
    assert root[-1].tag in {"Hangup", "Redirect"}, "the call would just end"
    for gather in root.findall("Gather"):
        _check_gather(root, gather)
    return Heard(root, [_check_say(say) for say in root.iter("Say")])


def _check_gather(root: ET.Element, gather: ET.Element) -> None:
    after = root[list(root).index(gather) + 1]
    assert after.tag in {"Redirect", "Say"}, "silence would end the call"
    assert gather.attrib["action"].startswith(f"{PUBLIC_URL}/voice/key?")
    assert gather.attrib["method"] == "POST"
    # Secret digits and numbers are keyed only: speech may be overheard.
    many = int(gather.attrib["numDigits"]) > 1
    assert gather.attrib["input"] == ("dtmf" if many else "dtmf speech")
    assert gather.attrib["finishOnKey"] == ""
    assert gather.attrib["language"] in _HEARD
    assert len(gather.attrib.get("hints", "").split(",")) <= 500
    assert {each.tag for each in gather} <= {"Say"}
    assert len(gather), "a Gather without a prompt"


def _check_say(say: ET.Element) -> tuple[str, str]:
    text = say.text or ""
    assert text.strip()
    assert say.attrib["language"] in _VOICES
    assert say.attrib["voice"]
    assert len(quote(text)) <= 4500
    assert len(text) <= (500 if say.attrib["language"] != "en-US" else 3000)
    return say.attrib["language"], text


@dataclass
class Call:
    network: Network
    number: str = GUANGDONG
    sid: str = "CA1"
    last: Heard = field(init=False)

    def dials(self) -> Heard:
        return self._hears("/voice")

    def presses(self, keys: str) -> Heard:
        for key in keys:
            self.enters(key)
        return self.last

    def enters(self, digits: str, link: str | None = None) -> Heard:
        """Key digits as one entry, by default at the last prompt."""
        return self._hears(link or self.last.link, Digits=digits)

    def speaks(self, words: str, confidence: str = "0.91") -> Heard:
        return self._hears(self.last.link, SpeechResult=words, Confidence=confidence)

    def keeps_silent(self) -> Heard:
        """Stay silent: the verb after the Gather runs."""
        redirect = self.last.root[-1]
        assert redirect.tag == "Redirect"
        return self._hears((redirect.text or "").removeprefix(PUBLIC_URL))

    def hangs_up(self) -> None:
        answer = self.network.post(
            "/voice/ended", CallSid=self.sid, From=self.number, CallStatus="completed"
        )
        assert (answer.status_code, answer.data) == (204, b"")

    def does(self, keys: str) -> Heard:
        """Make a whole call: dial, choose a language if asked, press keys, hang up."""
        if self.dials().place["at"] == "language":
            self.presses("1")
        self.presses(keys)
        self.hangs_up()
        return self.last

    def _hears(self, link: str, **fields: str) -> Heard:
        answer = self.network.post(
            link, CallSid=self.sid, From=self.number, To="10086", CallStatus="in-progress", **fields
        )
        self.last = heard(answer)
        return self.last


Line = Callable[..., Call]
