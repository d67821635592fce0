import pytest

from simulator.doors import signature
from simulator.gsm import segments
from simulator.numbering import canonical, e164

VECTOR = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}


@pytest.mark.parametrize(
    ("url", "fields", "expected"),
    [
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            VECTOR,
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        ("https://mycompany.com/myapp.php?foo=1&bar=2", {}, "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
        ("https://mycompany.com/myapp.php", VECTOR, "1xaxFBvyzXYvWplzNOSs28HWO94="),
        (
            "https://example.com/sms",
            {"Body": "取消", "From": "+8613800138000", "To": "7500"},
            "mN1Ah49DpxKcMnvMrLULC8Ac66U=",
        ),
    ],
)
def test_signatures_are_the_published_ones(url: str, fields: dict[str, str], expected: str) -> None:
    assert signature("12345", url, fields) == expected


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13802880000", "13802880000"),
        ("+86 138-0288-0000", "13802880000"),
        ("008613802880000", "13802880000"),
        ("8613802880000", "13802880000"),
        ("138０2880000", "13802880000"),
        ("7500", "7500"),
        ("+14155550100", "+14155550100"),
        ("+8610086", ""),
        ("12", ""),
        ("hello", ""),
        ("", ""),
    ],
)
def test_a_number_is_written_in_one_way(written: str, number: str) -> None:
    assert canonical(written) == number


def test_short_numbers_stay_bare_for_the_outside_world() -> None:
    assert (e164("13802880000"), e164("7500")) == ("+8613802880000", "7500")


@pytest.mark.parametrize(
    ("body", "parts"),
    [("a" * 160, 1), ("a" * 161, 2), ("字" * 70, 1), ("字" * 71, 2), ("€" * 81, 2), ("😀" * 36, 2)],
)
def test_a_body_takes_as_many_parts_as_on_a_real_network(body: str, parts: int) -> None:
    assert segments(body) == parts
