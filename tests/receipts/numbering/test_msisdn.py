"""Parsing of telephone numbers as people and providers write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.numbering.msisdn import parse_msisdn

SPELLINGS = (
    "13802880000", "8613802880000", "008613802880000", "+8613802880000", "+86 138 0288 0000",
    "138-0288-0000", " (+86) 138\u20110288\u20110000\n", "１３８０２８８００００",
    "＋８６　１３８ ０２８８ ００００", "\u202d+86 138 0288 0000\u202c", "\ufeff138\u200b02880000",
    "\u2068138 0288 0000\u2069", "138\u20070288\u20070000", "138\u200d0288\u00ad0000\ufe0f",
    "138.0288.0000", "+86.138.0288.0000", "138·0288·0000", "138－0288—0000",
    "138\u205f0288\u061c0000", "13802880000，", "'13802880000", '"138 0288 0000";',
    "<13802880000>", "【13802880000】。", "1\ufe0f\u20e338 0288 0000",
    "\u2067+86\u2060138\u2024 0288\u20690000",
)  # fmt: skip
SIP_URIS = (
    "sip:+8613802880000@ims.example.cn", "sips:+8613802880000@ims.example.cn:5061",
    "SIP:%2B86-138-0288-0000@10.0.0.1;user=phone", "sip:13802880000@ims.example.cn;user=phone",
    '"王" <sip:+8613802880000;phone-context=x@ims.example.cn>;tag=1',
    "sip:+8613802880000@ims.mnc000.mcc460.3gppnetwork.org;transport=tls;user=phone",
)  # fmt: skip
PREFIXED = (
    "tel:13802880000", "tel：13802880000", "tel:+86-138-0288-0000", "TEL:+8613802880000;ext=1",
    "\u2068tel:138 0288 0000",
    "tel:13802880000;phone-context=+86", "tel://13802880000", "callto:+8613802880000",
    "sms:+8613802880000?body=hi", "smsto:13802880000", "tel:%2B8613802880000",
    "rcs:+8613802880000", "RCS:+8613802880000", "Rcs:+86 138 0288 0000", "whatsapp:+8613802880000",
)  # fmt: skip
OTHER_NUMBERS = (
    "+862083333333", "+861065551234", "+8675583333333", "+861440012345678", "+12025550123",
    "+447700900123", "+85291234567",
)  # fmt: skip
WITHHELD = ("+266696687", "+7378742833", "+86282452253")  # as Twilio sends them
NO_NUMBERS = (
    "", " ", "+", "10086", "7500", "95588", "106575200000", "10657520000", "1065752000000000",
    "+8610086", "+8610657520000123", "anonymous", "Unknown", "client:alice",
    "sip:13802880000@example.com", "sip:anonymous@anonymous.invalid", "sip:a@b.c",
    "sip:+10086@x.cn", "sip:+8610086@x.cn", "sip:@x.cn", "sip:+266696687@x.cn", "sip:" * 999,
    "sip:alice@13802880000;user=phone", "sip:%00@x.cn;user=phone",
    "1380288000", "138028800001", "12802880000", "013802880000",
    "+86013802880000", "++8613802880000", "+0123456789", "+1234567", "+1234567890123456",
    "tel:10086", "rcs:10086", "rcs:agent_13802880000", "rcs:+266696687", "messenger:13802880000",
    "instagram:13802880000", "tel:13802880000;phone-context=+1", "tel:", "rcs:rcs:+8613802880000",
    "13802880000,13802880001", "138,0288,0000",
    "1380288000.0", "13802880000.0", "1.3802880000", "1.38028800E+10", "138.02880000.0",
    "00447700900123", "138x02880000", "١٣٨٠٢٨٨٠٠٠٠", "①③⑧02880000", "13802880000\x00",
    "1" * 1_000_000, " " * 1_000_000 + "13802880000",
)  # fmt: skip


@pytest.mark.parametrize("written", SPELLINGS)
def test_mobile_number_is_parsed_in_any_spelling(written: str):
    assert parse_msisdn(written) == "+8613802880000"


@pytest.mark.parametrize("uri", SIP_URIS)
def test_sip_uri_of_a_telephone_number_is_that_number(uri: str):
    assert parse_msisdn(uri) == "+8613802880000"


@pytest.mark.parametrize("written", PREFIXED)
def test_channel_or_uri_prefix_of_a_number_is_left_out(written: str):
    assert parse_msisdn(written) == "+8613802880000"


@pytest.mark.parametrize("written", OTHER_NUMBERS)
def test_landline_machine_and_foreign_numbers_are_kept(written: str):
    assert parse_msisdn(written) == written


@pytest.mark.parametrize("written", [*NO_NUMBERS, *WITHHELD])
def test_service_number_withheld_number_or_garbage_is_none(written: str):
    assert parse_msisdn(written) is None


@given(st.text(alphabet=st.characters(), max_size=80) | st.text("+0168-０１８ ", max_size=40))
def test_parsing_is_idempotent_on_any_text(text: str):
    number = parse_msisdn(text)
    assert number is None or parse_msisdn(number) == number


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "86", "+86", "0086"]))
def test_any_mobile_number_is_parsed_with_any_prefix(digits: str, prefix: str):
    assert parse_msisdn(prefix + digits) == "+86" + digits
