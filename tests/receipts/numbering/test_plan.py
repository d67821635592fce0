"""Whose a number is: read from what people type, and from the shipped prefix table."""

import lzma
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.model.vocabulary import Language, Msisdn, Network
from receipts.numbering import build_table
from receipts.numbering.msisdn import parse_msisdn
from receipts.numbering.plan import (
    FIRST_PREFIX,
    MAGIC,
    PREFIXES,
    TABLE,
    NumberingPlan,
    NumberingTableError,
)
from receipts.rulebook.loader import load_rule_book

GUANGDONG = "+8613802880000"
# One number of each covered province, as the domain notes give them.
SAMPLES = {
    "13802880000": "CN-GD",
    "13844012345": "CN-JL",
    "13977112345": "CN-GX",
    "13903512345": "CN-SX",
    "13903112345": "CN-HE",
    "13957112345": "CN-ZJ",
    "13905912345": "CN-FJ",
    "13909212345": "CN-SN",
}


RESELLERS = ("1703", "1705", "1706", "162", "165", "167", "171")
NETWORKS = {
    "China Mobile": Network.CHINA_MOBILE,
    "China Unicom": Network.CHINA_UNICOM,
    "China Telecom": Network.CHINA_TELECOM,
    "China Broadnet": Network.OTHER,
    "": Network.UNKNOWN,
}
ROOT = TABLE.parents[3]


@pytest.fixture(scope="module")
def numbering() -> NumberingPlan:
    return NumberingPlan()


@pytest.mark.parametrize(
    "written",
    [
        "13802880000",
        "8613802880000",
        "008613802880000",
        "+8613802880000",
        "+86 138 0288 0000",
        "138-0288-0000",
        " (+86) 138\u20110288\u20110000\n",
        "１３８０２８８００００",
        "＋８６　１３８ ０２８８ ００００",
        "\u202d+86 138 0288 0000\u202c",
        "\ufeff138\u200b02880000",
    ],
)
def test_a_mobile_number_is_understood_however_it_is_written(written: str):
    assert parse_msisdn(written) == GUANGDONG


@pytest.mark.parametrize(
    "written",
    [
        "+862083333333",
        "+861065551234",
        "+8675583333333",
        "+861440012345678",
        "+12025550123",
        "+447700900123",
        "+85291234567",
    ],
)
def test_landlines_machines_and_foreign_numbers_are_kept_as_they_are(written: str):
    assert parse_msisdn(written) == written


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "+",
        "10086",
        "7500",
        "95588",
        "106575200000",
        "10657520000",
        "1065752000000000",
        "+8610086",
        "+8610657520000123",
        "anonymous",
        "Unknown",
        "client:alice",
        "sip:13802880000@example.com",
        "1380288000",
        "138028800001",
        "12802880000",
        "013802880000",
        "+86013802880000",
        "++8613802880000",
        "+0123456789",
        "+1234567",
        "+1234567890123456",
        "00447700900123",
        "138x02880000",
        "١٣٨٠٢٨٨٠٠٠٠",
        "①③⑧02880000",
        "13802880000\x00",
        "1" * 1_000_000,
        " " * 1_000_000 + "13802880000",
    ],
)
def test_what_is_no_persons_number_is_none(written: str):
    assert parse_msisdn(written) is None


@pytest.mark.parametrize("written", ["+266696687", "+7378742833", "+86282452253"])
def test_the_digits_twilio_puts_for_a_withheld_number_are_none(written: str):
    assert parse_msisdn(written) is None


@given(st.text(alphabet=st.characters(), max_size=80) | st.text("+0168-０１８ ", max_size=40))
def test_any_text_gives_a_number_that_reads_as_itself_or_none(text: str):
    number = parse_msisdn(text)
    assert number is None or parse_msisdn(number) == number


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "86", "+86", "0086"]))
def test_every_mobile_number_is_understood_with_every_prefix(digits: str, prefix: str):
    assert parse_msisdn(prefix + digits) == "+86" + digits


@pytest.mark.parametrize(("digits", "province"), SAMPLES.items())
def test_each_covered_province_knows_its_own(numbering: NumberingPlan, digits: str, province: str):
    home = numbering.info(Msisdn("+86" + digits))
    assert (home.province, home.network, home.source) == (
        province,
        Network.CHINA_MOBILE,
        "prefix",
    )


def test_the_well_known_number_of_beijing_is_at_home_in_beijing(numbering: NumberingPlan):
    assert numbering.info(Msisdn("+8613800138000")).province == "CN-BJ"


@pytest.mark.parametrize("start", ["172", "195", "197", "198"])
def test_new_ranges_are_on_net_and_their_province_is_not_guessed(
    numbering: NumberingPlan, start: str
):
    home = numbering.info(Msisdn(f"+86{start}12345678"))
    assert (home.province, home.network, home.source) == (None, Network.CHINA_MOBILE, "unknown")


