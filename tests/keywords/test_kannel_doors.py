"""What the doors for Kannel make of odd requests; tests/kannel has those the real one makes."""

from urllib.parse import quote, quote_from_bytes

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.conftest import GUANGDONG

SECRET = "secret=kannel-secret"
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
def test_a_chinese_text_is_read_in_the_charset_it_came_in(
    client: FlaskClient, charset: str
) -> None:
    python = {"UCS-2": "utf-16-be"}.get(charset, charset or "utf-8")
    answer = text(client, "开通短信回执".encode(python), charset)
    assert answer.text.startswith(OFFER)
    assert answer.headers["X-Kannel-Coding"] == "2"
    assert answer.content_type == "text/plain; charset=utf-8"


def test_an_answer_in_the_7_bit_alphabet_asks_for_no_coding(client: FlaskClient) -> None:
    answer = text(client, b"SUBSCRIBE")
    assert answer.text.startswith("You are ordering SMS Receipt")
    assert "X-Kannel-Coding" not in answer.headers


def test_a_repeated_request_gets_the_same_answer(client: FlaskClient) -> None:
    first = text(client, b"KTDXHZ")
    assert text(client, b"KTDXHZ").text == first.text
    assert text(client, b"KTDXHZ", sms="m2").text != ""


def test_octets_that_are_no_text_in_their_charset_get_a_hint_and_no_order(
    client: FlaskClient,
) -> None:
    for sms, octets in enumerate((b"\x66", b"\xd8\x00", b"\xff\xfe\xfd")):
        answer = text(client, octets, "UTF-16BE", f"odd-{sms}")
        assert (answer.status_code, OFFER in answer.text) == (200, False)


def test_ring_tones_and_machines_are_met_with_silence(client: FlaskClient) -> None:
    answer = text(client, b"\x06\x05\xff", "8-BIT")
    assert (answer.status_code, answer.data) == (200, b"")
    answer = client.get(f"/kannel/sms?{SECRET}&id=1&from=10690001&text=KTDXHZ")
    assert (answer.status_code, answer.data) == (200, b"")


REFUSED = [
    ("/kannel/sms", "from=1&text=", "missing parameter: id"),
    ("/kannel/sms", "id=&from=1&text=", "missing parameter: id"),
    ("/kannel/sms", "id=1&text=", "missing parameter: from"),
    ("/kannel/sms", "id=1&from=1", "missing parameter: text"),
    ("/kannel/sms", "id=1&from=1&text=a&charset=KLINGON", "unknown charset: KLINGON"),
    ("/kannel/sms", f"id={'1' * 257}&from=1&text=a", "too long: id"),
    ("/kannel/sms", f"id=1&from={'1' * 257}&text=a", "too long: from"),
    ("/kannel/sms", f"id=1&from=1&text={'a' * 2001}", "too long: text"),
    ("/kannel/report", "id=5-abc", "missing parameter: type"),
    ("/kannel/report", "type=1", "missing parameter: id"),
    ("/kannel/report", f"type=1&id={'1' * 257}", "too long: id"),
]


@pytest.mark.parametrize(("door", "query", "error"), REFUSED, ids=lambda said: str(said)[:40])
def test_a_request_that_cannot_be_read_is_refused_by_name(
    client: FlaskClient, door: str, query: str, error: str
) -> None:
    answer = client.get(f"{door}?{SECRET}&{query}")
    assert (answer.status_code, answer.json) == (400, {"error": error})


@pytest.mark.parametrize("door", ["/kannel/sms", "/kannel/report"])
@pytest.mark.parametrize("secret", ["", "secret=", "secret=wrong", "secret=%ff%00", "secret=密"])
def test_nobody_without_the_secret_comes_in(client: FlaskClient, door: str, secret: str) -> None:
    answer = client.get(f"{door}?{secret}&id=1&from=13802880000&text=KTDXHZ&type=1")
    assert answer.status_code == 403
    assert client.post(f"{door}?{SECRET}").status_code == 405


def test_a_report_is_answered_as_its_caller_understands_it(client: FlaskClient) -> None:
    # Kannel 1.4.5 repeats what is answered 204 as if it had failed.
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
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_octets_whatever_break_a_door(
    client: FlaskClient, octets: bytes, charset: str, sender: bytes
) -> None:
    query = (
        f"id={quote_from_bytes(octets)}&from={quote_from_bytes(sender)}"
        f"&text={quote_from_bytes(octets)}&type={quote_from_bytes(sender)}"
        f"&answer={quote_from_bytes(octets)}&charset={quote(charset, errors='surrogatepass')}"
    )
    for door in ("sms", "report"):
        answer = client.get(f"/kannel/{door}?{SECRET}&{query}")
        assert answer.status_code in {200, 204, 400}, answer.text
