"""Where numbers are at home: samples of the eight provinces, and whose word counts."""

import phonenumbers
import pytest
from phonenumbers import carrier, geocoder

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language, Msisdn, Network
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.loader import load_rule_book

# Real China Mobile prefixes, at least four of each covered province, in different cities and
# number ranges. Live ranges: for tests only, never sent to a real network.
SAMPLES = {
    "CN-GD": ("1380288", "1392280", "1354275", "1360245", "1382350"),
    "CN-JL": ("1384401", "1390431", "1394320", "1359650"),
    "CN-GX": ("1397711", "1387885", "1350788", "1360773"),
    "CN-SX": ("1390351", "1383541", "1350971", "1362350"),
    "CN-HE": ("1390311", "1383217", "1350311", "1360338"),
    "CN-ZJ": ("1395711", "1385888", "1350571", "1360580"),
    "CN-FJ": ("1390591", "1380597", "1350502", "1360603"),
    "CN-SN": ("1390921", "1389190", "1357140", "1360910"),
}
THIRTY_THREE = [
    (Msisdn(f"+86{prefix}2345"), code) for code, prefixes in SAMPLES.items() for prefix in prefixes
]


@pytest.fixture(scope="module")
def numbering() -> NumberingPlan:
    return NumberingPlan()


def test_there_are_thirty_three_samples():
    assert len(THIRTY_THREE) == 33


@pytest.mark.parametrize(("number", "code"), THIRTY_THREE)
def test_a_sample_number_is_ours_and_at_home_where_the_library_says(
    numbering: NumberingPlan, number: Msisdn, code: str
):
    home = numbering.info(number)
    assert (home.province, home.network, home.source) == (code, Network.CHINA_MOBILE, "prefix")
    real = phonenumbers.parse(number)
    place = geocoder.description_for_number(real, "zh")
    assert place.startswith(load_rule_book(None).name(code, Language.ZH))
    assert carrier.name_for_number(real, "en") == "China Mobile"


def test_the_well_known_number_of_beijing_is_in_no_covered_province(numbering: NumberingPlan):
    home = numbering.info(Msisdn("+8613800138000"))
    assert home.province == "CN-BJ"
    assert load_rule_book(None).province(home.province) is None


def test_a_recorded_province_is_told_before_the_prefix(numbering: NumberingPlan):
    moved = Subscription(Msisdn("+8613802882345"), province="CN-ZJ", source="record")
    home = numbering.info_of(moved)
    assert (home.province, home.network, home.source) == (
        "CN-ZJ",
        Network.CHINA_MOBILE,
        "record",
    )


def test_a_ported_number_keeps_its_home_and_changes_its_network(numbering: NumberingPlan):
    left = Subscription(Msisdn("+8613802882345"), network=Network.CHINA_UNICOM, source="ported")
    home = numbering.info_of(left)
    assert (home.province, home.network, home.source) == (
        "CN-GD",
        Network.CHINA_UNICOM,
        "ported",
    )
