"""The operator's messages: with consent only, of that kind only, one at most, and where it fits."""

import datetime as dt
from collections.abc import Callable

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bootstrap import Container
from app.factory import create_app
from commands.serializers import serialize_customer
from receipts.model.customer import Subscription
from receipts.model.message import MessageStatus
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, PromotionCategory
from receipts.rulebook.schema import Promotion, RuleBook
from receipts.subscriptions.consent import first_broken_link
from receipts.subscriptions.promotions import consented_categories, receipt_with_promotion
from receipts.wording.receipt_text import receipt_text
from receipts.wording.segments import is_gsm7, segments
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock, shipped_book
from tests.receipts.delivery.digest_rig import DigestRig
from tests.support.caller import Call
from tests.support.fixtures import HEBEI, audit, notices, stand, standing
from tests.support.sending import ProviderDouble
from tests.support.texter import reply_of

NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)
WORDS = {
    PromotionCategory.NEWS: ("XWXX", "新闻信息", "xwxx"),
    PromotionCategory.PUBLIC_INTEREST: ("GYXX", "公益信息", "ＧＹＸＸ"),
    PromotionCategory.ADVERTISING: ("GGXX", "广告信息", "廣告信息"),
}
MARKS = {
    PromotionCategory.NEWS: ("【新闻】", " News: "),
    PromotionCategory.PUBLIC_INTEREST: ("【公益】", " Public notice: "),
    PromotionCategory.ADVERTISING: ("【广告】", " Ad: "),
}
KINDS = sorted(WORDS)


def message(kind: PromotionCategory = PromotionCategory.NEWS, **but: object) -> Promotion:
    facts: dict[str, object] = {
        "name": "fair", "kind": kind, "since": dt.date(2026, 11, 1),
        "until": dt.date(2026, 11, 30), "zh": "交易会周六开幕。",
        "en": "The fair opens on Saturday.",
    }  # fmt: skip
    return Promotion(**(facts | but))


def carrying(*messages: Promotion) -> RuleBook:
    return msgspec.structs.replace(shipped_book(), messages=messages)


def customer(
    kind: PromotionCategory = PromotionCategory.NEWS, state: str = "active", **but: object
) -> Subscription:
    facts: dict[str, object] = {"opened_at": NOW, "promotions_since": NOW}
    return Subscription(
        Msisdn(GUANGDONG), state=SubscriptionState(state), promotions=kind, **(facts | but)
    )


def carried(
    book: RuleBook, who: Subscription, at: dt.datetime = NOW, seed: str = "0a", **how: str
) -> str:
    language = Language(how.get("language", "zh"))
    receipt = receipt_text(
        MessageStatus(how.get("fate", "delivered")), Msisdn(ZHEJIANG), at, language
    )
    found = receipt_with_promotion(
        who, book, how.get("province", "CN-GD"), at, f"1-{seed:0>8}", receipt, language
    )
    if found is None:
        return ""
    assert found.text.startswith(receipt)
    assert segments(found.text) == 1
    return found.text.removeprefix(receipt)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_of_what_kind_it_is(kind: PromotionCategory):
    book, who = carrying(message(kind)), customer(kind)
    assert carried(book, who) == f"{MARKS[kind][0]}交易会周六开幕。"
    assert carried(book, who, language="en") == f"{MARKS[kind][1]}The fair opens on Saturday."


def test_only_the_kind_agreed_to_is_carried_and_none_without_consent():
    for kind in KINDS:
        told = carried(carrying(*(message(each, name=each) for each in KINDS)), customer(kind))
        assert told.startswith(MARKS[kind][0])
        assert carried(carrying(message(kind)), customer(PromotionCategory.NONE)) == ""
        for other in KINDS:
            if other is not kind:
                assert carried(carrying(message(other)), customer(kind)) == ""


def test_a_message_runs_in_its_provinces_and_on_its_days_in_china():
    book = carrying(message(provinces=("CN-FJ", "CN-GD")))
    assert carried(book, customer())
    assert carried(book, customer(), province="CN-JL") == ""
    first = dt.datetime(2026, 10, 31, 16, tzinfo=dt.UTC)  # midnight in China
    over = dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC)
    moment = dt.timedelta(microseconds=1)
    who = customer(
        opened_at=first - dt.timedelta(days=9), promotions_since=first - dt.timedelta(days=9)
    )
    told = [bool(carried(book, who, at)) for at in (first - moment, first, over - moment, over)]
    assert told == [False, True, True, False]


