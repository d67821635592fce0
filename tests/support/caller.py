"""A customer who calls 10086: hears what the TwiML says, presses keys, speaks, keeps silent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree as ET

from werkzeug.test import TestResponse

from tests.conftest import GUANGDONG, PUBLIC_URL, Network

_VOICES = {"cmn-CN", "yue-CN", "en-US"}
_HEARD = {"cmn-Hans-CN", "en-US"}
_KNOWN = {"Say", "Gather", "Redirect", "Dial", "Hangup"}


@dataclass(frozen=True)
class Heard:
    """One answer of the line, checked against what the provider can carry out."""

    root: ET.Element
    says: list[tuple[str, str]]

    @property
    def text(self) -> str:
        """All that was spoken."""
        return "".join(text for _, text in self.says)

    @property
    def languages(self) -> list[str]:
        """The languages spoken, in order, each once."""
        return list(dict.fromkeys(language for language, _ in self.says))

    @property
    def over(self) -> bool:
        """Whether the line hangs up."""
        return self.root[-1].tag == "Hangup"

    @property
    def link(self) -> str:
        """Where a key press goes, as path and query."""
        gather = self.root.find("Gather")
        assert gather is not None, "nothing is asked"
        return gather.attrib["action"].removeprefix(PUBLIC_URL)

    @property
    def place(self) -> dict[str, str]:
        """The parts of that link."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.link).query).items()}

    @property
    def dialled(self) -> str | None:
        """The number the caller is put through to."""
        number = self.root.find("Dial/Number")
        return None if number is None else number.text


def heard(answer: TestResponse) -> Heard:
    """The answer of the line; every one must be TwiML that can be carried out."""
    assert answer.status_code == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    assert answer.data.decode("utf-8").startswith(
        '<?xml version="1.0" encoding="UTF-8"?><Response>'
    )
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
    assert gather.attrib["input"] == "dtmf speech"
    assert (gather.attrib["numDigits"], gather.attrib["finishOnKey"]) == ("1", "")
    assert gather.attrib["language"] in _HEARD
    assert len(gather.attrib.get("hints", "").split(",")) <= 500
    assert {each.tag for each in gather} <= {"Say"}
    assert len(gather), "a question that says nothing"


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
    """One call."""

    network: Network
    number: str = GUANGDONG
    sid: str = "CA1"
    last: Heard = field(init=False)

    def dials(self) -> Heard:
        """The call comes in."""
        return self._hears("/voice")

    def presses(self, keys: str) -> Heard:
        """One key after another, each at the page the last one led to."""
        for key in keys:
            self._hears(self.last.link, Digits=key)
        return self.last

    def speaks(self, words: str) -> Heard:
        """Words instead of a key."""
        return self._hears(self.last.link, SpeechResult=words, Confidence="0.91")

    def keeps_silent(self) -> Heard:
        """Nothing: the verb after the question runs."""
        redirect = self.last.root[-1]
        assert redirect.tag == "Redirect"
        return self._hears((redirect.text or "").removeprefix(PUBLIC_URL))

    def hangs_up(self) -> None:
        """The call is over."""
        answer = self.network.post(
            "/voice/ended", CallSid=self.sid, From=self.number, CallStatus="completed"
        )
        assert (answer.status_code, answer.data) == (204, b"")

    def does(self, keys: str) -> Heard:
        """A whole call: dial, choose the language when asked, press the keys, hang up."""
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
