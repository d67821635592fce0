"""The same wish in the same state comes to the same, by phone as by text."""

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language, Msisdn, PromotionCategory
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.caller import Call
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, audit, charges, stand, standing

#: The code words here are the book's own; each wish with the keys that say it, by state.
WISHES = {
    "open": (("开通短信回执", "1"), {"none": "11", "pending": "11", "ending": "11"}),
    "offer, no": (("开通短信回执", "0"), {"none": "12", "ending": "12"}),
    "cancel": (("TD",), {"active": "11", "suspended": "11", "pending": "21"}),
    "ordinary": (("PT",), {"active": "2", "ending": "2"}),
    "flash": (("SX",), {"active, text": "2", "ending, text": "2"}),
    "ask": (("查询短信回执",), {"none": "3", "active": "3", "ending": "3", "suspended": "3"}),
    "news": (("XWXX",), {"active": "51", "ending": "51", "suspended": "51"}),
    "public notices": (("GYXX",), {"active": "52", "ending": "52", "suspended": "52"}),
    "advertising": (("GGXX",), {"active": "53", "ending": "53", "suspended": "53"}),
    "none of them": (("GGXX", "TDXX"), {"active": "5354", "ending": "5354", "suspended": "5354"}),
    "receipts": (("ZJHZ",), {"none": "4", "active": "4", "ending": "4", "suspended": "4"}),
}
CASES = [
    (wish, state, texts, keys)
    for wish, (texts, by_state) in WISHES.items()
    for state, keys in by_state.items()
]


@pytest.mark.parametrize("number", [GUANGDONG, GUANGXI, HEBEI, FUJIAN, ZHEJIANG])
def test_a_wish_by_phone_comes_to_what_it_comes_to_by_text(
    network: Network, built: Container, raw: redis.Redis, number: str
):
    for turn, (wish, state, texts, keys) in enumerate(CASES):
        outcomes = []
        for door in ("text", "voice"):
            begin(built, raw, network, number, state)
            before = len(audit(raw, number))
            if door == "text":
                for text in texts:
                    network.text(number, text)
            else:
                Call(network, number, f"CA{turn:032x}").does(keys)
            outcomes.append(came_of(built, raw, number, before))
        by_text, by_voice = outcomes
        if "no" in wish:
            # By phone a no is said before anything was ordered: there is no order to keep.
            assert by_text[:2] == by_voice[:2]
        else:
            assert by_text == by_voice, f"{wish} when {state}"


def test_the_same_charge_is_written_by_either_door(
    network: Network, built: Container, clock: TestClock
):
    network.open(GUANGDONG)
    Call(network, GUANGXI).does("11")
    month = [clock.now().strftime("%Y-%m")]
    (by_text,) = built.store.charges_of(Msisdn(GUANGDONG), month)
    (by_voice,) = built.store.charges_of(Msisdn(GUANGXI), month)
    assert (by_text.id, by_text.reason, by_text.at) == (by_voice.id, by_voice.reason, by_voice.at)


def begin(built: Container, raw: redis.Redis, network: Network, number: str, state: str) -> None:
    """A customer in a state and nothing else remembered of the customer."""
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


def came_of(
    built: Container, raw: redis.Redis, number: str, before: int
) -> tuple[Subscription, list[tuple[str, int]], list[tuple[str, ...]]]:
    """What a wish came to: the customer, the charges, and the entries after the first so many."""
    entries = audit(raw, number)[before:]
    told = [(e["before"], e["after"], e.get("tariff", ""), e["act"]) for e in entries]
    return comparable(standing(built, number)), charges(built, number), told


def comparable(customer: Subscription) -> Subscription:
    """How a customer stands, but for the door."""
    return replace(customer, version=0, channel=None, chain="")
