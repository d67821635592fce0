from urllib.parse import parse_qs

import pytest

from simulator.webhooks.client import signature, wire_url

VECTOR = {
    "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234",
    "From": "+14158675309", "To": "+18005551212",
}  # fmt: skip


@pytest.mark.parametrize(
    ("url", "fields", "expected"),
    [
        ("https://mycompany.com/myapp.php?foo=1&bar=2", VECTOR, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("https://mycompany.com/myapp.php?foo=1&bar=2", {}, "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
        ("https://mycompany.com/myapp.php", VECTOR, "1xaxFBvyzXYvWplzNOSs28HWO94="),
        (
            "https://example.com/sms",
            {"Body": "取消", "From": "+8613800138000", "To": "7500"},
            "mN1Ah49DpxKcMnvMrLULC8Ac66U=",
        ),
    ],
)
def test_signatures_match_the_published_vectors(url: str, fields: dict[str, str], expected: str):
    assert signature("12345", url, fields) == expected


def test_query_is_sent_exactly_as_signed():
    url = "http://127.0.0.1/voice/key?x=%e5%8f%96&y=a+b%20c~'!&z=取#rc=2"
    assert wire_url(url) == "http://127.0.0.1/voice/key?x=%e5%8f%96&y=a+b%20c~'!&z=%E5%8F%96"
    assert parse_qs(wire_url(url).split("?")[1])["z"] == ["取"]
