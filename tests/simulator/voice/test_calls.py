# ruff: noqa: ANN401 - JSON fields and the SDK have no types
from typing import Any

import pytest

from tests.simulator.product import Product
from tests.simulator.support import PHONE, Network
from tests.support.product import until

MENU = (
    '<Response><Gather action="/voice/key?s=menu&amp;t=%E5%8F%96" {terms}>'
    '<Say language="cmn-CN" voice="Polly.Zhiyu">请按键</Say></Gather>'
    "<Say>nothing heard</Say></Response>"
)
BYE = "<Say>bye</Say><Hangup/>"
CALL = f"/api/phones/{PHONE}/call"


def menu(product: Product, terms: str = 'numDigits="1" timeout="9"') -> None:
    product.answer("/voice", MENU.format(terms=terms))
    product.answer("/voice/key", f"<Response>{BYE}</Response>")


def dial(network: Network, **given: Any) -> str:
    call = network.post(CALL, 202, to="10086", **given)["call"]
    until(lambda: network.events(PHONE, "listening") or ended(network))
    return call


def ended(network: Network) -> list[dict[str, Any]]:
    return [e for e in network.events(PHONE, "call") if e["state"] == "ended"]


def spoken(network: Network) -> list[str]:
    return [e["text"] for e in network.events(PHONE, "spoken")]


def keys(network: Network, digits: str) -> int:
    return network.post(f"{CALL}/keys", 200, digits=digits)["heard"]


def test_call_speaks_the_prompt_and_posts_the_key(network: Network, product: Product):
    menu(product)
    call = dial(network)
    [first] = product.posts("/voice")
    assert first["CallStatus"] == "ringing"
    assert first["From"] == first["Caller"] == f"+86{PHONE}"
    assert first["To"] == first["Called"] == "10086"
    assert keys(network, "1") == 1
    until(lambda: ended(network))
    [key] = product.posts("/voice/key")
    assert (key["CallSid"], key["Digits"], key["CallStatus"]) == (call, "1", "in-progress")
    assert (key["s"], key["t"]) == ("menu", "取")
    assert spoken(network) == ["请按键", "bye"]
    event = network.events(PHONE, "spoken")[0]
    assert (event["language"], event["voice"]) == ("cmn-CN", "Polly.Zhiyu")
    until(lambda: product.posts("/voice/ended"))
    over = product.posts("/voice/ended")[0]
    assert (over["CallSid"], over["CallStatus"]) == (call, "completed")
    assert over["CallDuration"].isdigit()


def test_silence_runs_the_next_verb_and_then_hangs_up(network: Network, product: Product):
    menu(product, 'timeout="1"')
    dial(network)
    until(lambda: ended(network))
    assert spoken(network) == ["请按键", "nothing heard"]
    assert product.posts("/voice/key") == []


@pytest.mark.parametrize(
    ("terms", "pressed", "posted"),
    [
        ('timeout="9"', "123#", "123"),
        ('timeout="9" finishOnKey="*"', "1#2*", "1#2"),
        ('timeout="9" finishOnKey="" numDigits="2"', "##", "##"),
        ('timeout="2"', "42", "42"),
        ('timeout="1" actionOnEmptyResult="true"', "", ""),
    ],
)
def test_digits_end_with_the_finish_key_the_count_or_the_timeout(
    network: Network, product: Product, terms: str, pressed: str, posted: str
):
    menu(product, terms)
    dial(network)
    if pressed:
        keys(network, pressed)
    until(lambda: ended(network))
    assert product.posts("/voice/key")[0]["Digits"] == posted


def test_speech_is_posted_with_its_confidence(network: Network, product: Product):
    menu(product, 'timeout="9" input="dtmf speech"')
    dial(network)
    network.post(f"{CALL}/keys", 200, speech="开通")
    until(lambda: ended(network))
    fields = product.posts("/voice/key")[0]
    assert fields["SpeechResult"] == "开通"
    assert 0 < float(fields["Confidence"]) <= 1
    assert "Digits" not in fields


def test_gather_for_keys_ignores_speech(network: Network, product: Product):
    menu(product)
    dial(network)
    answer = network.post(f"{CALL}/keys", 200, speech="hello")
    assert answer == {"heard": 0}
    network.post(f"{CALL}/hangup", 200)


def test_key_interrupts_the_prompt(settings: dict[str, str], request: Any, product: Product):
    settings["NETWORK_SPEECH"] = "50"
    network = request.getfixturevalue("network")
    menu(product)
    dial(network)
    keys(network, "5")
    until(lambda: product.posts("/voice/key"))
    network.post(f"{CALL}/hangup", 200)
    until(lambda: ended(network))


def test_get_gather_sends_its_fields_in_the_signed_query(network: Network, product: Product):
    menu(product, 'numDigits="1" method="GET"')
    dial(network)
    keys(network, "7")
    until(lambda: ended(network))
    fields = product.posts("/voice/key")[0]
    assert (fields["Digits"], fields["s"]) == ("7", "menu")


@pytest.mark.parametrize(
    ("documents", "prompt"),
    [
        (["<Redirect>voice/next?a=1</Redirect>", "<Redirect>./last</Redirect>", BYE], "bye"),
        (["<Dance/><Say>still here</Say>"], "still here"),
    ],
    ids=["redirect relative to its document", "unknown verb"],
)
def test_verb_is_performed(network: Network, product: Product, documents: list[str], prompt: str):
    for path, verbs in zip(("/voice", "/voice/next", "/voice/last"), documents, strict=False):
        product.answer(path, f"<Response>{verbs}</Response>")
    dial(network)
    assert spoken(network) == [prompt]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [("<Response>", 200, "text/xml"), ("", 500, "text/xml"), ("hello", 200, "text/plain")],
)
def test_unusable_document_is_an_application_error(
    network: Network, product: Product, body: str, status: int, kind: str
):
    product.answer("/voice", body, status, kind)
    dial(network)
    assert spoken(network) == ["An application error has occurred. Goodbye."]


def test_call_ends_after_fifty_documents_without_input(network: Network, product: Product):
    product.answer("/voice", "<Response><Redirect>/voice</Redirect></Response>")
    dial(network)
    assert len(product.posts("/voice")) == 50


def test_dial_connects_an_agent_and_posts_the_result(network: Network, product: Product):
    verb = '<Dial action="/voice/dialled"><Number>+861</Number></Dial>'
    product.answer("/voice", f"<Response>{verb}</Response>")
    product.answer("/voice/dialled", f"<Response>{BYE}</Response>")
    dial(network)
    assert product.posts("/voice/dialled")[0]["DialCallStatus"] == "completed"
    assert "connecting" in network.events(PHONE, "call_note")[0]["en"]


def test_withheld_number_is_anonymous(network: Network, product: Product):
    menu(product)
    dial(network, withheld=True)
    assert product.posts("/voice")[0]["From"] == "anonymous"
    network.post(f"{CALL}/hangup", 200)
    until(lambda: product.posts("/voice/ended"))
    assert product.posts("/voice/ended")[0]["From"] == "anonymous"


def test_hang_up_ends_the_call_and_the_phone_can_call_again(network: Network, product: Product):
    menu(product)
    dial(network)
    network.post(CALL, 409, to="10086")
    network.post(f"{CALL}/hangup", 200)
    until(lambda: ended(network))
    assert ended(network)[0]["by"] == "caller"
    network.post(f"{CALL}/hangup", 409)
    network.post(CALL, 202, to="10086")
    until(lambda: len(product.posts("/voice")) == 2)
    network.post(f"/api/phones/{PHONE}/power", 200, on=False)
    until(lambda: len(ended(network)) == 2)
