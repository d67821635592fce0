"""Numbers, codes and credentials hidden in texts for logs."""

import re
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.model.masking import hide_userinfo, mask, mask_foreign

GAPS = st.sampled_from(
    ["", "", " ", "-", ".", " - ", "\u3000", "\u00a0", "\u2013", "(", "/", "\u200b"]
)
ENCODINGS = st.sampled_from(["plain", "wide", "percent", "twice", "every", "arabic"])


@st.composite
def spelled_numbers(draw: st.DrawFn) -> tuple[str, str]:
    """A mobile number, and one of the ways in which a request may spell it."""
    digits = "13" + draw(st.text("0123456789", min_size=9, max_size=9))
    gap = draw(GAPS)
    text = draw(st.sampled_from(["", "+86", "0086", "86"])) + gap.join(
        (digits[:3], digits[3:7], digits[7:])
    )
    return digits, _encoded(text, draw(ENCODINGS))


def _encoded(text: str, way: str) -> str:
    if way == "wide":
        return "".join(chr(ord(c) + 0xFEE0) if c in "+0123456789" else c for c in text)
    if way == "arabic":
        return "".join(chr(0x660 + int(c)) if c in "0123456789" else c for c in text)
    if way == "every":
        return "".join(f"%{byte:02x}" for byte in text.encode())
    rounds = {"plain": 0, "percent": 1, "twice": 2}[way]
    for _ in range(rounds):
        text = quote(text, safe="")
    return text


def digits_of(text: str) -> str:
    """All digits of a text in the order in which they stand."""
    return "".join(
        str(unicodedata.digit(c)) for c in text if unicodedata.digit(c, None) is not None
    )


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Nd", "No", "Nl"]), max_size=20)


@given(number=spelled_numbers(), before=WORDS, after=WORDS)
def test_number_in_any_spelling_is_hidden(number: tuple[str, str], before: str, after: str):
    digits, spelled = number
    shown = mask(f"{before}{spelled}{after}")
    assert digits not in digits_of(shown)


@given(text=st.text(st.characters(), max_size=300))
def test_any_text_can_be_masked(text: str):
    assert not re.search(r"\d{11}", mask(text), re.ASCII)
    assert not re.search(r"(?<!\d)(?<!0x)\d{4,8}(?!\d)", mask_foreign(text), re.ASCII)
    mask_foreign(text).encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("From=%2B8613802880000&To=7500", "From=+86138****0000&To=7500"),
        ("abc13802880000def", "abc138****0000def"),
        ("at 2026-11-29T02:03:04.123 from 192.168.1.200", None),
        ("SM" + "0123456789abcdef" * 2, None),
        ("line 12345 of 2026-11-29", None),
        ("redis://user:p%2F%40w@host:6379/0", "redis://***@host:6379/0"),
        ("https://me:hunter2@sms.example.org/x", "https://***@sms.example.org/x"),
        ("Authorization: Basic bWU6aHVudGVyMg==", "Authorization: Basic ***"),
        ("{'Authorization': 'Bearer abc.def'}", "{'Authorization': 'Bearer ***'}"),
        ("/send?username=x&password=hunter2&to=1", "/send?username=x&password=***&to=1"),
        ("X-Twilio-Signature: abc=", "X-Twilio-Signature: ***"),
        ("auth_token=1a2b3c", "auth_token=***"),
        ("first\x1b[31m\u202esecond\x00", "first\ufffd[31msecond\ufffd"),
    ],
)
def test_text_is_masked_as_written_here(text: str, shown: str | None):
    assert mask(text) == (text if shown is None else shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3: Rejected: your code is 482913", "3: Rejected: your code is ****"),
        ("code １２３４ for 138-0288-0000", "code **** for ****"),
        ("key 4f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c bad", "key *** bad"),
        ("NACK/0x00000045/Submit failed", "NACK/0x00000045/Submit failed"),
        ("Not routable. Do not try again.", "Not routable. Do not try again."),
    ],
)
def test_text_of_a_provider_shows_no_code(text: str, shown: str):
    assert re.sub(r"\*{4,}", "****", re.sub(r"\d+\*{4}", "****", mask_foreign(text))) == shown


def test_user_of_an_address_is_hidden():
    shown = hide_userinfo("twilio at https://me:secret@api.example.org answers, not ftp://a/@b")
    assert shown == "twilio at https://***@api.example.org answers, not ftp://a/@b"
