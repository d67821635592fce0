"""Replies and notices at their longest: at most two segments, all facts included."""

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
from receipts.model.vocabulary import Channel, DisplayMode, Intent, Language, Msisdn
from receipts.model.vocabulary import PromotionCategory as Category
from receipts.numbering.plan import NumberingPlan
from receipts.ports.changes import Reply
from receipts.subscriptions import cancellation, ordering, preferences
from receipts.subscriptions.decision import CustomerRequest
from receipts.subscriptions.policy import SubscriptionPolicy
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import day, notices
from receipts.wording.segments import segments
from statemachines.keyword_dialogue import KEYWORD_DIALOGUE, DialogueState
from statemachines.subscription import SubscriptionState
from tests.conftest import BEIJING, GUANGDONG, JILIN, UNICOM, ZHEJIANG, TestClock, shipped_book
from tests.support.fixtures import FUJIAN, GUANGXI, HEBEI, SHAANXI, SHANXI

BOOK = shipped_book()
PARSER = KeywordParser(BOOK)
NUMBERS = (GUANGDONG, JILIN, GUANGXI, SHANXI, HEBEI, ZHEJIANG, FUJIAN, SHAANXI)
CATALOGUE = Catalogue(Path(keywords.__file__).parent / "replies.toml")
REPLIES = ReplyRenderer(CATALOGUE, "7500")

#: A date with a long text: the last day of September.
CLOCK = TestClock(dt.datetime(2027, 9, 29, 16, tzinfo=dt.UTC))
POLICY = SubscriptionPolicy(BOOK, NumberingPlan(), CLOCK)

#: Parts of other sentences.
PARTS = frozenset(
    key
    for key in CATALOGUE
    if key in {"or", "outcome_at"} or key.startswith(("receipt_line", "outcome."))
)
CUSTOMER = Subscription(Msisdn(GUANGDONG))
ACTS = ("opened", "cancelled", "cancelled_later", "order_decline", "now_text", "now_flash")
MESSAGES = tuple(f"messages_{kind}" for kind in Category)


#: Forms that a text has for the case that they fit where the longer one does not.
SHORTER = frozenset(key for key in CATALOGUE if key.endswith((".short", ".shortest")))
NOTICES = tuple(
    key.removeprefix("notice.")
    for key in notices()
    if key.startswith("notice.") and not key.endswith(".short")
)


def _dues(language: Language) -> list[str]:
    return [notices().render(f"due.{key}", language) for key in ("none", "month", "unpaid")]


def longest_params(
    number: str, language: Language, mode: DisplayMode = DisplayMode.TEXT
) -> dict[str, str]:
    """All parameters for a customer of a province, each at its plausible maximum."""
    customer = Subscription(Msisdn(number), mode=mode, ends_at=next_month(CLOCK.now()))
    province = POLICY.service_area(customer).province
    assert province is not None
    words = sorted(
        {PARSER.keyword_for(province.code, intent, language) for intent in Intent}, key=len
    )
    yuan = "1234.56元" if language is Language.ZH else "1234.56 yuan"
    doors = POLICY.ineligibility(Subscription(Msisdn(JILIN)), Channel.VOICE, language)
    assert doors is not None
    (question,) = preferences.ask_province(POLICY, CUSTOMER, language).messages
    return (
        POLICY.offer_params(customer, language)
        | dict.fromkeys(("spent", "total", "monthly", "receipts", "credit"), yuan)
        | {"most": "30", "count": "12345", "province": BOOK.name("CN-NM", language)}
        | {"words": "|".join(words[-3:]), "word": words[-1], "choices": question[1]["choices"]}
        | POLICY.channel_params(customer, language, Channel.VOICE)
        | {"stop": "TDXX", "due": max(_dues(language), key=len)}
        | {"ends": POLICY.template_params(customer, language)["ends"], "doors": doors[1]["doors"]}
        | {"opened": day(next_month(CLOCK.now()), language)}
        | {"door": max(re.split("、|或|, | or ", doors[1]["doors"]), key=len)}
        | {"from": day(next_month(CLOCK.now()), language)}
    )


