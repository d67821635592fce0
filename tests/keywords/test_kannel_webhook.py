"""Kannel's webhooks: charsets, malformed requests, authentication."""

from urllib.parse import quote, quote_from_bytes

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.conftest import GUANGDONG

SECRET = "secret=kannel-secret-of-the-tests"
OFFER = "您将开通短信回执"


def text(client: FlaskClient, octets: bytes, charset: str = "", sms: str = "m1") -> TestResponse:
    more = f"&charset={charset}" if charset else ""
    return client.get(
        f"/kannel/sms?{SECRET}&id={sms}&from={quote(GUANGDONG)}&to=7500"
        f"&text={quote_from_bytes(octets)}{more}"
    )


@pytest.mark.parametrize(
    "charset", ["", "UTF-8", "utf-8", "UTF-16BE", "UCS-2", "GBK", "GB18030"], ids=lambda c: c or "-"
)
def test_text_is_decoded_from_its_charset(client: FlaskClient, charset: str) -> None:
    python = {"UCS-2": "utf-16-be"}.get(charset, charset or "utf-8")
    answer = text(client, "开通短信回执".encode(python), charset)
    assert answer.text.startswith(OFFER)
    assert answer.headers["X-Kannel-Coding"] == "2"
    assert answer.content_type == "text/plain; charset=utf-8"


NAMED = [
    ("utf8", "utf-8"), ("u8", "utf-8"), (" Utf_8 ", "utf-8"), ("ucs2", "utf-16-be"),
    ("utf-16", "utf-16-be"), ("utf-16", "utf-16"), ("ISO-10646-UCS-2", "utf-16-be"),
    ("UTF-16LE", "utf-16-le"), ("cp936", "gbk"), ("GB2312", "gb2312"), ("hz-gb-2312", "hz"),
    ("gb18030-2000", "gb18030"), ("X-UNKNOWN", "utf-8"), ("KLINGON", "utf-16-be"),
    ("", "utf-16-be"), ("UTF-8", "utf-16-be"), ("GSM-7", "utf-8"), ("密%00", "utf-8"),
]  # fmt: skip


@pytest.mark.parametrize(("charset", "python"), NAMED)
def test_charset_is_known_by_each_usual_name_and_guessed_without(
    client: FlaskClient, charset: str, python: str
) -> None:
    assert text(client, "开通短信回执".encode(python), charset).text.startswith(OFFER)


def test_big5_text_is_read(client: FlaskClient) -> None:
    assert text(client, "開通短信回執".encode("big5"), "Big5").text.startswith(OFFER)


@pytest.mark.parametrize("charset", ["", "KLINGON", "utf8", "zlib", "idna", "rot13", "../../x"])
def test_text_in_no_known_charset_gets_a_hint(client: FlaskClient, charset: str) -> None:
    answer = text(client, "开通短信回执？".encode("gbk") + b"\xff", charset)
    assert (answer.status_code, "BZ" in answer.text) == (200, True)


def test_gsm7_reply_has_no_coding_header(client: FlaskClient) -> None:
    answer = text(client, b"SUBSCRIBE")
    assert answer.text.startswith("SMS Receipt: ")
    assert "X-Kannel-Coding" not in answer.headers


def test_repeated_request_gets_the_same_reply(client: FlaskClient) -> None:
    first = text(client, b"KTDXHZ")
    assert text(client, b"KTDXHZ").text == first.text
    assert text(client, b"KTDXHZ", sms="m2").text != ""


def test_undecodable_text_orders_nothing(client: FlaskClient) -> None:
    for sms, octets in enumerate((b"\x66", b"\xd8\x00", b"\xff\xfe\xfd")):
        answer = text(client, octets, "UTF-16BE", f"odd-{sms}")
        assert (answer.status_code, OFFER in answer.text) == (200, False)


def test_binary_messages_and_machines_get_no_reply(client: FlaskClient) -> None:
    answer = text(client, b"\x06\x05\xff", "8-BIT")
    assert (answer.status_code, answer.data) == (200, b"")
    answer = client.get(f"/kannel/sms?{SECRET}&id=1&from=10690001&text=KTDXHZ")
    assert (answer.status_code, answer.data) == (200, b"")


REFUSED = [
    ("/kannel/sms", "from=1&text=", "missing parameter: id"),
    ("/kannel/sms", "id=&from=1&text=", "missing parameter: id"),
    ("/kannel/sms", "id=1&text=", "missing parameter: from"),
    ("/kannel/sms", "id=1&from=1", "missing parameter: text"),
    ("/kannel/sms", f"id={'1' * 257}&from=1&text=a", "too long: id"),
    ("/kannel/sms", f"id=1&from={'1' * 257}&text=a", "too long: from"),
    ("/kannel/sms", f"id=1&from=1&text={'a' * 2001}", "too long: text"),
    ("/kannel/report", "id=5-abc", "missing parameter: type"),
    ("/kannel/report", "type=1", "missing parameter: id"),
    ("/kannel/report", f"type=1&id={'1' * 257}", "too long: id"),
]


@pytest.mark.parametrize(("path", "query", "error"), REFUSED, ids=lambda each: str(each)[:40])
def test_malformed_request_is_refused_by_name(
    client: FlaskClient, path: str, query: str, error: str
) -> None:
    answer = client.get(f"{path}?{SECRET}&{query}")
    assert (answer.status_code, answer.json) == (400, {"error": error})


@pytest.mark.parametrize("path", ["/kannel/sms", "/kannel/report"])
@pytest.mark.parametrize("secret", ["", "secret=", "secret=wrong", "secret=%ff%00", "secret=密"])
def test_secret_is_required(client: FlaskClient, path: str, secret: str) -> None:
    answer = client.get(f"{path}?{secret}&id=1&from=13802880000&text=KTDXHZ&type=1")
    assert answer.status_code == 403
    assert client.post(f"{path}?{SECRET}").status_code == 405


def test_report_is_answered_by_user_agent(client: FlaskClient) -> None:
    # Kannel 1.4.5 takes 204 for a failure and repeats the report.
    report = f"/kannel/report?{SECRET}&id=5-unknown&type=1&answer={'a' * 5000}"
    assert client.get(report).status_code == 204
    kannel = client.get(report, headers={"User-Agent": "Kannel/1.4.5"})
    assert (kannel.status_code, kannel.data) == (200, b"")


@given(
    octets=st.binary(max_size=60),
    charset=st.sampled_from(["", "UTF-8", "UTF-16BE", "GBK", "8-BIT", "hex", "zlib", "\udc80"]),
    sender=st.binary(max_size=20),
)
@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_octets_get_a_valid_status(
    client: FlaskClient, octets: bytes, charset: str, sender: bytes
) -> None:
    query = (
        f"id={quote_from_bytes(octets)}&from={quote_from_bytes(sender)}"
        f"&text={quote_from_bytes(octets)}&type={quote_from_bytes(sender)}"
        f"&answer={quote_from_bytes(octets)}&charset={quote(charset, errors='surrogatepass')}"
    )
    for path in ("sms", "report"):
        answer = client.get(f"/kannel/{path}?{SECRET}&{query}")
        assert answer.status_code in {200, 204, 400}, answer.text
