"""The TwiML renderer is equivalent to the SDK's builder."""

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
    "en": {"language": "en-US", "voice": "Polly.Joanna-Neural"},
}
RECOGNITION = {Language.ZH: "cmn-Hans-CN", Language.EN: "en-US"}
LINK = "https://sms.example.org/voice/key?at=menu&lang=zh&x=%E5%8F%96'\"<>"

#: Any text that XML allows; prompts come from a catalogue, never from a caller.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"])
TEXTS = st.text(CHARACTERS, min_size=1, max_size=80)
SAYS = st.builds(Say, TEXTS, st.sampled_from(sorted(VOICES)))
GATHERS = st.builds(
    Gather,
    st.lists(SAYS, min_size=1, max_size=3).map(tuple),
    st.just(LINK),
    st.sampled_from(Language),
    st.lists(TEXTS, max_size=3).map(tuple),
)
DIALS = st.builds(Dial, st.from_regex(r"\+?[0-9]{3,14}", fullmatch=True))
VERBS = SAYS | GATHERS | DIALS | st.builds(Hangup)


def sdk_twiml(verbs: list[Verb]) -> str:
    response = sdk.VoiceResponse()
    for verb in verbs:
        match verb:
            case Say():
                response.say(verb.text, **VOICES[verb.language])
            case Gather():
                gather = sdk.Gather(
                    action=verb.link, method="POST", input="dtmf speech", num_digits=1,
                    finish_on_key="", timeout=5, language=RECOGNITION[verb.language],
                    hints=", ".join(verb.hints) or None,
                )  # fmt: skip
                for say in verb.says:
                    gather.say(say.text, **VOICES[say.language])
                response.append(gather)
                response.redirect(verb.link, method="POST")
            case Dial():
                dial = sdk.Dial()
                dial.number(verb.number)
                response.append(dial)
            case Hangup():
                response.hangup()
    return str(response)


def assert_equivalent(verbs: list[Verb]) -> None:
    """Equal but for the order of attributes and the form of escapes."""
    assert ET.canonicalize(twiml(verbs)) == ET.canonicalize(sdk_twiml(verbs))


@pytest.mark.parametrize("verb", [
    Say('您好，<请> & "稍候"\'', "zh"), Say("Hello", "en"),
    Gather((Say("开通请按 1", "zh"), Say("Or 9", "en")), LINK, Language.ZH, ("是", "不")),
    Gather((Say("Press 1", "en"),), LINK, Language.EN), Dial("+862010086"), Hangup(),
])  # fmt: skip
def test_each_verb_renders_like_the_sdk(verb: Verb):
    assert_equivalent([verb])


@settings(deadline=None)
@given(verbs=st.lists(VERBS, max_size=5))
def test_any_verbs_render_like_the_sdk(verbs: list[Verb]):
    assert_equivalent(verbs)


@pytest.mark.parametrize(
    ("text", "language", "limit"),
    [("回执" * 700, "zh", 500), ("Your message was delivered. " * 300, "en", 3000)],
    ids=["4500 URL-encoded characters", "3000 characters"],
)
def test_long_text_is_split_within_the_limits_of_say(text: str, language: str, limit: int):
    says = ET.fromstring(twiml([Say(text, language)])).findall("Say")
    assert "".join(say.text or "" for say in says) == text
    assert all(len(say.text or "") <= limit for say in says)


#: Characters that XML 1.0 forbids: controls, surrogates, and those that are none.
FORBIDDEN = [
    *(chr(code) for code in range(0x20) if chr(code) not in "\t\n\r"),
    *("\ud800", "\udbff", "\udc00", "\udfff", "\ufffe", "\uffff"),
]


@pytest.mark.parametrize("character", FORBIDDEN, ids=lambda each: f"U+{ord(each):04X}")
def test_twiml_is_well_formed_with_every_forbidden_character(character: str):
    text = f"a{character}b"
    verbs: list[Verb] = [
        Say(text, "zh"),
        Gather((Say(text, "en"),), f"{LINK}{text}", Language.EN, (text,)),
        Dial(text),
        Hangup(),
    ]
    for verb in verbs:
        root = ET.fromstring(twiml([verb]).encode("utf-8"))
        assert next(each.tag for each in root) == type(verb).__name__
    assert ET.fromstring(twiml([Say(text, "zh")]).encode())[0].text == "a\ufffdb"
