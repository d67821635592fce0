"""Countries of numbers, also of ranges that no region of the tables has."""

import pytest

from receipts.numbering.country import calling_code_of, country_of, is_toll_free


@pytest.mark.parametrize(
    ("number", "country", "code"),
    [
        ("+14155550100", "US", 1), ("+16135550100", "CA", 1), ("+12425550100", "BS", 1),
        ("+447700900123", "GB", 44), ("+8613802880000", "CN", 86), ("+85251234567", "HK", 852),
        ("+999123456789", "", 0), ("7500", "", 0), ("", "", 0),
    ],
)  # fmt: skip
def test_country_and_calling_code(number: str, country: str, code: int):
    assert (country_of(number), calling_code_of(number)) == (country, code)


@pytest.mark.parametrize(("number", "free"), [("+18005550100", True), ("+14155550100", False)])
def test_toll_free_numbers_are_known(number: str, *, free: bool):
    assert is_toll_free(number) is free