LONGEST_SENT = {Language.ZH: "2026年12月31日23:59", Language.EN: "31 Dec 2026 23:59"}


def reply(keys: tuple[str, ...], params: dict[str, str], language: Language) -> str:
    lines = [
        (
            "receipt_line",
            {"friend": "13957112345", "sent": LONGEST_SENT[language], "outcome": "rejected"},
        )
    ] * BOOK.limits.receipts_shown
    listed = lines if "receipts_list" in keys else []
    messages = tuple((key, params | {"list": ""}) for key in keys)
    return REPLIES.text(Reply((*messages, *listed), language.value))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", sorted(set(CATALOGUE) - PARTS - SHORTER))
def test_reply_fits_one_segment_in_every_province(key: str, language: Language):
    for number, mode in product(NUMBERS, DisplayMode):
        text = reply((key,), longest_params(number, language, mode), language)
        assert segments(text) <= (2 if key == "help" else 1), f"{len(text)}: {text}"
        assert "{" not in text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("number", NUMBERS)
def test_charges_and_their_consent_fit_one_segment(number: str, language: Language):
    yuan = "12.55元" if language is Language.ZH else "12.55 yuan"
    amounts = dict.fromkeys(("total", "monthly", "receipts"), yuan) | {"count": "231"}
    params = longest_params(number, language) | amounts
    text = reply(("charges_list", "charges_why"), params, language)
    assert segments(text) == 1, f"{len(text)}: {text}"
    assert params["opened"] in text


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", ["offer", "offer_again"])
def test_offer_fits_one_segment_with_every_charge(key: str, language: Language):
    separator = "，" if language is Language.ZH else ", "
    on = day(next_month(CLOCK.now()), language)
    after_trial = product([ZHEJIANG], ("trial", "trial_rest", "from"))
    for number, kind in (*product(NUMBERS, ("month", "receipt", "paid")), *after_trial):
        params = longest_params(number, language)
        price, charged = params["price"], notices().render(f"charged.{kind}", language, day=on)
        if number == ZHEJIANG and kind != "trial":
            price = price.rpartition(separator)[0]
        terms = {"price": price, "charged": charged, "terms": f"{price}{separator}{charged}"}
        text = reply((key,), params | terms, language)
        assert segments(text) == 1, f"{len(text)}: {text}"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("key", NOTICES)
def test_notice_fits_one_segment_with_its_longest_act(key: str, language: Language):
    for number in NUMBERS:
        params = longest_params(number, language) | {"code": "123456", "minutes": "5"}
        # The longest name of a shop.
        params |= {"password": "123456", "shop": "中国移动营业厅" * 5 + "中国移动店"}
        told = (*ACTS, "keep_decline", *MESSAGES)
        acts = [notices().render(f"act.{act}", language, **params) for act in told]
        params["acts"] = max(acts, key=len)
        text = notices().render_text(f"notice.{key}", language, **params)
        assert segments(text) == 1, f"{len(text)}: {text}"


@pytest.mark.parametrize("language", Language)
def test_end_of_an_order_and_another_reply_fit_two_segments(language: Language):
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
        "other_service": ("other_service",), "elsewhere": ("elsewhere",),
        "near": ("near",), "unknown": ("unknown",),
    }  # fmt: skip
    assert instead.keys() == acts
    for keys, number in product(instead.values(), NUMBERS):
        text = reply(("order_decline", *keys), longest_params(number, language), language)
        assert segments(text) <= 2, f"{segments(text)} segments: {text}"


