"""Our own TwiML says the same as the provider's builder would make of the same steps."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.twiml import voice_response as sdk

from ivr.twiml import twiml
from ivr.verbs import Dial, Gather, Hangup, Say, Verb
from receipts.model.vocabulary import Language

VOICES = {
    "zh": {"language": "cmn-CN", "voice": "Polly.Zhiyu-Neural"},
    "yue": {"language": "yue-CN", "voice": "Polly.Hiujin-Neural"},
    "en": {"language": "en-US", "voice": "Polly.Joanna-Neural"},
}
HEARD = {Language.ZH: "cmn-Hans-CN", Language.EN: "en-US"}
LINK = "https://sms.example.org/voice/key?at=menu&lang=zh&x=%E5%8F%96'\"<>"

#: Any text that XML can hold; our sentences come from a catalogue, never from a caller.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]),
    min_size=1,
    max_size=80,
)
SAYS = st.builds(Say, TEXTS, st.sampled_from(sorted(VOICES)))
ASKS = st.builds(
    Gather,
    st.lists(SAYS, min_size=1, max_size=3).map(tuple),
    st.just(LINK),
    st.sampled_from(Language),
    st.lists(TEXTS, max_size=3).map(tuple),
)
STEPS = (
    SAYS
    | ASKS
    | st.builds(Dial, st.from_regex(r"\+?[0-9]{3,14}", fullmatch=True))
    | st.builds(Hangup)
)


def by_the_sdk(steps: list[Verb]) -> str:
    """The same document, made by the provider's own builder."""
    response = sdk.VoiceResponse()
    for step in steps:
        match step:
            case Say():
                response.say(step.text, **VOICES[step.language])
            case Gather():
                gather = sdk.Gather(
                    action=step.link, method="POST", input="dtmf speech", num_digits=1,
                    finish_on_key="", timeout=5, language=HEARD[step.language],
                    hints=", ".join(step.hints) or None,
                )  # fmt: skip
                for say in step.says:
                    gather.say(say.text, **VOICES[say.language])
                response.append(gather)
                response.redirect(step.link, method="POST")
            case Dial():
                dial = sdk.Dial()
                dial.number(step.number)
                response.append(dial)
            case Hangup():
                response.hangup()
    return str(response)


def same(ours: str, theirs: str) -> bool:
    """Whether two documents mean the same: order of attributes and spelling of escapes aside."""
    return ET.canonicalize(ours) == ET.canonicalize(theirs)


@pytest.mark.parametrize(
    "step",
    [
        Say('您好，<请> & "稍候"\'', "zh"),
        Say("歡迎致電", "yue"),
        Say("Hello", "en"),
        Gather(
            (Say("开通请按 1", "zh"), Say("English, press 9", "en")),
            LINK,
            Language.ZH,
            ("是", "不"),
        ),
        Gather((Say("Press 1", "en"),), LINK, Language.EN),
        Dial("+862010086"),
        Hangup(),
    ],
)
def test_each_kind_of_step_is_what_the_provider_would_write(step: Verb):
    assert same(twiml([step]), by_the_sdk([step]))


@settings(deadline=None)
@given(steps=st.lists(STEPS, max_size=5))
def test_any_steps_are_what_the_provider_would_write(steps: list[Verb]):
    assert same(twiml(steps), by_the_sdk(steps))


def test_a_sentence_too_long_for_one_breath_is_said_in_several():
    """One Say takes 4,500 characters once URL-encoded: 500 Chinese ones."""
    text = "回执" * 700
    says = ET.fromstring(twiml([Say(text, "zh")])).findall("Say")
    assert "".join(say.text or "" for say in says) == text
    assert all(len(say.text or "") <= 500 for say in says)


def test_a_long_english_sentence_is_said_whole():
    text = "Your message was delivered. " * 300
    says = ET.fromstring(twiml([Say(text, "en")])).findall("Say")
    assert "".join(say.text or "" for say in says) == text
    assert all(len(say.text or "") <= 3000 for say in says)
