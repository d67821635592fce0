"""The numbering plan: home province and network of a number, and their source."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import carrier, geocoder

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language, Msisdn, Network
from receipts.numbering.plan import NumberInfo, NumberingPlan
from tests.conftest import shipped_book

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
MOBILE, UNICOM, TELECOM = Network.CHINA_MOBILE, Network.CHINA_UNICOM, Network.CHINA_TELECOM
OFF_NET = {
    UNICOM: ("+8613012345678", "+8618612345678"),
    TELECOM: ("+8613312345678", "+8618912345678"),
    Network.OTHER: (
        "+8619212345678", "+861440012345678", "+862083333333", "+12025550123",
        # resellers
        "+8617031234567", "+8617051234567", "+8617061234567", "+8616512345678", "+8616212345678",
        "+8616712345678", "+8617112345678",
    ),
    Network.UNKNOWN: ("+8613492345678", "+8614212345678"),
}  # fmt: skip


@pytest.fixture(scope="module")
def plan() -> NumberingPlan:
    return NumberingPlan()


@pytest.mark.parametrize(
    ("prefix", "code"), [(prefix, code) for code, some in SAMPLES.items() for prefix in some]
)
def test_sample_number_has_province_and_network_of_libphonenumber(
    plan: NumberingPlan, prefix: str, code: str
):
    number = Msisdn(f"+86{prefix}2345")
    assert plan.info(number) == NumberInfo(code, MOBILE, "prefix")
    parsed = phonenumbers.parse(number)
    name = shipped_book().name(code, Language.ZH)
    assert geocoder.description_for_number(parsed, "zh").startswith(name)
    assert carrier.name_for_number(parsed, "en") == "China Mobile"


def test_beijing_number_has_home_outside_covered_provinces(plan: NumberingPlan):
    info = plan.info(Msisdn("+8613800138000"))
    assert info.province == "CN-BJ"
    assert shipped_book().province(info.province) is None


@pytest.mark.parametrize("start", ["172", "195", "197", "198"])
def test_new_range_is_on_net_without_province(plan: NumberingPlan, start: str):
    assert plan.info(Msisdn(f"+86{start}12345678")) == NumberInfo(None, MOBILE, "unknown")


@pytest.mark.parametrize(
    ("number", "network"), [(number, network) for network in OFF_NET for number in OFF_NET[network]]
)
def test_number_of_other_network_is_off_net(plan: NumberingPlan, number: str, network: Network):
    assert plan.info(Msisdn(number)).network is network


@given(digits=st.from_regex(r"\+[0-9]{0,20}", fullmatch=True))
def test_any_digits_have_info(plan: NumberingPlan, digits: str):
    assert plan.info(Msisdn(digits)).source in {"prefix", "unknown"}


def test_recorded_province_overrides_prefix(plan: NumberingPlan):
    number = Msisdn("+8619812345678")
    recorded = Subscription(number, province="CN-ZJ", source="record")
    assert plan.info_of(recorded) == NumberInfo("CN-ZJ", MOBILE, "record")


def test_ported_number_keeps_province_and_changes_network(plan: NumberingPlan):
    ported = Subscription(Msisdn("+8613802882345"), network=UNICOM, source="ported")
    assert plan.info_of(ported) == NumberInfo("CN-GD", UNICOM, "ported")
