"""Every sentence names only the channels that serve its customer, in every province and state."""

import re
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import msgspec
import pytest

import ivr
import keywords
import web.portal
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.schema import RuleBook
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording import notice_text
from receipts.wording.catalogue import Catalogue
from statemachines.subscription import HOLDING, SubscriptionState
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

HOTLINE, SHORT_CODE = "10086", "7500"
CLOCK = TestClock()
POLICY = SubscriptionPolicy(shipped_book(), NumberingPlan(), CLOCK, HOTLINE, SHORT_CODE)
NUMBERS = (
    GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI,
    BEIJING, UNICOM, UNKNOWN, "",
)  # fmt: skip

#: Catalogue by the channel that its texts are read on; notices are texts to the phone.
FILES = {
    Channel.VOICE: Path(ivr.__file__).parent / "prompts.toml",
    Channel.TEXT: Path(keywords.__file__).parent / "replies.toml",
    Channel.WEB: Path(web.portal.__file__).parent / "texts.toml",
    None: Path(notice_text.__file__).parent / "notices.toml",
}

#: Names of the channels as the texts have them, where a text is read on another one.
NAMES = {
    Channel.VOICE: re.compile(HOTLINE),
    Channel.WEB: re.compile("网上营业厅|Online Services"),
    Channel.COUNTER: re.compile("(?<!网上)营业厅|store"),
}

#: Sentences to a customer that has just used the channel, and names of channels.
USED = re.compile(r"notice\.(call|web|code)|door\.|greeting")

#: Parameters of sentences about a service that is held or being requested: a holder can always
#: text its keywords. Lists of subscriptions are those of the short code.
OF_HOLDERS = {"cancel", "stop"}
LISTS = {"services.none", "list_none"}


def keys_of(raw: dict[str, object], prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each text of a catalogue file with its parameters."""
    if isinstance(raw.get("zh"), str):
        yield prefix.rstrip("."), set(re.findall(r"\{(\w+)\}", str(raw["zh"])))
    for name, table in raw.items():
        if isinstance(table, dict):
            yield from keys_of(table, f"{prefix}{name}.")


def customers() -> Iterator[Subscription]:
    for number, state in product(NUMBERS, SubscriptionState):
        ends = next_month(CLOCK.now()) if state is SubscriptionState.ENDING else None
        yield Subscription(Msisdn(number), state=state, ends_at=ends)


def misnamed(policy: SubscriptionPolicy, used: Channel | None, language: Language) -> list[str]:
    """Texts that name a channel which does not serve their customer."""
    catalogue, found = Catalogue(FILES[used]), []
    texts = dict(keys_of(tomllib.loads(FILES[used].read_text("utf-8"))))
    spoken = {"text_line": SHORT_CODE, "hotline": HOTLINE, "short_code": SHORT_CODE}
    for customer in customers():
        channels = policy.channels(customer)
        facts = spoken | policy.template_params(customer, language)
        facts |= policy.channel_params(customer, language, used or Channel.TEXT)
        refusals = [policy.ineligibility(customer, each, language) for each in Channel]
        facts = {n: text for each in refusals if each for n, text in each[1].items()} | facts
        for key, names in texts.items():
            if USED.match(key) or (key == "door_missing" and "doors" not in facts):
                continue
            text = catalogue.render(key, language, **(dict.fromkeys(names, "x") | facts))
            named = {each for each, name in NAMES.items() if each is not used and name.search(text)}
            of_holder = customer.state in HOLDING or OF_HOLDERS & names or key in LISTS
            if SHORT_CODE in text and used is not Channel.TEXT and not of_holder:
                named.add(Channel.TEXT)
            if not named <= set(channels):
                found.append(f"{customer.number} {customer.state} [{key}] {text}")
    return found


def without(door: Channel) -> SubscriptionPolicy:
    """The shipped rules, where no province has a channel."""
    book: RuleBook = shipped_book()
    provinces = {
        code: msgspec.structs.replace(each, doors=tuple(d for d in each.doors if d is not door))
        for code, each in book.provinces.items()
    }
    changed = msgspec.structs.replace(book, provinces=provinces)
    return SubscriptionPolicy(changed, NumberingPlan(), CLOCK, HOTLINE, SHORT_CODE)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("used", list(FILES))
@pytest.mark.parametrize("lacking", list(Channel))
def test_sentence_names_no_channel_that_no_province_has(
    used: Channel | None, language: Language, lacking: Channel
):
    assert misnamed(without(lacking), used, language)[:5] == []


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("used", list(FILES))
def test_sentence_names_no_channel_that_the_province_lacks(
    used: Channel | None, language: Language
):
    assert misnamed(POLICY, used, language)[:5] == []