def test_it_never_costs_a_second_segment_and_then_is_left_out_whole():
    long = message(zh="字" * 30)
    assert carried(carrying(long), customer()) == f"【新闻】{'字' * 30}"
    assert carried(carrying(long), customer(), fate="failed") == ""
    short = message(name="short", zh="短讯")
    assert carried(carrying(long, short), customer(), fate="failed") == "【新闻】短讯"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zh=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30),
    en=st.from_regex(r"[A-Za-z0-9 .,!?'-]{1,80}", fullmatch=True).map(str.strip).filter(bool),
    kind=st.sampled_from(KINDS),
    fate=st.sampled_from(
        [
            MessageStatus.DELIVERED,
            MessageStatus.FAILED,
            MessageStatus.EXPIRED,
            MessageStatus.REJECTED,
        ]
    ),
)
def test_whatever_is_written_a_receipt_stays_one_segment(
    zh: str, en: str, kind: PromotionCategory, fate: MessageStatus
):
    book = carrying(message(kind, zh=zh, en=en))
    carried(book, customer(kind), fate=fate)  # looks at the segments
    told = carried(book, customer(kind), fate=fate, language="en")
    assert is_gsm7(told)
    if fate is MessageStatus.DELIVERED:
        assert told, "the longest message that a book may hold fits the shortest receipt"


def test_of_several_each_gets_its_turn_and_the_same_receipt_always_the_same():
    book = carrying(*(message(name=f"m{place}", zh=f"第{place}条") for place in range(3)))
    told = [carried(book, customer(), seed=f"{seed:x}") for seed in range(60)]
    assert {text: told.count(text) for text in told} == {f"【新闻】第{n}条": 20 for n in range(3)}
    assert told == [carried(book, customer(), seed=f"{seed:x}") for seed in range(60)]


def test_consent_ends_with_the_subscription_it_was_given_in():
    for state in SubscriptionState:
        held = consented_categories(customer(state=state)) is PromotionCategory.NEWS
        assert held == (state is not SubscriptionState.NONE)
    later = NOW + dt.timedelta(days=3)
    assert consented_categories(customer(opened_at=later)) is PromotionCategory.NONE
    assert (
        consented_categories(customer(opened_at=later, promotions_since=later))
        is PromotionCategory.NEWS
    )


# -- through the doors -----------------------------------------------------------------------


@pytest.fixture
def told(network: Network, built: Container) -> Callable[[], str]:
    """Text a friend; what the receipt says, and nothing waits for any other."""

    def text_a_friend() -> str:
        network.count += 1
        network.status(f"SMf{network.count}", "delivered")
        return built.store.receipts_of(Msisdn(GUANGDONG), 1, MessageKind.RECEIPT)[0].text

    return text_a_friend


@pytest.mark.parametrize(("kind", "word"), [(k, w) for k, words in WORDS.items() for w in words])
def test_a_text_agrees_to_one_kind_and_another_ends_it(
    network: Network, built: Container, told: Callable[[], str], kind: PromotionCategory, word: str
):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    assert "【" not in told()
    reply = reply_of(network.text(GUANGDONG, word))
    assert "停止请发TDXX" in reply
    assert ("广告" in reply) is (kind is PromotionCategory.ADVERTISING)
    assert MARKS[kind][0] in told()
    assert serialize_customer(built, Msisdn(GUANGDONG))["messages"] == kind
    assert "不附带" in reply_of(network.text(GUANGDONG, "TDXX"))
    assert "【" not in told()
    assert serialize_customer(built, Msisdn(GUANGDONG))["messages"] == "none"


def test_each_consent_is_in_the_chain_with_what_was_shown(
    network: Network, built: Container, raw: redis.Redis
):
    stand(built, GUANGDONG, "active", language=Language.EN)
    replies = [reply_of(network.text(GUANGDONG, w)) for w in ("XWXX", "GGXX", "GGXX", "TDXX")]
    entries = audit(raw, GUANGDONG)
    assert [e["act"] for e in entries] == ["consent_news", "consent_advertising", "withdraw"]
    assert [e["heard"] for e in entries] == ["XWXX", "GGXX", "TDXX"]
    assert [e["shown"] for e in entries] == [replies[0], replies[1], replies[3]]
    assert "text TDXX" in replies[0]
    assert "marked as such" in replies[1]
    chain = built.clients.bulk_reader.consent(Msisdn(GUANGDONG))
    assert first_broken_link(chain, standing(built, GUANGDONG).chain) is None


def test_a_repeated_text_is_answered_as_before_and_agrees_to_nothing_new(
    network: Network, built: Container, raw: redis.Redis
):
    stand(built, GUANGDONG, "active")
    first = network.text(GUANGDONG, "XWXX", "SMsame")
    network.text(GUANGDONG, "TDXX")
    assert network.text(GUANGDONG, "XWXX", "SMsame").data == first.data
    assert consented_categories(standing(built, GUANGDONG)) is PromotionCategory.NONE
    assert len(audit(raw, GUANGDONG)) == 2


