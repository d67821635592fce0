import pytest

from simulator.network.gsm import segments
from simulator.network.numbering import canonical, e164


@pytest.mark.parametrize(
    ("written", "number"),
    [
        *((written, "13802880000") for written in (
            "13802880000", "+86 138-0288-0000", "008613802880000", "8613802880000", "138０2880000",
        )),
        *((number, number) for number in ("7500", "+14155550100")),
        *((written, "") for written in ("+8610086", "12", "hello", "")),
    ],
)  # fmt: skip
def test_canonical_number(written: str, number: str):
    assert canonical(written) == number


def test_short_numbers_have_no_country_code():
    assert (e164("13802880000"), e164("7500")) == ("+8613802880000", "7500")


@pytest.mark.parametrize(
    ("body", "parts"),
    [("a" * 160, 1), ("a" * 161, 2), ("字" * 70, 1), ("字" * 71, 2), ("€" * 81, 2), ("😀" * 36, 2)],
)
def test_body_takes_this_many_segments(body: str, parts: int):
    assert segments(body) == parts
