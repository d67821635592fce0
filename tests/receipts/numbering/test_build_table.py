"""The shipped prefix table: small, reproducible, equal to its source, checked on load."""

import lzma
import random
import subprocess
import sys
from pathlib import Path

import pytest

from receipts.model.vocabulary import Language, Msisdn, Network
from receipts.numbering import build_table
from receipts.numbering.plan import MAGIC, TABLE, NumberingPlan, NumberingTableError
from tests.conftest import shipped_book

RESELLERS = ("1703", "1705", "1706", "162", "165", "167", "171")
NETWORKS = {
    "China Mobile": Network.CHINA_MOBILE,
    "China Unicom": Network.CHINA_UNICOM,
    "China Telecom": Network.CHINA_TELECOM,
    "China Broadnet": Network.OTHER,
    "": Network.UNKNOWN,
}
BUILD = r"python -m receipts\.numbering\.build_table"


def unpacked(table: Path) -> tuple[bytes, bytes]:
    """Header and entries; the packed bytes may differ between versions of lzma."""
    head, _, packed = table.read_bytes().removeprefix(MAGIC).partition(b"\n")
    return head, lzma.decompress(packed)


def test_shipped_table_names_its_source():
    assert NumberingPlan().data_version == "phonenumbers 9.0.43"


def test_phonenumbers_is_not_imported_by_plan_or_builder():
    program = (
        "import sys, receipts.numbering.build_table;"
        "from receipts.numbering.plan import NumberingPlan;"
        "NumberingPlan();"
        "sys.exit(any(name.startswith('phonenumbers') for name in sys.modules))"
    )
    root = TABLE.parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, r"prefixes\.bin"),
        (b"", BUILD),
        (b"junk", BUILD),
        (MAGIC + b"{}\n", BUILD),
        (MAGIC + b'{"data": 1', BUILD),
        (MAGIC + unpacked(TABLE)[0] + b"\n" + lzma.compress(b"\0" * 10), "10 prefixes"),
    ],
    ids=["missing", "empty", "no table", "no fields", "truncated", "too short"],
)
def test_missing_or_damaged_table_is_rejected(tmp_path: Path, content: bytes | None, error: str):
    table = tmp_path / "prefixes.bin"
    if content is not None:
        table.write_bytes(content)
    with pytest.raises(NumberingTableError, match=error):
        NumberingPlan(table)


def test_rebuilt_table_equals_shipped_table(tmp_path: Path):
    rebuilt = tmp_path / "prefixes.bin"
    assert build_table.build(rebuilt) < 20_000
    assert unpacked(rebuilt) == unpacked(TABLE)
    assert TABLE.stat().st_size < 20_000


def test_table_agrees_with_phonenumbers_on_random_prefixes():
    # Imported here, because the import costs a second that other tests do not need.
    import phonenumbers  # noqa: PLC0415
    from phonenumbers import carrier, geocoder  # noqa: PLC0415

    plan, book, known = NumberingPlan(), shipped_book(), 0
    for prefix in random.Random(2026).sample(range(1_300_000, 2_000_000), 3000):
        number = Msisdn(f"+86{prefix}0000")
        parsed = phonenumbers.parse(number)
        if not phonenumbers.is_valid_number(parsed):
            continue
        info = plan.info(number)
        place = geocoder.description_for_number(parsed, "zh")
        if info.province is None:
            assert place in {"", "中国"}, prefix
        else:
            known += 1
            assert place.startswith(book.name(info.province, Language.ZH)), prefix
        if not str(prefix).startswith(RESELLERS):
            assert info.network is NETWORKS[carrier.name_for_number(parsed, "en")], prefix
    assert known > 1000
