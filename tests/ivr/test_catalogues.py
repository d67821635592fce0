"""Catalogues have every message of every action in every state, with its parameters."""

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
from receipts.model.charge import ChargeKind
from receipts.model.customer import Order, Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.ports.store import MonthSums
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.account_queries import AccountQueries
from receipts.subscriptions.decision import CustomerRequest, Decision, Message
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices
from statemachines.subscription import SubscriptionState
from tests.conftest import (
    BEIJING,
    GUANGDONG,
    JILIN,
    UNICOM,
    UNKNOWN,
    ZHEJIANG,
    TestClock,
    shipped_book,
)
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI

CLOCK = TestClock()
POLICY = SubscriptionPolicy(shipped_book(), NumberingPlan(), CLOCK)
SPOKEN = Catalogue(Path(ivr.__file__).parent / "prompts.toml")
WRITTEN = Catalogue(Path(keywords.__file__).parent / "replies.toml")
NUMBERS = (
    GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI,
    BEIJING, UNICOM, UNKNOWN, "+85291234567",
)  # fmt: skip

Action = Callable[[Subscription, CustomerRequest], Decision]

#: No store is read, because each request has its sums.
ACCOUNT = AccountQueries(None, CLOCK, None)  # type: ignore[arg-type]
SPENT = MonthSums(1, {ChargeKind.MONTHLY: 123}, {ChargeKind.MONTHLY: 1})

account_status = partial(preferences.account_status, POLICY, ACCOUNT)

SHARED: tuple[Action, ...] = (
    partial(ordering.decline, POLICY),
    partial(cancellation.cancel, POLICY),
    partial(preferences.set_mode, POLICY, DisplayMode.TEXT),
    partial(preferences.set_mode, POLICY, DisplayMode.FLASH),
    lambda customer, req: preferences.set_language(POLICY, req.language, customer, req),
    lambda customer, req: account_status(customer, replace(req, month_sums=MonthSums())),
    lambda customer, req: account_status(customer, replace(req, month_sums=SPENT)),
)
ACTIONS: dict[Channel, tuple[Action, ...]] = {
    Channel.TEXT: (
        *SHARED,
        partial(ordering.order, POLICY),
        lambda customer, request: ordering.order(POLICY, customer, request, late=True),
        partial(ordering.confirm, POLICY),
    ),
    Channel.VOICE: (*SHARED, partial(ordering.order_and_confirm, POLICY)),
}


def customers() -> Iterator[Subscription]:
    """Subscriptions of every kind of number in every state, with an order and without."""
    now = CLOCK.now()
    order = Order(Channel.TEXT, now - dt.timedelta(hours=1), now + dt.timedelta(hours=47), "GD-1")
    for number, state, mode in product(NUMBERS, SubscriptionState, DisplayMode):
        ends = next_month(now) if state is SubscriptionState.ENDING else None
        without = Subscription(Msisdn(number), state=state, mode=mode, ends_at=ends)
        if state is not SubscriptionState.PENDING:
            yield without
        # Only a covered province takes orders.
        if state in {SubscriptionState.PENDING, SubscriptionState.ENDING} and covered(number):
            yield replace(without, order=order)


def covered(number: str) -> bool:
    return POLICY.service_area(Subscription(Msisdn(number))).province is not None


def messages(channel: Channel, language: Language) -> list[Message]:
    """All messages of all actions of a channel."""
    request = CustomerRequest(channel, language, "event")
    found: list[Message] = []
    for customer in customers():
        refusal = POLICY.ineligibility(customer, channel, language)
        found += [refusal] if refusal else []
        for action in ACTIONS[channel]:
            found += action(customer, request).messages
    return found


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("channel", "catalogue"), [(Channel.TEXT, WRITTEN), (Channel.VOICE, SPOKEN)]
)
def test_every_message_renders(channel: Channel, catalogue: Catalogue, language: Language):
    found = messages(channel, language)
    assert len({key for key, _ in found}) >= 20
    for key, params in found:
        assert key in catalogue, f"{channel} has no sentence for {key}"
        # A list is added when the reply is rendered.
        assert catalogue.render(key, language, **({"list": ""} | params)).strip()


def test_channels_differ_only_in_order_and_coverage():
    """The hotline confirms an order at once; every province has the SMS channel."""
    texted = {key for key, _ in messages(Channel.TEXT, Language.ZH)}
    spoken = {key for key, _ in messages(Channel.VOICE, Language.ZH)}
    assert texted - spoken == {"offer", "offer_again", "no_order"}
    assert spoken - texted == {"door_missing"}


@pytest.mark.parametrize("language", Language)
def test_expiry_of_an_order_renders(language: Language):
    request = CustomerRequest(Channel.TEXT, language, "time:lapse")
    expired = [ordering.expire_order(POLICY, each, request).messages for each in customers()]
    found = [message for each in expired for message in each]
    assert {key for key, _ in found} == {"order_lapse", "keep_lapse"}
    for key, params in found:
        assert notices().render(f"notice.{key}", language, **params)


@pytest.mark.parametrize("language", Language)
def test_every_prompt_fits_one_say(language: Language):
    for key, params in messages(Channel.VOICE, language):
        text = SPOKEN.render(key, language, **params)
        assert len(quote(text)) <= 4500
        assert len(text) <= (500 if language is Language.ZH else 3000)


@pytest.mark.parametrize("language", Language)
def test_every_action_renders_in_the_call_summary(language: Language):
    for key, params in messages(Channel.VOICE, language):
        if f"act.{key}" in notices():
            text = notices().render(f"act.{key}", language, **params)
            assert notices().render("notice.call", language, **(params | {"acts": text}))
