"""Promotions in receipts: only with consent, one of its category, and only if it fits."""

import datetime as dt

import msgspec
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bootstrap import Container
from app.exports.serializers import serialize_customer
from app.factory import create_app
from receipts.model.customer import Subscription
from receipts.model.message import MessageStatus
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, PromotionCategory
from receipts.rulebook.schema import Promotion, RuleBook
from receipts.subscriptions.consent import first_broken_link
from receipts.subscriptions.promotions import consented_categories, receipt_with_promotion
from receipts.wording.receipt_text import ReceiptTimes, receipt_text
from receipts.wording.segments import is_gsm7, segments
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock, shipped_book
from tests.receipts.delivery.digest_rig import DigestRig
from tests.support.caller import Call
from tests.support.fixtures import HEBEI, audit, notices, stand, standing
from tests.support.sending import ProviderDouble
from tests.support.texter import reply_of

NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)
NEWS, NONE = PromotionCategory.NEWS, PromotionCategory.NONE
PUBLIC_INTEREST, ADVERTISING = PromotionCategory.PUBLIC_INTEREST, PromotionCategory.ADVERTISING
KEYWORDS = {
    NEWS: ("XWXX", "新闻信息", "xwxx"),
    PUBLIC_INTEREST: ("GYXX", "公益信息", "ＧＹＸＸ"),
    ADVERTISING: ("GGXX", "广告信息", "廣告信息"),
}
MARKS = {
    NEWS: ("【新闻】", " News: "),
    PUBLIC_INTEREST: ("【公益】", " Public notice: "),
    ADVERTISING: ("【广告】", " Ad: "),
}
CATEGORIES = sorted(KEYWORDS)


def promotion(category: PromotionCategory = NEWS, **changes: object) -> Promotion:
    values: dict[str, object] = {
        "name": "fair", "kind": category, "since": dt.date(2026, 11, 1),
        "until": dt.date(2026, 11, 30), "zh": "交易会周六开幕。",
        "en": "The fair opens on Saturday.",
    }  # fmt: skip
    return Promotion(**(values | changes))


def book_with(*promotions: Promotion) -> RuleBook:
    return msgspec.structs.replace(shipped_book(), messages=promotions)


def customer(
    category: PromotionCategory = NEWS, state: str = "active", **changes: object
) -> Subscription:
    values: dict[str, object] = {"opened_at": NOW, "promotions_since": NOW} | changes
    return Subscription(
        Msisdn(GUANGDONG), state=SubscriptionState(state), promotions=category, **values
    )


def appended(
    book: RuleBook, to: Subscription, at: dt.datetime = NOW, seed: str = "0a", **how: str
) -> str:
    """Text appended to a receipt of one segment; empty if there is no promotion."""
    language = Language(how.get("language", "zh"))
    status = MessageStatus(how.get("status", "delivered"))
    sent = ReportedTime(at - dt.timedelta(days=1))
    receipt = receipt_text(status, Msisdn(ZHEJIANG), ReceiptTimes(at, sent), language)
    province = how.get("province", "CN-GD")
    found = receipt_with_promotion(to, book, province, at, f"1-{seed:0>8}", receipt, language)
    if found is None:
        return ""
    assert found.text.startswith(receipt)
    assert segments(found.text) == 1
    return found.text.removeprefix(receipt)


@pytest.mark.parametrize("category", CATEGORIES)
def test_promotion_is_marked_with_its_category(category: PromotionCategory):
    book, to = book_with(promotion(category)), customer(category)
    refuse = {"advertising": ("拒收回TDXX", " To stop ads, text TDXX.")}.get(category, ("", ""))
    assert appended(book, to) == f"{MARKS[category][0]}交易会周六开幕。{refuse[0]}"
    english = f"{MARKS[category][1]}The fair opens on Saturday.{refuse[1]}"
    assert appended(book, to, language="en") == english


def test_only_the_consented_category_is_sent_and_none_without_consent():
    book = book_with(*(promotion(each, name=each) for each in CATEGORIES))
    for category in CATEGORIES:
        assert appended(book, customer(category)).startswith(MARKS[category][0])
        for other in {*CATEGORIES, NONE} - {category}:
            assert appended(book_with(promotion(category)), customer(other)) == ""


