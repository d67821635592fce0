"""An intent has the same result by phone as by SMS."""

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.customer import Subscription
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, PromotionCategory
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.caller import Call
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, audit, charges, stand, standing

#: Each intent as texts, and as keys by subscription state.
INTENTS = {
    "open": (("开通短信回执", "1"), {"none": "11", "pending": "11", "ending": "11"}),
    "offer, no": (("开通短信回执", "0"), {"none": "12", "ending": "12"}),
    "cancel": (("TD",), {"active": "21", "suspended": "21", "pending": "21"}),
    "ordinary": (("PT",), {"active": "6", "ending": "6"}),
    "flash": (("SX",), {"active, text": "6", "ending, text": "6"}),
    "ask": (("查询短信回执",), {"none": "3", "active": "3", "ending": "3", "suspended": "3"}),
    "news": (("XWXX",), {"active": "51", "ending": "51", "suspended": "51"}),
    "public notices": (("GYXX",), {"active": "52", "ending": "52", "suspended": "52"}),
    "advertising": (("GGXX",), {"active": "53", "ending": "53", "suspended": "53"}),
    "none of them": (("GGXX", "TDXX"), {"active": "5354", "ending": "5354", "suspended": "5354"}),
    "receipts": (("ZJHZ",), {"none": "4", "active": "4", "ending": "4", "suspended": "4"}),
}
CASES = [
    (intent, state, texts, keys)
    for intent, (texts, by_state) in INTENTS.items()
    for state, keys in by_state.items()
]


@pytest.mark.parametrize("number", [GUANGDONG, GUANGXI, HEBEI, FUJIAN, ZHEJIANG])
def test_phone_and_sms_have_the_same_result(
    network: Network, built: Container, raw: redis.Redis, number: str
):
    for turn, (intent, state, texts, keys) in enumerate(CASES):
        entries = prepare(built, raw, network, number, state)
        for text in texts:
            network.text(number, text)
        by_sms = result(built, raw, number, entries)
        entries = prepare(built, raw, network, number, state)
        Call(network, number, f"CA{turn:032x}").does(keys)
        by_phone = result(built, raw, number, entries)
        # By phone a no precedes the order; by SMS it ends one, which is audited.
        compared = 2 if "no" in intent else 3
        assert by_sms[:compared] == by_phone[:compared], f"{intent} when {state}"


def test_phone_and_sms_write_the_same_charge(network: Network, built: Container, clock: TestClock):
    network.open(GUANGDONG)
    Call(network, GUANGXI).does("11")
    month = [clock.now().strftime("%Y-%m")]
    (by_sms,) = built.store.charges_of(Msisdn(GUANGDONG), month)
    (by_phone,) = built.store.charges_of(Msisdn(GUANGXI), month)
    assert (by_sms.id, by_sms.reason, by_sms.at) == (by_phone.id, by_phone.reason, by_phone.at)


def prepare(built: Container, raw: redis.Redis, network: Network, number: str, state: str) -> int:
    """Put a customer into a state without a past; return the number of audit entries."""
    for key in raw.keys("*:charges:*"):
        raw.delete(key)
    name, _, mode = state.partition(", ")
    stand(built, number, "none", order=None, ends_at=None, language=Language.ZH, tariff=None,
          channel=None, lapsed_at=None, trial=False, trial_used=False,
          charged_from=None, promotions=PromotionCategory.NONE, promotions_since=None)  # fmt: skip
    if name == "pending":
        network.text(number, "开通短信回执")
    elif name != "none":
        stand(built, number, name, mode or "flash", language=Language.ZH)
    return len(audit(raw, number))


def result(
    built: Container, raw: redis.Redis, number: str, entries: int
) -> tuple[Subscription, list[tuple[str, int]], list[tuple[str, ...]]]:
    """The subscription without its channel, its charges, and the new audit entries."""
    new = [(e["before"], e["after"], e.get("tariff", ""), e["act"])
           for e in audit(raw, number)[entries:]]  # fmt: skip
    customer = replace(standing(built, number), version=0, channel=None, chain="")
    return customer, charges(built, number), new


def test_paused_service_is_switched_by_phone_as_by_sms(network: Network, built: Container):
    for number in (GUANGDONG, GUANGXI):
        stand(built, number, "suspended", language=Language.ZH)
    network.text(GUANGDONG, "PT")
    Call(network, GUANGXI).does("6")
    assert standing(built, GUANGXI).mode is standing(built, GUANGDONG).mode is DisplayMode.TEXT
