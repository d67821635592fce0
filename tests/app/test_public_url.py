"""The provider signs the public address, although a proxy changes it."""

from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from tests.conftest import ACCOUNT, GUANGDONG, PUBLIC_URL, TOKEN
from tests.support.requests import DOORS, FORM, Knock
from tests.support.signing import twilio_headers
from tests.support.texter import reply_of

BASES = (
    "https://sms.example.org",
    "https://example.org/receipts/v1",
    "https://example.org:8443",
    "https://example.org:8443/a/b",
    "http://198.51.100.7:7500",
    "https://user:pass@example.org",
    "https://SMS.Example.ORG",
    "https://中文.example",
)


def behind(settings: Settings, built: Container, **changes: object) -> Knock:
    """A client of the application with other settings; requests arrive as http://localhost/."""
    ours = replace(settings, **changes)
    doors = create_app(ours, replace(built, settings=ours)).test_client()
    return Knock(doors, base=ours.public_url)


@pytest.mark.parametrize("base", BASES)
def test_signature_covers_the_public_url(settings: Settings, built: Container, base: str):
    knock = behind(settings, built, public_url=base)
    for path, fields in DOORS.items():
        assert knock.form(path, fields).status_code in {200, 204}
        seen = replace(knock, base="http://localhost")
        assert seen.form(path, fields).status_code == 403


@pytest.mark.parametrize(
    ("public", "signed", "status"),
    [
        ("https://example.org", "https://example.org:443", 200),
        ("https://example.org:8443", "https://example.org", 200),
        ("http://example.org", "http://example.org:80", 200),
        ("https://example.org:443/x", "https://example.org/x", 200),
        ("https://user:pass@example.org", "https://user:pass@example.org:443", 200),
        ("https://example.org", "http://example.org", 403),
        ("https://example.org", "https://example.org:80", 403),
        ("https://example.org", "https://example.org.evil", 403),
        ("https://example.org/a", "https://example.org", 403),
        ("https://example.org:8443", "https://example.org:8444", 403),
    ],
)
def test_signed_address_may_differ_in_the_default_port_only(
    settings: Settings, built: Container, public: str, signed: str, status: int
):
    knock = replace(behind(settings, built, public_url=public), base=signed)
    assert knock.form("/sms", DOORS["/sms"]).status_code == status


@pytest.mark.parametrize("base", ["https://example.org/receipts/v1", "https://example.org:8443"])
def test_call_links_begin_with_the_public_url(settings: Settings, built: Container, base: str):
    answer = behind(settings, built, public_url=base).form("/voice", DOORS["/voice"])
    assert f'action="{base}/voice/key?'.encode() in answer.data


def test_query_is_verified_as_sent(knock: Knock):
    for query in (
        "a=取消&b=短信 回执", "x=%E5%8F%96%E6%B6%88", "x=%e5%8f%96", "next=https%3A%2F%2Fa.b%2F",
        "a=b+c&a=b%20c", "t=%7e~", "plus=%2B&amp=%26", "empty=&flag", "q=It's+amazing", "a=b&&c",
        "a;b=c", "%", "%zz=1", "x=%FF", "a=?/:@!$()*,", "a=[1]", "a=%00", 'a=<b>"c',
    ):  # fmt: skip
        path = "/sms?" + quote(query, safe="%&=?+;:/@!$'()*,~[]<>" + '"')
        fields = {"AccountSid": ACCOUNT, **DOORS["/sms"], "Body": "取消短信回执 & 退订+"}
        headers, sent = twilio_headers(TOKEN, PUBLIC_URL + path, fields), path.partition("?")[2]
        answer = knock.client.post("/sms", query_string=sent, data=fields, headers=headers)
        assert reply_of(answer), query


def test_unescaped_query_is_accepted(knock: Knock):
    query = "店=广州"
    fields = {"AccountSid": ACCOUNT, **DOORS["/sms"]}
    headers = {"X-Twilio-Signature": knock.sign(f"/sms?{query}", fields)}
    sent = {"QUERY_STRING": query.encode().decode("latin-1")}
    assert reply_of(knock.client.post("/sms", data=fields, headers=headers, environ_overrides=sent))


def test_body_is_verified_as_written(knock: Knock):
    texts = ("取消短信回执", "👋🏽", "a+b&c=d%20e", " kept ", "\r\n", "é ñ ü", "％＋＆", "\u200b")
    for body in texts:
        reply_of(knock.form("/sms", DOORS["/sms"] | {"Body": body, "MessageSid": f"SM{body!r}"}))


def test_content_type_spellings_of_a_form_are_accepted(knock: Knock):
    fields = {"AccountSid": ACCOUNT, **DOORS["/sms"]}
    shouted = "Application/X-WWW-Form-URLencoded; charset=UTF-8"
    for kind in (FORM, f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-8", shouted):
        body = urlencode(fields).encode()
        assert reply_of(knock.raw("/sms", body, kind, knock.sign("/sms", fields)))


def test_repeated_field_is_accepted(knock: Knock):
    body = f"AccountSid={ACCOUNT}&MessageSid=SM1&From=%2B8613802880000&Body=KTDXHZ&A=2&A=1&A=2"
    signed = f"A1A2AccountSid{ACCOUNT}BodyKTDXHZFrom{GUANGDONG}MessageSidSM1"
    signature = knock.sign("/sms" + signed)
    assert reply_of(knock.raw("/sms", body.encode(), FORM, signature))


def test_both_tokens_are_accepted_during_rotation(settings: Settings, built: Container):
    knock = behind(settings, built, twilio_auth_tokens=("new-token", TOKEN))
    assert knock.form("/sms", DOORS["/sms"]).status_code == 200
    assert replace(knock, token="new-token").form("/sms", DOORS["/sms"]).status_code == 200
    assert replace(knock, token="older").form("/sms", DOORS["/sms"]).status_code == 403


def test_tokens_are_split_at_commas():
    told = Settings.read({"TWILIO_AUTH_TOKEN": "new, old ,"})
    assert told.twilio_auth_tokens == ("new", "old")
    assert "old" not in repr(told)


def test_call_continues_behind_a_proxy(settings: Settings, built: Container):
    base = "https://example.org:8443/sms-receipt"
    knock = behind(settings, built, public_url=base)
    link = knock.form("/voice", DOORS["/voice"]).data.decode().split('action="')[1].split('"')[0]
    path = link.replace("&amp;", "&").removeprefix(base)
    answer = knock.form(path, DOORS["/voice"] | {"Digits": "2"})
    assert b"calls and texts will be in English" in answer.data