def test_without_the_service_there_is_nothing_to_agree_to(
    network: Network, built: Container, raw: redis.Redis
):
    assert "尚未开通" in reply_of(network.text(GUANGDONG, "GGXX"))
    assert audit(raw, GUANGDONG) == []
    stand(built, GUANGDONG, "suspended")  # what is agreed while it rests counts when it runs again
    network.text(GUANGDONG, "XWXX")
    assert consented_categories(standing(built, GUANGDONG)) is PromotionCategory.NEWS


def test_who_leaves_and_comes_back_is_asked_again(
    network: Network, clock: TestClock, built: Container
):
    network.open(HEBEI)
    network.text(HEBEI, "XWXX")
    clock.move(hours=1)
    network.text(HEBEI, "TD")
    clock.move(hours=1)
    network.open(HEBEI)
    assert standing(built, HEBEI).state is SubscriptionState.ACTIVE
    assert consented_categories(standing(built, HEBEI)) is PromotionCategory.NONE


@pytest.mark.parametrize("language", Language)
def test_by_phone_a_key_agrees_and_the_text_after_the_call_tells_how_to_stop(
    network: Network, built: Container, told: Callable[[], str], language: Language
):
    stand(built, GUANGDONG, "active", language=language)
    call = Call(network, GUANGDONG, "CAm")
    menu = call.dials().text
    assert ("附带的信息，请按 5" in menu) is (language is Language.ZH)
    page = call.presses("5")
    assert page.place["at"] == "messages"
    said = call.presses("3")
    assert ("广告" if language is Language.ZH else "advertising") in said.text
    assert "TDXX" in said.text
    call.hangs_up()
    (notice,) = notices(built, GUANGDONG)
    assert "TDXX" in notice
    assert segments(notice) <= 2
    assert any(mark in told() for mark in MARKS[PromotionCategory.ADVERTISING])


def test_by_phone_it_can_be_said_and_stopped_and_left_alone(network: Network, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call = Call(network, GUANGDONG, "CAm")
    call.dials()
    call.presses("5")
    call.speaks("公益")
    assert consented_categories(standing(built, GUANGDONG)) is PromotionCategory.PUBLIC_INTEREST
    call.presses("5*")
    assert call.last.place["at"] == "menu"
    assert consented_categories(standing(built, GUANGDONG)) is PromotionCategory.PUBLIC_INTEREST
    call.presses("54")
    assert consented_categories(standing(built, GUANGDONG)) is PromotionCategory.NONE
    call.hangs_up()
    (notice,) = notices(built, GUANGDONG)
    assert "回执不再附带信息" in notice
    assert "公益" not in notice


def test_help_lists_the_words(network: Network):
    for word in ("BZ", "HELP"):
        reply = reply_of(network.text(GUANGDONG, word))
        assert all(each in reply for each in ("XWXX", "GYXX", "GGXX", "TDXX"))


def test_a_new_rule_book_changes_what_is_carried(built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH, promotions=PromotionCategory.NEWS,
          promotions_since=built.clock.now())  # fmt: skip
    fresh = built.with_rule_book(carrying(message(zh="新书新讯。")))
    network = Network(create_app(fresh.settings, fresh).test_client())
    network.status("SMnew", "delivered")
    (found,) = built.store.receipts_of(Msisdn(GUANGDONG), 1, MessageKind.RECEIPT)
    assert found.text.endswith("【新闻】新书新讯。")
    assert found.promotion == "fair"


def test_a_digest_gives_all_its_room_to_its_receipts(
    built: Container, clock: TestClock, raw: redis.Redis
):
    del raw
    flasher = ProviderDouble("flasher", flash=True, lookup=False)
    house = DigestRig(built, clock, flasher)
    stand(built, GUANGDONG, "active", DisplayMode.FLASH, language=Language.ZH,
          promotions=PromotionCategory.PUBLIC_INTEREST, promotions_since=clock.now())  # fmt: skip
    house.arrive(MessageStatus.DELIVERED, sender=GUANGDONG)
    house.wait()
    assert "【公益】" in house.send()[0]
    house.arrive(MessageStatus.DELIVERED, MessageStatus.DELIVERED, sender=GUANGDONG)
    house.wait()
    (text,) = house.send()
    assert text.startswith("2条短信：")
    assert "【" not in text
    newest: list[Receipt] = house.receipts(GUANGDONG)
    assert [receipt.promotion for receipt in newest] == [None, None, "lights"]
