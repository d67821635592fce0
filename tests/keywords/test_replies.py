"""Every sentence we text, at its longest: two segments at most, and no fact left out."""

import datetime as dt
import re
from itertools import permutations, product
from pathlib import Path

import pytest

import keywords
from keywords.parser import KeywordParser
from keywords.replies import ReplyRenderer
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.model.vocabulary import (
    Channel,
    DisplayMode,
    Intent,
    Language,
    Msisdn,
    PromotionCategory,
)
from receipts.numbering.plan import NumberingPlan
from receipts.ports.changes import Reply
from receipts.rulebook.loader import load_rule_book
from receipts.subscriptions import ordering, preferences
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day, notices
from receipts.wording.segments import segments
from statemachines.keyword_dialogue import KEYWORD_DIALOGUE, DialogueState
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, TestClock
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI

BOOK = load_rule_book(None)
GRAMMAR = KeywordParser(BOOK)
NUMBERS = (GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI)
CATALOGUE = Catalogue(Path(keywords.__file__).parent / "replies.toml")
REPLIES = ReplyRenderer(CATALOGUE, "7500")

#: Days that are long to write: the last of a month, just before the longest month's name.
CLOCK = TestClock(dt.datetime(2027, 9, 29, 16, tzinfo=dt.UTC))
POLICY = SubscriptionPolicy(BOOK, NumberingPlan(), CLOCK)

#: Sentences that are pieces of others.
PIECES = frozenset(
    key
    for key in CATALOGUE.keys()  # noqa: SIM118 - a catalogue is no mapping
    if key in {"or", "receipt_line"} or key.startswith("outcome.")
)
CHOICES = {
    language: preferences.ask_province(POLICY, Subscription(Msisdn(GUANGDONG)), language).messages[
        0
    ][1]["choices"]
    for language in Language
}
ACTS = ("opened", "cancelled", "cancelled_later", "order_decline", "now_text", "now_flash")
MESSAGES = tuple(f"messages_{kind}" for kind in PromotionCategory)


def longest_facts(
    number: str, language: Language, mode: DisplayMode = DisplayMode.TEXT
) -> dict[str, str]:
    """All facts of a customer of this province, each as long as it plausibly gets."""
    customer = Subscription(Msisdn(number), mode=mode, ends_at=next_month(CLOCK.now()))
    province = POLICY.service_area(customer).province
    assert province is not None
    words = sorted({GRAMMAR.words_for(province.code, wish, language) for wish in Intent}, key=len)
    yuan = "1234.56元" if language is Language.ZH else "1234.56 yuan"
    asked = (Subscription(Msisdn(JILIN)), Channel.VOICE, language)
    doors = POLICY.ineligibility(*asked)
    assert doors is not None
    return (
        POLICY.offer_params(customer, language)
        | dict.fromkeys(("spent", "total", "monthly", "receipts"), yuan)
        | {"count": "12345", "province": BOOK.name("CN-NM", language)}
        | {"words": "|".join(words[-3:]), "word": words[-1], "choices": CHOICES[language]}
        | {"stop": "TDXX"}
        | {"ends": POLICY.template_params(customer, language)["ends"], "doors": doors[1]["doors"]}
        | {"opened": day(next_month(CLOCK.now()), language)}
        | {"door": max(re.split("、|, ", doors[1]["doors"]), key=len)}
        | {"from": day(next_month(CLOCK.now()), language)}
    )


def said(keys: tuple[str, ...], facts: dict[str, str], language: Language) -> str:
    lines = [
        ("receipt_line", {"friend": "13957112345", "when": "12-31 23:59", "outcome": "rejected"})
    ] * BOOK.limits.receipts_shown
    listed = lines if "receipts_list" in keys else []
    phrases = tuple((key, facts | {"list": ""}) for key in keys)
    return REPLIES.text(Reply((*phrases, *listed), language.value))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", sorted(CATALOGUE.keys() - PIECES))
