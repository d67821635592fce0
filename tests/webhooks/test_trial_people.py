"""Trial people: numbers of any country that stand in for customers and are never charged."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import redis

import keywords
from app.bootstrap import Container, services
from app.factory import create_app
from app.settings import Settings, SettingsError
from keywords.replies import ReplyRenderer
from keywords.trial_replies import trial_reply
from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.rows import CUSTOMERS
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.model.vocabulary import Network as Network_
from receipts.numbering.plan import NumberInfo
from receipts.subscriptions import preferences
from receipts.subscriptions.decision import CustomerRequest
from receipts.wording.catalogue import Catalogue
from receipts.wording.notice_text import notices as notices_texts
from receipts.wording.segments import segments
from tests.conftest import GUANGDONG, Network
from tests.ivr.spoken_length import seconds
from tests.support.caller import Call
from tests.support.fixtures import charges, contents, notices, stand, standing
from tests.support.texter import Texter

AMERICAN, BRITON = "+14155550100", "+447700900123"
UNICOM = "+8613001012345"


def catalogue() -> Catalogue:
    return Catalogue(Path(keywords.__file__).with_name("replies.toml"))


@pytest.fixture
def settings(settings: Settings) -> Settings:
    people = {AMERICAN: "CN-GD", BRITON: "CN-ZJ", UNICOM: "CN-GX", GUANGDONG: "CN-GD"}
    listed = {Msisdn(number): code for number, code in people.items()}
    return replace(settings, trial_people=listed, secret_key="secret-key-of-the-tests")


@pytest.mark.parametrize("number", [AMERICAN, BRITON, UNICOM, GUANGDONG])
def test_trial_person_subscribes_and_leaves_in_english_and_is_never_charged(
    network: Network, built: Container, number: str
):
    phone = Texter(network, number)
    for wish, words in [
        ("SUBSCRIBE", "SMS Receipt: free."),
        ("Y", "SMS Receipt is on: free."),
        ("STATUS", "0 yuan"),
        ("REGULAR", "regular texts"),
        ("CHARGES", "No charges"),
        ("cancel sms receipt", "nothing is charged"),
    ]:
        reply = phone.says(wish)
        assert words in reply
        assert reply.endswith("Trial, free of charge.")
        assert segments(reply) == 1
    assert standing(built, number).state in {"ending", "none"}
    assert charges(built, number) == []


@pytest.mark.parametrize("number", [AMERICAN, UNICOM])
def test_chinese_words_get_chinese_replies_of_one_segment(network: Network, number: str):
    phone = Texter(network, number)
    for wish in (
        "开通短信回执",
        "是",
        "查询短信回执",
        "普通短信",
        "最近回执",
        "0000",
        "不知道",
        "英文",
    ):
        reply = phone.says(wish)
        assert "试用，不收费。" in reply or "Trial" in reply
        assert segments(reply) == 1


def test_first_reply_to_a_foreign_number_is_in_english(network: Network):
    assert "BZ for help" in Texter(network, AMERICAN).says("zzzz")
    assert "帮助发BZ" in Texter(network, UNICOM).says("zzzz")


@pytest.mark.parametrize(
    ("words", "end"),
    [
        ("SUBSCRIBE Y RECEIPTS", "). Trial, free of charge."),
        ("开通短信回执 是 最近回执", "）。试用，不收费。"),
    ],
)
def test_list_of_receipts_ends_with_a_full_stop_before_the_note(
    network: Network, words: str, end: str
):
    phone = Texter(network, AMERICAN)
    subscribe, confirm, ask = words.split()
    phone.says(subscribe)
    phone.says(confirm)
    network.status("SM1", "delivered", sender=AMERICAN, friend=BRITON)
    assert phone.says(ask).endswith(end)


def test_both_ends_on_the_list_give_a_receipt_without_a_price(network: Network, built: Container):
    network.text(AMERICAN, "SUBSCRIBE")
    network.text(AMERICAN, "Y")
    network.status("SM1", "delivered", sender=AMERICAN, friend=BRITON)
    (receipt,) = built.store.receipts_of(Msisdn(AMERICAN), 9, None)
    assert receipt.text.startswith("Your text to +447700900123 was delivered")
    assert receipt.price_fen == 0
    assert [*built.monthly_billing.run(f"{built.clock.now():%Y-%m}")][-1][1].charged_now == 0


def test_other_foreign_numbers_stay_refused(network: Network, raw: redis.Redis):
    before = contents(raw)
    assert Texter(network, "+14155550199").says("SUBSCRIBE") == ""
    assert contents(raw) == before


def test_call_says_that_it_is_a_trial(network: Network, built: Container):
    call = Call(network, AMERICAN)
    assert "Trial, free of charge." in call.dials().text
    call.presses("2")
    call.presses("1")
    assert "Trial, free of charge." in call.presses("1").text
    assert standing(built, AMERICAN).state == "active"
    call.hangs_up()
    assert notices(built, AMERICAN)[0].endswith("Trial, free of charge.")


def test_unknown_province_is_refused_at_start(settings: Settings):
    with pytest.raises(SettingsError, match="CN-XX is not a province of rule book"):
        services(replace(settings, trial_people={Msisdn(AMERICAN): "CN-XX"}))


def test_customer_list_that_names_another_network_ends_no_trial(network: Network, built: Container):
    Texter(network, UNICOM).says("开通短信回执")
    Texter(network, UNICOM).says("是")
    home, request = (
        NumberInfo("CN-BJ", Network_.OTHER, "record"),
        CustomerRequest(Channel.TEXT, Language.ZH, "list:1"),
    )
    customer = standing(built, UNICOM)
    decision = preferences.apply_customer_record(built.policy, customer, home, request)
    assert decision.customer.state == "active"
    assert decision.messages == ()
    assert built.policy.service_area(decision.customer).number_info.province == "CN-GX"


def test_customer_list_takes_a_trial_person_only_while_listed():
    cells = {"number": AMERICAN, "network": "cmcc"}
    row = CUSTOMERS.accepting({Msisdn(AMERICAN)}).read(cells)
    assert row.number == AMERICAN
    with pytest.raises(RowError, match="is not a mainland mobile number"):
        CUSTOMERS.accepting({Msisdn(BRITON)}).read(cells)


@pytest.mark.parametrize("language", Language)
def test_sentences_with_full_numbers_in_place_of_short_codes_fit_one_segment(
    settings: Settings, built: Container, language: Language
):
    full = replace(settings, short_code="+14155550111", hotline="+14155550112")
    for number in (AMERICAN, GUANGDONG):
        policy = built.with_changes(settings=full).policy
        params = policy.offer_params(Subscription(Msisdn(number)), language)
        params |= policy.channel_params(Subscription(Msisdn(number)), language, Channel.WEB)
        for key in ("list_none", "other_service"):
            reply = trial_reply(policy, Subscription(Msisdn(number)), ((key, params),), language)
            text = ReplyRenderer(catalogue(), full.short_code).text(reply)
            assert segments(text) == 1, text
        for key in ("order_lapse", "trial_lapse", "password_changed", "unpaid_twice"):
            text = notices_texts().render_text(f"notice.{key}", language, **params)
            assert segments(text) == 1, text


@pytest.mark.parametrize("language", Language)
def test_first_page_of_a_call_to_a_full_number_lasts_at_most_fifteen_seconds(
    settings: Settings, built: Container, language: Language
):
    numbers = {"short_code": "+14155550111", "hotline": "+14155550112"}
    full = built.with_changes(settings=replace(settings, **numbers))
    network = Network(create_app(full.settings, full).test_client())
    for number, state in product((AMERICAN, GUANGDONG), ("none", "active")):
        for language_chosen in (None, language):
            stand(built, number, state, language=language_chosen)
            call = Call(network, number, f"CA{number}{state}{language_chosen}")
            # A page has sentences of two languages, each with its own speed.
            said = call.dials().says
            assert sum(seconds(text) for _, text in said) <= 15, said


class TestOffTheList:
    """The same store under settings that no longer name the number."""

    @pytest.fixture
    def phones(self, network: Network, built: Container) -> dict[str, Texter]:
        phones = {number: Texter(network, number) for number in (AMERICAN, GUANGDONG)}
        for phone in phones.values():
            phone.says("SUBSCRIBE")
            phone.says("Y")
        built.numbering.trial_people = {}
        return phones

    @pytest.mark.parametrize("number", [AMERICAN, GUANGDONG])
    def test_no_receipt_and_no_charge(
        self, phones: dict[str, Texter], network: Network, built: Container, number: str
    ):
        assert phones
        network.status("SM1", "delivered", sender=number, friend="+8613957112345")
        assert built.store.receipts_of(Msisdn(number), 9, None) == []
        assert [*built.monthly_billing.run(f"{built.clock.now():%Y-%m}")][-1][1].charged_now == 0
        assert charges(built, number) == []

    @pytest.mark.parametrize("number", [AMERICAN, GUANGDONG])
    def test_asking_and_leaving_are_answered(
        self, phones: dict[str, Texter], built: Container, number: str
    ):
        phone = phones[number]
        assert "no longer in the trial" in phone.says("STATUS")
        assert "no longer in the trial" in phone.says("PT")
        assert "cancelled, effective now; nothing is charged" in phone.says("TD")
        assert standing(built, number).state == "none"
        assert charges(built, number) == []

    def test_a_foreign_number_that_left_is_a_stranger(self, phones: dict[str, Texter]):
        phones[AMERICAN].says("TD")
        assert phones[AMERICAN].says("SUBSCRIBE") == ""

    def test_a_customer_gets_a_fresh_offer_with_its_price(
        self, phones: dict[str, Texter], built: Container
    ):
        phone = phones[GUANGDONG]
        phone.says("TD")
        assert "1 yuan a month" in phone.says("SUBSCRIBE")
        phone.says("Y")
        assert charges(built, GUANGDONG) == [("monthly", 100)]


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ("14155550123=CN-GD", "entry 1 is no number in E.164"),
        ("+14155550123", "names no province code"),
        ("+14155550123=Guangdong", "names no province code"),
        ("+14155550123=CN-GD, +1 415 555 0123 = CN-ZJ", "entry 2 (+14****0123) names a number"),
        ("+14155550111=CN-GD", "is a number of this service"),
        ("+110=CN-GD", "is no number in E.164"),
        ("+266696687=CN-GD", "is no number in E.164"),
        (",".join(f"+1416555{n:04}=CN-GD" for n in range(201)), "the most is 200"),
    ],
)
def test_wrong_list_is_refused_with_its_entry(listed: str, problem: str):
    with pytest.raises(SettingsError) as refused:
        Settings.read({"TRIAL_PEOPLE": listed, "TWILIO_FROM": "+14155550111"})
    assert problem in str(refused.value)
    assert "4155550123" not in str(refused.value)


def test_spaces_are_tolerated():
    read = Settings.read({"TRIAL_PEOPLE": " +1 (415) 555-0123 = cn-gd , +447700900123=CN-BJ, "})
    assert read.trial_people == {"+14155550123": "CN-GD", BRITON: "CN-BJ"}