@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("+8613012345678", Network.CHINA_UNICOM),
        ("+8618612345678", Network.CHINA_UNICOM),
        ("+8613312345678", Network.CHINA_TELECOM),
        ("+8618912345678", Network.CHINA_TELECOM),
        ("+8619212345678", Network.OTHER),
        ("+8617031234567", Network.OTHER),
        ("+8617051234567", Network.OTHER),
        ("+8617061234567", Network.OTHER),
        ("+8616512345678", Network.OTHER),
        ("+8616212345678", Network.OTHER),
        ("+8616712345678", Network.OTHER),
        ("+8617112345678", Network.OTHER),
        ("+8613492345678", Network.UNKNOWN),
        ("+8614212345678", Network.UNKNOWN),
        ("+861440012345678", Network.OTHER),
        ("+862083333333", Network.OTHER),
        ("+12025550123", Network.OTHER),
    ],
)
def test_who_is_no_china_mobile_customer_is_not_on_net(
    numbering: NumberingPlan, number: str, network: Network
):
    assert numbering.info(Msisdn(number)).network is network
    assert not numbering.is_on_net(Msisdn(number))


def test_a_china_mobile_number_is_on_net(numbering: NumberingPlan):
    assert numbering.is_on_net(Msisdn(GUANGDONG))


def test_the_record_speaks_before_the_prefix(numbering: NumberingPlan):
    home = numbering.info(Msisdn("+8619812345678"), recorded="CN-ZJ")
    assert (home.province, home.network, home.source) == (
        "CN-ZJ",
        Network.CHINA_MOBILE,
        "record",
    )


@given(digits=st.from_regex(r"\+[0-9]{0,20}", fullmatch=True))
def test_a_home_is_found_for_any_digits(numbering: NumberingPlan, digits: str):
    assert numbering.info(Msisdn(digits)).source in {"prefix", "unknown"}


def test_the_table_says_where_it_comes_from_and_is_small(numbering: NumberingPlan):
    assert numbering.data_version == "phonenumbers 9.0.43"
    assert TABLE.stat().st_size < 20_000


def test_neither_the_service_nor_the_builder_loads_the_package_when_imported():
    program = (
        "import sys, receipts.numbering.build_table;"
        "from receipts.numbering.plan import NumberingPlan;"
        "NumberingPlan();"
        "sys.exit(any(name.startswith('phonenumbers') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", MAGIC + b"{}\n", MAGIC + b'{"data": 1'],
)
def test_a_damaged_table_is_refused_with_the_way_to_build_it(tmp_path: Path, content: bytes):
    damaged = tmp_path / "prefixes.bin"
    damaged.write_bytes(content)
    with pytest.raises(NumberingTableError, match=r"python -m receipts\.numbering\.build_table"):
        NumberingPlan(damaged)


def test_a_missing_table_is_refused(tmp_path: Path):
    with pytest.raises(NumberingTableError, match=r"none\.bin"):
        NumberingPlan(tmp_path / "none.bin")


def test_a_table_of_the_wrong_size_is_refused(tmp_path: Path):
    head, _, _ = TABLE.read_bytes().removeprefix(MAGIC).partition(b"\n")
    short = tmp_path / "prefixes.bin"
    short.write_bytes(MAGIC + head + b"\n" + lzma.compress(b"\0" * 10))
    with pytest.raises(NumberingTableError, match="10 prefixes"):
        NumberingPlan(short)


def test_a_rebuilt_table_is_the_shipped_one(tmp_path: Path):
    rebuilt = tmp_path / "prefixes.bin"
    assert build_table.build(rebuilt) < 20_000
    assert _unpacked(rebuilt) == _unpacked(TABLE)


def _unpacked(table: Path) -> tuple[bytes, bytes]:
    """Header and entries; the packed form may differ between versions of the packer."""
    head, _, packed = table.read_bytes().removeprefix(MAGIC).partition(b"\n")
    return head, lzma.decompress(packed)


def test_the_table_agrees_with_the_package_it_comes_from(numbering: NumberingPlan):
    # Imported here: they cost a second that other tests need not pay.
    import phonenumbers  # noqa: PLC0415
    from phonenumbers import carrier, geocoder  # noqa: PLC0415

    names = load_rule_book(None)
    picked = random.Random(2026).sample(range(FIRST_PREFIX, FIRST_PREFIX + PREFIXES), 3000)
    known = 0
    for prefix in picked:
        number = Msisdn(f"+86{prefix}0000")
        real = phonenumbers.parse(number)
        if not phonenumbers.is_valid_number(real):
            continue
        home = numbering.info(number)
        place = geocoder.description_for_number(real, "zh")
        if home.province is None:
            assert place in {"", "中国"}, prefix
        else:
            known += 1
            assert place.startswith(names.name(home.province, Language.ZH)), prefix
        if not str(prefix).startswith(RESELLERS):
            assert home.network is NETWORKS[carrier.name_for_number(real, "en")], prefix
    assert known > 1000