def test_a_reply_takes_two_segments_at_most_in_every_province(key: str, language: Language):
    for number, mode in product(NUMBERS, DisplayMode):
        text = said((key,), longest_facts(number, language, mode), language)
        assert segments(text) <= 2, f"{segments(text)} segments: {text}"
        assert "{" not in text


@pytest.mark.parametrize("language", Language)
def test_an_ended_order_and_what_was_said_instead_fit_two_segments_together(language: Language):
    """Whatever is texted instead of a yes, the answer tells of both."""
    acts = {
        row.acts[-1]
        for row in KEYWORD_DIALOGUE.rows[DialogueState.OFFERED].values()
        if len(getattr(row, "acts", ())) > 1
    }
    instead = {
        "ordinary": ("not_open",), "flash": ("not_open",), "ask": ("state_none",),
        "receipts": ("receipts_list",), "charges": ("charges_list", "charges_why"),
        "chinese": ("language_set",), "english": ("language_set",), "list_all": ("list_none",),
        "news": ("not_open",), "public_interest": ("not_open",), "advertising": ("not_open",),
        "no_messages": ("messages_none",), "help": ("help",),
        "elsewhere": ("elsewhere",), "near": ("near",), "unknown": ("unknown",),
    }  # fmt: skip
    assert instead.keys() == acts
    for keys, number in product(instead.values(), NUMBERS):
        text = said(("order_decline", *keys), longest_facts(number, language), language)
        assert segments(text) <= 2, f"{segments(text)} segments: {text}"


@pytest.mark.parametrize("language", Language)
def test_every_text_we_send_of_ourselves_fits_two_segments(language: Language):
    for number, mode in product(NUMBERS, DisplayMode):
        facts = longest_facts(number, language, mode)
        texts = [notices().render("notice.order_lapse", language, **facts)]
        for told in (*permutations(ACTS, 2), *product(ACTS[:4], ACTS[4:], MESSAGES)):
            acts = [notices().render(f"act.{act}", language, **facts) for act in told]
            joined = ("；" if language is Language.ZH else "; ").join(acts)
            texts.append(notices().render("notice.call", language, **(facts | {"acts": joined})))
        for text in texts:
            assert segments(text) <= 2, f"{segments(text)} segments: {text}"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_offer_tells_price_day_way_out_and_window(number: str, language: Language):
    customer = Subscription(Msisdn(number))
    phrase = ordering.order(
        POLICY, customer, CustomerRequest(Channel.TEXT, language, "sms:1")
    ).messages[0]
    text = REPLIES.text(Reply((phrase,), language.value))
    facts = phrase[1]
    for fact in ("price", "charged", "cancel", "hours"):
        assert facts[fact]
        assert facts[fact] in text


@pytest.mark.parametrize("language", Language)
def test_every_word_a_reply_teaches_is_one_we_understand(language: Language):
    """The spelling in a sentence and the rule book must not drift apart."""
    for number in NUMBERS:
        place = POLICY.service_area(Subscription(Msisdn(number))).province
        assert place is not None
        facts = POLICY.template_params(Subscription(Msisdn(number)), language)
        wishes = {
            "PT": Intent.ORDINARY, "SX": Intent.FLASH, "BZ": Intent.HELP, "ZJHZ": Intent.RECEIPTS,
            "XWXX": Intent.NEWS, "GYXX": Intent.PUBLIC_INTEREST, "GGXX": Intent.ADVERTISING,
            "TDXX": Intent.NO_MESSAGES, "EN": Intent.ENGLISH, "ZH": Intent.CHINESE,
            "是": Intent.YES, "Y": Intent.YES,
            facts["open"]: Intent.OPEN, facts["cancel"]: Intent.CANCEL, facts["ask"]: Intent.ASK,
        }  # fmt: skip
        for word, wish in wishes.items():
            assert GRAMMAR.read(word, place.code).wish is wish
