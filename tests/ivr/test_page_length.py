"""No page takes longer than 15 seconds, in any state, province and language."""

import datetime as dt
from itertools import product
from pathlib import Path

import pytest

import ivr
from app.bootstrap import Container
from ivr.spoken import spell
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.numbering.plan import NumberingPlan
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices
from tests.conftest import GUANGDONG, JILIN, UNKNOWN, ZHEJIANG, Network, TestClock, shipped_book
from tests.ivr.conftest import NetworkWith
from tests.ivr.spoken_length import seconds
from tests.support.caller import Call
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI, stand, standing

LONGEST_SECONDS = 15

SPOKEN = Catalogue(Path(ivr.__file__).parent / "prompts.toml")
POLICY = SubscriptionPolicy(shipped_book(), NumberingPlan(), TestClock())

NUMBERS = (GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI)

#: Keys to each page, by subscription state.
PAGES = {
    "none": ("", "1"),
    "pending": ("", "1", "2"),
    "active": ("", "2", "5"),
    "ending": ("", "1", "5"),
    "suspended": ("", "2", "5"),
}


@pytest.fixture(params=["", "+862010086"], ids=["no agent", "agent"])
def line(request: pytest.FixtureRequest, network_with: NetworkWith) -> Network:
    return network_with(agent_number=request.param)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("mode", DisplayMode)
def test_no_page_is_longer_than_fifteen_seconds(
    line: Network, built: Container, language: Language, mode: DisplayMode
):
    for number in NUMBERS:
        for state, pages in PAGES.items():
            if state == "pending":
                stand(built, number, "none", language=language)
                line.text(number, "开通短信回执")
            else:
                stand(built, number, state, mode, language=language)
            for keys in pages:
                call = Call(line, number, f"CA{number}{state}{keys}")
                call.dials()
                if call.last.over:  # no hotline in this province
                    continue
                call.presses(keys)
                if keys and call.last.place["at"] == "menu":  # a refusal and the menu again
                    continue
                length = sum(seconds(text) for _, text in call.last.says)
                assert length <= LONGEST_SECONDS, (state, keys, call.last.says)


def test_pages_before_the_menu_are_as_short(line: Network, built: Container):
    call = Call(line, UNKNOWN)
    for keys in ("", "1", "9"):
        page = call.presses(keys) if keys else call.dials()
        said = [text for _, text in page.says if "今后" not in text and "From now" not in text]
        assert sum(map(seconds, said)) <= LONGEST_SECONDS, said
    assert standing(built, UNKNOWN).language is Language.EN


#: Sentences that are said with a list of their own, and words that are heard.
NOT_SPOKEN_ALONE = ("speech.", "menu.", "outcome.", "province.", "cancelling")


def _longest(number: str, language: Language) -> dict[str, str]:
    """Each parameter of a prompt at its longest for a customer, in spoken form."""
    customer = Subscription(Msisdn(number), ends_at=dt.datetime(2026, 9, 30, 16, tzinfo=dt.UTC))
    facts = POLICY.offer_params(customer, language)
    facts |= POLICY.channel_params(customer, language, Channel.VOICE)
    others = POLICY.channel_params(Subscription(Msisdn(JILIN)), language, Channel.VOICE)
    dues = (notices().render(f"due.{key}", language) for key in ("month", "unpaid", "receipt"))
    when = {Language.ZH: "9月30日23:59", Language.EN: "30 September, 23:59"}[language]
    spent = {Language.ZH: "12.55元", Language.EN: "12.55 yuan"}[language]
    facts |= {"doors": others["other_doors"], "due": max(dues, key=seconds), "spent": spent}
    facts |= {"province": POLICY.book.name("CN-NM", language), "friend": "0001", "sent": when}
    return spell(facts | {"done": when, "outcome": "rejected", "key": "1"}, language)


@pytest.mark.parametrize("language", Language)
def test_no_answer_or_password_page_is_longer_than_fifteen_seconds(language: Language):
    spoken = [key for key in SPOKEN if not key.startswith(NOT_SPOKEN_ALONE)]
    assert {"password_ask", "number_ask", "no_password", "state_active", "opened"} <= {*spoken}
    for key, number in product(spoken, NUMBERS):
        text = SPOKEN.render(key, language, **_longest(number, language))
        assert seconds(text) <= LONGEST_SECONDS, text
