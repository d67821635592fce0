"""Every sentence the business can ask a door for is one the door can say, with all its facts.

The sentences are found by walking every state through every wish, not listed by hand.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest
from msgspec.structs import replace

import ivr
import keywords
from receipts.model.calendar import next_month
from receipts.model.customer import Order, Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.loader import load_rule_book
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices
from statemachines.subscription import SubscriptionState
from tests.conftest import BEIJING, GUANGDONG, JILIN, UNICOM, UNKNOWN, ZHEJIANG, TestClock
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI

CLOCK = TestClock()
POLICY = SubscriptionPolicy(load_rule_book(None), NumberingPlan(), CLOCK)
SPOKEN = Catalogue(Path(ivr.__file__).parent / "prompts.toml")
WRITTEN = Catalogue(Path(keywords.__file__).parent / "replies.toml")
NUMBERS = (
    GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI,
    BEIJING, UNICOM, UNKNOWN, "+85291234567",
)  # fmt: skip

Act = Callable[[Subscription, CustomerRequest], Decision]

SHARED: tuple[Act, ...] = (
    partial(ordering.decline, POLICY),
    partial(cancellation.cancel, POLICY),
    lambda customer, asked: preferences.set_mode(POLICY, customer, DisplayMode.TEXT, asked),
    lambda customer, asked: preferences.set_mode(POLICY, customer, DisplayMode.FLASH, asked),
    lambda customer, asked: preferences.set_language(POLICY, customer, asked.language),
    lambda customer, asked: preferences.account_status(POLICY, customer, asked, 0),
    lambda customer, asked: preferences.account_status(POLICY, customer, asked, 123),
)
ACTS: dict[Channel, tuple[Act, ...]] = {
    Channel.TEXT: (
        *SHARED,
        partial(ordering.order, POLICY),
        lambda customer, asked: ordering.order(POLICY, customer, asked, late=True),
        partial(ordering.confirm, POLICY),
    ),
    Channel.VOICE: (*SHARED, partial(ordering.order_and_confirm, POLICY)),
}


def customers() -> Iterator[Subscription]:
    """A customer of every kind of number in every state, with an order and without."""
    now = CLOCK.now()
    order = Order(Channel.TEXT, now - dt.timedelta(hours=1), now + dt.timedelta(hours=47), "GD-1")
    for number, state, mode in product(NUMBERS, SubscriptionState, DisplayMode):
        ends = next_month(now) if state is SubscriptionState.ENDING else None
        without = Subscription(Msisdn(number), state=state, mode=mode, ends_at=ends)
        if state is not SubscriptionState.PENDING:
            yield without
        # An order is made only where we serve.
        if state in {SubscriptionState.PENDING, SubscriptionState.ENDING} and covered(number):
            yield replace(without, order=order)


def covered(number: str) -> bool:
    return POLICY.service_area(Subscription(Msisdn(number))).province is not None


def phrases(door: Channel, language: Language) -> list[Message]:
    """All that the business can say through a door."""
    asked = CustomerRequest(door, language, "event")
    said: list[Message] = []
    for customer in customers():
        refusal = POLICY.ineligibility(customer, door, language)
        said += [refusal] if refusal else []
        for act in ACTS[door]:
            said += act(customer, asked).messages
    return said


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("door", "catalogue"), [(Channel.TEXT, WRITTEN), (Channel.VOICE, SPOKEN)])
def test_whatever_the_business_says_the_door_can_say(
    door: Channel, catalogue: Catalogue, language: Language
):
    said = phrases(door, language)
    assert len({key for key, _ in said}) >= 20
    for key, facts in said:
        assert key in catalogue.keys(), f"{door} has no sentence for {key}"  # noqa: SIM118
        assert catalogue.params(key) <= facts.keys() | {"list"}, key
        assert catalogue.render(key, language, **facts).strip()


def test_what_both_doors_can_be_told_both_can_say():
    """Only on the hotline an order and its yes are one: no offer waits, and no yes comes late."""
    texted = {key for key, _ in phrases(Channel.TEXT, Language.ZH)}
    spoken = {key for key, _ in phrases(Channel.VOICE, Language.ZH)}
    assert texted - spoken == {"offer", "offer_again", "no_order"}
    # And each of our provinces can be texted from.
    assert spoken - texted == {"door_missing"}


@pytest.mark.parametrize("language", Language)
def test_what_time_brings_can_be_told(language: Language):
    asked = CustomerRequest(Channel.TEXT, language, "time:lapse")
    told = [
        phrase
        for each in customers()
        for phrase in ordering.expire_order(POLICY, each, asked).messages
    ]
    assert {key for key, _ in told} == {"order_lapse"}
    for key, facts in told:
        assert notices().render(f"notice.{key}", language, **facts)


@pytest.mark.parametrize("language", Language)
def test_every_spoken_sentence_fits_one_say(language: Language):
    for key, facts in phrases(Channel.VOICE, language):
        text = SPOKEN.render(key, language, **facts)
        assert len(quote(text)) <= 4500
        assert len(text) <= (500 if language is Language.ZH else 3000)


def test_every_act_a_call_tells_of_has_the_facts_it_needs():
    for language in Language:
        for key, facts in phrases(Channel.VOICE, language):
            if f"act.{key}" in notices().keys():  # noqa: SIM118
                text = notices().render(f"act.{key}", language, **facts)
                assert notices().render("notice.call", language, **(facts | {"acts": text}))
