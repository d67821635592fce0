"""Rows of a list are parsed, or refused with a fix."""

import pytest

from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.rows import (
    COLLECTIONS,
    CUSTOMERS,
    PORTED,
    CollectionRow,
    CustomerRow,
)
from receipts.model.vocabulary import Network

NUMBER = "+8613802880000"
ARGON2 = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$" + "A" * 43
SLOW = [
    ARGON2,
    "scrypt:32768:8:1$Qc3nEdzkSdZzHkdO$" + "0f" * 64,
    "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    "pbkdf2:sha256:600000$Qc3nEdzkSdZzHkdO$" + "0f" * 32,
    "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
    "pbkdf2_sha256$600000$Qc3nEdzkSdZzHkdO$9T0ZHkMZ7kwKdB1YlXTtVxmKm0DWDMqoqXrJ4KGbOJg=",
    "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
]


@pytest.mark.parametrize(
    ("network", "names"),
    [
        (Network.CHINA_MOBILE, ("china_mobile", "China Mobile", "CMCC", "中国移动")),
        (Network.CHINA_UNICOM, ("china-unicom", "联通")),
        (Network.CHINA_TELECOM, ("中国电信",)),
        (Network.OTHER, ("广电",)),
    ],
)
def test_usual_names_of_networks_are_parsed(network: Network, names: tuple[str, ...]):
    for name in names:
        row = PORTED.read({"number": "138 0288 0000", "network": name})
        assert (row.number, getattr(row, "network", None)) == (NUMBER, network), name


@pytest.mark.parametrize(
    "raw",
    [
        *("13802880000.0", "8613802880000.00", "tel:13802880000", "13802880000,0"),
        *("1.3802880000E+10", "8.613802880000e12", "13,802,880,000", "１３８０２８８００００.0"),
    ],
)
def test_number_is_parsed_as_a_spreadsheet_writes_it(raw: str):
    assert PORTED.read({"number": raw, "network": "cmcc"}).number == NUMBER


def test_customer_row_needs_no_province():
    cells = {"number": "13802880000", "network": "cmcc"}
    bare = CustomerRow(CUSTOMERS.read(cells).number, Network.CHINA_MOBILE)
    assert CUSTOMERS.read(cells) == bare
    assert CUSTOMERS.read(cells | {"province": ""}) == bare
    known = CustomerRow(bare.number, Network.CHINA_MOBILE, "CN-ZJ")
    for written in ("cn-zj", "浙江省", "Zhejiang Province", "ZHEJIANG"):
        assert CUSTOMERS.read(cells | {"province": written}) == known


def test_collection_row_is_parsed():
    row = COLLECTIONS.read({"number": "13802880000", "month": "2026-10", "result": "PAID"})
    assert isinstance(row, CollectionRow)
    assert (row.month, row.result) == ("2026-10", "paid")


@pytest.mark.parametrize(
    "raw",
    [
        *("2026/11", "2026.11", "2026年11月", "2026-11-01", "2026/11/1 0:00", "202611", "20261101"),
        *("Nov-26", "NOV 2026", "November 2026", "2026-Nov", "1-Nov-26", "11/2026", "30/11/2026"),
        *("26年11月", "２０２６-11", "2026-11-01T00:00:00"),
    ],
)
def test_month_is_parsed_as_a_spreadsheet_writes_it(raw: str):
    row = COLLECTIONS.read({"number": "13802880000", "month": raw, "result": "paid"})
    assert isinstance(row, CollectionRow)
    assert row.month == "2026-11"


@pytest.mark.parametrize(
    ("column", "raw", "wrong"),
    [
        ("number", "1380288", "number '1380288' is not a mainland mobile number — write eleven"),
        ("number", "1.38029E+10", "format the column as text, put the numbers in again"),
        ("number", "1.38E+10", "lost its digits in a spreadsheet"),
        ("number", "1.380288E+10", "lost its digits in a spreadsheet"),
        ("number", "1380288000.0", "is not a mainland mobile number"),
        ("number", "13802880000.5", "is not a mainland mobile number"),
        ("number", "+12025550123", "is not a mainland mobile number"),
        ("number", "+862083333333", "is not a mainland mobile number"),
        ("number", "10086", "is not a mainland mobile number"),
        ("number", "", "number '' is not a mainland mobile number"),
        ("network", "", "network '' is unknown — write one of china_mobile, china_unicom"),
        ("network", "unknown", "network 'unknown' is unknown"),
        (
            "province",
            "Kwangtung",
            "province 'Kwangtung' is not a province code or name — write a code",
        ),
        ("province", "GD", "province 'GD' is not a province code"),
        ("number", "9" * 500, "number '" + "9" * 30 + "…' is no"),
        ("month", "soon", "month 'soon' is not a month"),
        ("month", "2026-11-32", "is not a month"),
        ("month", "32/13/2026", "is not a month"),
        ("month", "2026-13", "month '2026-13' is not a month — write it as 2026-11"),
        ("result", "ok", "result 'ok' is unknown — write paid or failed"),
    ],
)
def test_wrong_cell_is_reported_with_its_fix(column: str, raw: str, wrong: str):
    listing = COLLECTIONS if column in {"month", "result"} else CUSTOMERS
    usual = {"number": "13802880000", "network": "cmcc", "month": "2026-10", "result": "paid"}
    with pytest.raises(RowError) as refused:
        listing.read(usual | {column: raw})
    assert wrong in str(refused.value)


@pytest.mark.parametrize("digest", SLOW)
def test_slow_salted_hash_is_accepted_and_not_in_repr(digest: str):
    cells = {"number": "13802880000", "network": "cmcc", "password_digest": digest}
    row = CUSTOMERS.read(cells)
    assert isinstance(row, CustomerRow)
    assert row.password_digest == digest
    assert row.proves
    assert digest not in repr(row)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("123456", "holds a plain password"),
        ("11010519491231002X", "holds a plain password or identity number"),
        ("e10adc3949ba59abbe56e057f20f883e", "is not a slow, salted hash"),
        ("8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92", "is not a slow"),
        ("pbkdf2:sha256:1$Qc3nEdzkSdZzHkdO$" + "0f" * 32, "is not a slow, salted hash"),
        (ARGON2 + "$" + "A" * 600, "is not a slow, salted hash"),
        ("secret", "is not a slow, salted hash"),
    ],
)
def test_other_secrets_are_refused_and_not_repeated(secret: str, said: str):
    for column in ("id_digest", "password_digest"):
        cells = {"number": "13802880000", "network": "cmcc", column: secret}
        with pytest.raises(RowError, match=said) as told:
            CUSTOMERS.read(cells)
        assert secret not in str(told.value)
        assert "argon2" in str(told.value)
