"""Rules of a new service password."""

import pytest

from receipts.delivery.service_passwords import random_password
from receipts.model.vocabulary import Msisdn
from receipts.subscriptions.passwords.rules import Weakness, weakness

NUMBER = Msisdn("+8613802880457")
#: Area 999999 is given to no person.
ID = "99999919840617103X"


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("12345", Weakness.NOT_SIX_DIGITS),
        ("1234567", Weakness.NOT_SIX_DIGITS),
        ("12345a", Weakness.NOT_SIX_DIGITS),
        ("١٢٣٤٥٦", Weakness.NOT_SIX_DIGITS),
        ("111111", Weakness.REPEATED),
        ("121212", Weakness.REPEATED),
        ("258258", Weakness.REPEATED),
        ("112233", Weakness.REPEATED),
        ("777888", Weakness.REPEATED),
        ("123456", Weakness.RUNNING),
        ("876543", Weakness.RUNNING),
        ("890123", Weakness.RUNNING),
        ("210987", Weakness.RUNNING),
        ("802880", Weakness.OF_NUMBER),
        ("880457", Weakness.OF_NUMBER),
        ("754088", Weakness.OF_NUMBER),
        ("840617", Weakness.OF_ID),
        ("170684", Weakness.OF_ID),
        ("061784", Weakness.OF_ID),
        ("198406", Weakness.OF_ID),
        ("999198", Weakness.OF_ID),
        ("301716", Weakness.OF_ID),
        ("294058", None),
        ("730519", None),
        ("112234", None),
        ("123457", None),
    ],
)
def test_password_is_refused_for_its_weakness(password: str, expected: Weakness | None):
    assert weakness(password, NUMBER, ID) is expected


def test_random_first_values_meet_the_rules_and_differ():
    values = {random_password(NUMBER, ID) for _ in range(200)}
    assert len(values) > 150
    assert {weakness(each, NUMBER, ID) for each in values} == {None}