@pytest.mark.parametrize("language", Language)
def test_notice_fits_two_segments(language: Language):
    for number, mode in product(NUMBERS, DisplayMode):
        params = longest_params(number, language, mode)
        texts = [notices().render("notice.order_lapse", language, **params)]
        for told in (*permutations(ACTS, 2), *product(ACTS[:4], ACTS[4:], MESSAGES)):
            acts = [notices().render(f"act.{act}", language, **params) for act in told]
            joined = ("；" if language is Language.ZH else "; ").join(acts)
            filled = params | {"acts": joined}
            texts.append(notices().render("notice.call", language, **filled))
        for text in texts:
            assert segments(text) <= 2, f"{segments(text)} segments: {text}"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("number", NUMBERS)
def test_offer_has_price_first_charge_keyword_and_window(number: str, language: Language):
    customer = Subscription(Msisdn(number))
    request = CustomerRequest(Channel.TEXT, language, "sms:1")
    messages = ordering.order(POLICY, customer, request).messages
    text = REPLIES.text(Reply(messages[:1], language.value))
    for param in ("price", "charged", "cancel", "hours"):
        free = number == FUJIAN and param == "charged"
        assert bool(messages[0][1][param]) is not free
        assert messages[0][1][param] in text


@pytest.mark.parametrize("language", Language)
def test_every_taught_keyword_has_its_intent(language: Language):
    for number in NUMBERS:
        place = POLICY.service_area(Subscription(Msisdn(number))).province
        assert place is not None
        params = POLICY.template_params(Subscription(Msisdn(number)), language)
        taught = {
            "PT": Intent.ORDINARY, "SX": Intent.FLASH, "BZ": Intent.HELP, "ZJHZ": Intent.RECEIPTS,
            "XWXX": Intent.NEWS, "GYXX": Intent.PUBLIC_INTEREST, "GGXX": Intent.ADVERTISING,
            "TDXX": Intent.NO_MESSAGES, "EN": Intent.ENGLISH, "ZH": Intent.CHINESE,
            "是": Intent.YES, "Y": Intent.YES,
            params["open"]: Intent.OPEN, params["cancel"]: Intent.CANCEL, params["ask"]: Intent.ASK,
        }  # fmt: skip
        for keyword, intent in taught.items():
            assert PARSER.parse(keyword, place.code).intent is intent


@pytest.mark.parametrize("number", [BEIJING, UNICOM])
@pytest.mark.parametrize("language", list(Language))
def test_customer_that_cannot_subscribe_is_offered_no_keyword_for_it(
    number: str, language: Language
):
    former = Subscription(Msisdn(number), state=SubscriptionState.ACTIVE, opened_at=CLOCK.now())
    request = CustomerRequest(Channel.TEXT, language, "e1", "QX")
    ended = cancellation.cancel(POLICY, former, request)
    closed = {"zh": "立即生效，", "en": "effective now; "}[language]
    reply = REPLIES.text(Reply(ended.messages, language.value))
    assert closed in reply
    assert not re.search("重新开通|subscribe again|请发|text ", reply)
    for key in ("state_none", "not_open", "no_order", "nothing_waits", "unknown", "help"):
        message = POLICY.refused(former, key, request).messages
        text = REPLIES.text(Reply(message, language.value))
        assert not re.search(
            "开通(?:短信回执)?请?发|开通，|[Tt]o (?:open|subscribe)|Subscribe", text
        ), text
        assert "[" not in text
        assert "]" not in text
    for key in ("order_lapse", "trial_lapse", "unpaid_twice"):
        params = POLICY.template_params(former, language)
        text = notices().render(f"notice.{key}", language, **params)
        assert not re.search("请发|可发|[Tt]o subscribe|to open|again", text), text


def test_customer_that_can_subscribe_is_offered_the_keyword():
    request = CustomerRequest(Channel.TEXT, Language.ZH, "e1")
    message = POLICY.refused(CUSTOMER, "not_open", request).messages
    assert REPLIES.text(Reply(message, "zh")).endswith("开通请发KTDXHZ。")