def test_promotion_runs_in_its_provinces_and_on_its_days_in_china():
    book = book_with(promotion(provinces=("CN-FJ", "CN-GD")))
    assert appended(book, customer())
    assert appended(book, customer(), province="CN-JL") == ""
    first = dt.datetime(2026, 10, 31, 16, tzinfo=dt.UTC)  # midnight in China
    over = dt.datetime(2026, 11, 30, 16, tzinfo=dt.UTC)
    moment, earlier = dt.timedelta(microseconds=1), first - dt.timedelta(days=9)
    to = customer(opened_at=earlier, promotions_since=earlier)
    sent = [bool(appended(book, to, at)) for at in (first - moment, first, over - moment, over)]
    assert sent == [False, True, True, False]


def test_promotion_that_needs_a_second_segment_is_left_out_whole():
    long = promotion(zh="字" * 30)
    assert appended(book_with(long), customer()) == f"【新闻】{'字' * 30}"
    assert appended(book_with(long), customer(), status="failed") == ""
    short = promotion(name="short", zh="短讯")
    assert appended(book_with(long, short), customer(), status="failed") == "【新闻】短讯"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zh=st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30),
    en=st.from_regex(r"[A-Za-z0-9 .,!?'-]{1,80}", fullmatch=True).map(str.strip).filter(bool),
    category=st.sampled_from(CATEGORIES),
    status=st.sampled_from(["delivered", "failed", "expired", "rejected"]),
)
def test_receipt_with_any_promotion_stays_one_segment(
    zh: str, en: str, category: PromotionCategory, status: str
):
    book, to = book_with(promotion(category, zh=zh, en=en)), customer(category)
    appended(book, to, status=status)  # asserts one segment
    english = appended(book, to, status=status, language="en")
    assert is_gsm7(english)
    if status == "delivered":
        assert english, "the longest promotion that a book allows fits the shortest receipt"


def test_receipts_rotate_evenly_through_promotions_and_repeat_their_own():
    book = book_with(*(promotion(name=f"m{index}", zh=f"第{index}条") for index in range(3)))
    texts = [appended(book, customer(), seed=f"{seed:x}") for seed in range(60)]
    assert {text: texts.count(text) for text in texts} == {f"【新闻】第{n}条": 20 for n in range(3)}
    assert texts == [appended(book, customer(), seed=f"{seed:x}") for seed in range(60)]


def test_consent_ends_with_its_subscription():
    for state in SubscriptionState:
        consented = consented_categories(customer(state=state)) is NEWS
        assert consented == (state is not SubscriptionState.NONE)
    later = NOW + dt.timedelta(days=3)
    assert consented_categories(customer(opened_at=later)) is NONE
    assert consented_categories(customer(opened_at=later, promotions_since=later)) is NEWS


# -- through webhooks ------------------------------------------------------------------------


def new_receipt(network: Network, built: Container) -> Receipt:
    """Receipt of a new text by the customer."""
    network.count += 1
    network.status(f"SMf{network.count}", "delivered")
    return built.store.receipts_of(Msisdn(GUANGDONG), 1, MessageKind.RECEIPT)[0]


def stored_category(built: Container, number: str = GUANGDONG) -> PromotionCategory:
    return consented_categories(standing(built, number))


@pytest.mark.parametrize(
    ("category", "keyword"), [(each, word) for each, words in KEYWORDS.items() for word in words]
)
def test_keyword_opts_in_to_one_category_and_another_opts_out(
    network: Network, built: Container, category: PromotionCategory, keyword: str
):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    assert "【" not in new_receipt(network, built).text
    reply = reply_of(network.text(GUANGDONG, keyword))
    assert "停止请发TDXX" in reply
    assert ("广告" in reply) is (category is ADVERTISING)
    assert MARKS[category][0] in new_receipt(network, built).text
    assert serialize_customer(built, Msisdn(GUANGDONG))["messages"] == category
    assert "不附带" in reply_of(network.text(GUANGDONG, "TDXX"))
    assert "【" not in new_receipt(network, built).text
    assert serialize_customer(built, Msisdn(GUANGDONG))["messages"] == "none"


def test_consent_chain_records_texts_shown(network: Network, built: Container, raw: redis.Redis):
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


