"""The code in each provider's raw status or error, and its meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.providers.failure_codes import read_failure


@pytest.mark.parametrize(
    ("provider", "raw", "code", "words"),
    [
        ("twilio", "undelivered 30034", "30034", "A2P 10DLC"),
        ("twilio", "failed 30007", "30007", "filtered"),
        ("twilio", "undelivered 21610", "21610", "opted out"),
        ("twilio", "undelivered 30003", "30003", "out of reach"),
        ("twilio", "twilio 400/21609", "21609", "PUBLIC_URL"),
        ("twilio", "failed 39999", "39999", "docs/api/errors/39999"),
        ("twilio", "undelivered", "none", ""),
        ("twilio", "twilio 500/None", "none", ""),
        ("twilio", "twilio not reached: ConnectionError", "none", ""),
        ("kannel", "type 2 UNDELIV 027", "27", "switched off"),
        ("kannel", "type 2 UNDELIV 001", "1", "does not exist"),
        ("kannel", "type 2 EXPIRED 000", "EXPIRED", "validity"),
        ("kannel", "type 2 REJECTD", "REJECTD", "refused"),
        ("kannel", "type 2 UNDELIV 777", "777", "not in our table"),
        ("kannel", "type 16 NACK/0x0000000b/Invalid Destination Address", "0x0b", "number"),
        ("kannel", "type 16 NACK/69/Submit failed", "0x45", "refused"),
        ("kannel", "kannel 403: Authorization failed for sendsms", "403", "KANNEL_PASSWORD"),
        ("kannel", "type 2", "none", ""),
    ],
)
def test_code_and_meaning_of_a_failure(provider: str, raw: str, code: str, words: str):
    found, meaning = read_failure(provider, raw)
    assert found == code
    assert words in meaning
    assert bool(words) == bool(meaning)


@given(st.sampled_from(["twilio", "kannel"]), st.text(max_size=80))
def test_any_text_has_a_short_code_of_plain_characters(provider: str, raw: str):
    for text in (raw, f"undelivered {raw}", f"type 2 {raw}", f"type 16 NACK/{raw}"):
        code, _ = read_failure(provider, text)
        assert 0 < len(code) <= 10
        assert code.isascii()
        assert code.isalnum()
