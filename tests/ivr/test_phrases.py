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
from receipts.model.vocabulary import Door, Language, Mode, Msisdn
from receipts.numbering.plan import Numbering
from receipts.rulebook.loader import load_rule_book
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.decision import Asked, Phrase, Step
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices
from statemachines.subscription import SubscriptionState
from tests.conftest import BEIJING, GUANGDONG, JILIN, UNICOM, UNKNOWN, ZHEJIANG, TestClock
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI

CLOCK = TestClock()
POLICY = SubscriptionPolicy(load_rule_book(None), Numbering(), CLOCK)
SPOKEN = Catalogue(Path(ivr.__file__).parent / "prompts.toml")
WRITTEN = Catalogue(Path(keywords.__file__).parent / "replies.toml")
NUMBERS = (
    GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI,
    BEIJING, UNICOM, UNKNOWN, "+85291234567",
)  # fmt: skip

Act = Callable[[Subscription, Asked], Step]

SHARED: tuple[Act, ...] = (
    partial(ordering.decline, POLICY),
    partial(cancellation.cancel, POLICY),
    lambda customer, asked: preferences.set_mode(POLICY, customer, Mode.TEXT, asked),
    lambda customer, asked: preferences.set_mode(POLICY, customer, Mode.FLASH, asked),
    lambda customer, asked: preferences.set_language(POLICY, customer, asked.language),
    lambda customer, asked: preferences.ask(POLICY, customer, asked, 0),
    lambda customer, asked: preferences.ask(POLICY, customer, asked, 123),
)
ACTS: dict[Door, tuple[Act, ...]] = {
    Door.TEXT: (
        *SHARED,
        partial(ordering.order, POLICY),
        lambda customer, asked: ordering.order(POLICY, customer, asked, late=True),
        partial(ordering.confirm, POLICY),
    ),
    Door.VOICE: (*SHARED, partial(ordering.open_at_once, POLICY)),
}


def customers() -> Iterator[Subscription]:
    """A customer of every kind of number in every state, with an order and without."""
    now = CLOCK.now()
    order = Order(Door.TEXT, now - dt.timedelta(hours=1), now + dt.timedelta(hours=47), "GD-1")
    for number, state, mode in product(NUMBERS, SubscriptionState, Mode):
        ends = next_month(now) if state is SubscriptionState.ENDING else None
        without = Subscription(Msisdn(number), state=state, mode=mode, ends_at=ends)
        if state is not SubscriptionState.PENDING:
            yield without
        # An order is made only where we serve.
        if state in {SubscriptionState.PENDING, SubscriptionState.ENDING} and covered(number):
            yield replace(without, order=order)


def covered(number: str) -> bool:
    return POLICY.service_area(Subscription(Msisdn(number))).province is not None


def phrases(door: Door, language: Language) -> list[Phrase]:
    """All that the business can say through a door."""
    asked = Asked(door, language, "event")
    said: list[Phrase] = []
    for customer in customers():
        refusal = POLICY.ineligibility(customer, door, language)
        said += [refusal] if refusal else []
        for act in ACTS[door]:
            said += act(customer, asked).phrases
    return said


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(("door", "catalogue"), [(Door.TEXT, WRITTEN), (Door.VOICE, SPOKEN)])
def test_whatever_the_business_says_the_door_can_say(
    door: Door, catalogue: Catalogue, language: Language
):
    said = phrases(door, language)
    assert len({key for key, _ in said}) >= 20
    for key, facts in said:
        assert key in catalogue.keys(), f"{door} has no sentence for {key}"  # noqa: SIM118
        assert catalogue.facts(key) <= facts.keys() | {"list"}, key
        assert catalogue.say(key, language, **facts).strip()


def test_what_both_doors_can_be_told_both_can_say():
    """Only on the hotline an order and its yes are one: no offer waits, and no yes comes late."""
    texted = {key for key, _ in phrases(Door.TEXT, Language.ZH)}
    spoken = {key for key, _ in phrases(Door.VOICE, Language.ZH)}
    assert texted - spoken == {"offer", "offer_again", "no_order"}
    # And each of our provinces can be texted from.
    assert spoken - texted == {"door_missing"}


@pytest.mark.parametrize("language", Language)
def test_what_time_brings_can_be_told(language: Language):
    asked = Asked(Door.TEXT, language, "time:lapse")
    told = [
        phrase for each in customers() for phrase in ordering.lapse(POLICY, each, asked).phrases
    ]
    assert {key for key, _ in told} == {"order_lapse"}
    for key, facts in told:
        assert notices().say(f"notice.{key}", language, **facts)


@pytest.mark.parametrize("language", Language)
def test_every_spoken_sentence_fits_one_say(language: Language):
    for key, facts in phrases(Door.VOICE, language):
        text = SPOKEN.say(key, language, **facts)
        assert len(quote(text)) <= 4500
        assert len(text) <= (500 if language is Language.ZH else 3000)


def test_every_act_a_call_tells_of_has_the_facts_it_needs():
    for language in Language:
        for key, facts in phrases(Door.VOICE, language):
            if f"act.{key}" in notices().keys():  # noqa: SIM118
                text = notices().say(f"act.{key}", language, **facts)
                assert notices().say("notice.call", language, **(facts | {"acts": text}))