def test_repeated_text_records_no_consent(network: Network, built: Container, raw: redis.Redis):
    stand(built, GUANGDONG, "active")
    first = network.text(GUANGDONG, "XWXX", "SMsame")
    network.text(GUANGDONG, "TDXX")
    assert network.text(GUANGDONG, "XWXX", "SMsame").data == first.data
    assert stored_category(built) is NONE
    assert len(audit(raw, GUANGDONG)) == 2


def test_consent_needs_a_subscription(network: Network, built: Container, raw: redis.Redis):
    assert "尚未开通" in reply_of(network.text(GUANGDONG, "GGXX"))
    assert audit(raw, GUANGDONG) == []
    stand(built, GUANGDONG, "suspended")  # consent counts once the service resumes
    network.text(GUANGDONG, "XWXX")
    assert stored_category(built) is NEWS


def test_new_subscription_has_no_consent(network: Network, clock: TestClock, built: Container):
    network.open(HEBEI)
    network.text(HEBEI, "XWXX")
    clock.move(hours=1)
    network.text(HEBEI, "TD")
    clock.move(hours=1)
    network.open(HEBEI)
    assert standing(built, HEBEI).state is SubscriptionState.ACTIVE
    assert stored_category(built, HEBEI) is NONE


@pytest.mark.parametrize("language", Language)
def test_key_press_opts_in_and_the_call_summary_names_the_opt_out(
    network: Network, built: Container, language: Language
):
    stand(built, GUANGDONG, "active", language=language)
    call = Call(network, GUANGDONG, "CAm")
    menu = call.dials().text
    assert ("附带信息请按 5" in menu) is (language is Language.ZH)
    assert call.presses("5").place["at"] == "messages"
    answer = call.presses("3").text
    assert ("广告" if language is Language.ZH else "ads") in answer
    assert ("按 4" if language is Language.ZH else "press 4") in answer
    call.hangs_up()
    (notice,) = notices(built, GUANGDONG)
    assert "TDXX" in notice
    assert segments(notice) <= 2
    assert any(mark in new_receipt(network, built).text for mark in MARKS[ADVERTISING])


def test_call_changes_consent_by_speech_or_key(network: Network, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    call = Call(network, GUANGDONG, "CAm")
    call.dials()
    call.presses("5")
    call.speaks("公益")
    assert stored_category(built) is PUBLIC_INTEREST
    assert call.presses("5*").place["at"] == "menu"
    assert stored_category(built) is PUBLIC_INTEREST
    call.presses("54")
    assert stored_category(built) is NONE
    call.hangs_up()
    (notice,) = notices(built, GUANGDONG)
    assert "回执不再附带其他信息" in notice
    assert "公益" not in notice


def test_help_lists_the_keywords(network: Network):
    for keyword in ("BZ", "HELP"):
        reply = reply_of(network.text(GUANGDONG, keyword))
        assert all(each in reply for each in ("XWXX", "GYXX", "GGXX", "TDXX"))


@pytest.mark.fixed_day
def test_new_rule_book_changes_the_promotion(built: Container):
    consent = {"promotions": NEWS, "promotions_since": built.clock.now()}
    stand(built, GUANGDONG, "active", language=Language.ZH, **consent)
    fresh = built.with_changes(book_with(promotion(zh="新书新讯。")))
    found = new_receipt(Network(create_app(fresh.settings, fresh).test_client()), built)
    assert found.text.endswith("【新闻】新书新讯。")
    assert found.promotion == "fair"


@pytest.mark.usefixtures("raw")
def test_digest_has_no_promotion(built: Container, clock: TestClock):
    rig = DigestRig(built, clock, ProviderDouble("flasher", flash=True, lookup=False))
    consent = {"promotions": PUBLIC_INTEREST, "promotions_since": clock.now()}
    stand(built, GUANGDONG, "active", DisplayMode.FLASH, language=Language.ZH, **consent)
    rig.arrive(MessageStatus.DELIVERED, sender=GUANGDONG)
    rig.wait()
    assert "【公益】" in rig.send()[0]
    rig.arrive(MessageStatus.DELIVERED, MessageStatus.DELIVERED, sender=GUANGDONG)
    rig.wait()
    (text,) = rig.send()
    assert text.startswith("您发出的2条短信：")
    assert "【" not in text
    newest = rig.receipts(GUANGDONG)
    assert [receipt.promotion for receipt in newest] == [None, None, "lights"]
