"""Twilio through its own SDK: what goes on the wire, and what its answers mean."""

import base64
import contextlib
import datetime as dt
import gzip
import json
import socket
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl

import pytest
import requests
import responses

from receipts.model.message import MessageStatus
from receipts.ports.provider import (
    NoRouteError,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.providers.twilio import Twilio, fate_of, told_of
from receipts.providers.twilio_http import MAX_BODY_BYTES
from tests.contracts.provider_ends import (
    ACCOUNT,
    ANNA,
    SECRETS,
    TWILIO,
    TWILIO_HOST,
    TWILIO_URL,
    WORDS,
    parcel,
    twilio,
)
from tests.contracts.test_providers import hear, listening

NOW = dt.datetime(2026, 11, 22, 4, 0, 30, tzinfo=dt.UTC)


@pytest.fixture
def outside() -> Iterator[responses.RequestsMock]:
    """Twilio's side of the line."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def failure(outside: responses.RequestsMock, **answer: object) -> ProviderError:
    outside.post(TWILIO_URL, **answer)
    with pytest.raises(ProviderError) as raised:
        TWILIO.adapter().send(parcel())
    return raised.value


# -- on the wire -------------------------------------------------------------------------------


def test_a_text_goes_out_whole_in_utf_8(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes)
    TWILIO.adapter().send(parcel("5-abc", "短信 & café + 100% 😀"))
    (call,) = outside.calls
    assert call.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    asked = dict(parse_qsl(str(call.request.body), strict_parsing=True))
    assert asked == {
        "To": ANNA,
        "From": "7500",
        "Body": "短信 & café + 100% 😀",
        "StatusCallback": "https://sms.example.org/receipts/5-abc/status",
    }


def test_a_messaging_service_sends_in_place_of_a_number(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes)
    twilio(TWILIO_HOST, sender="MG0123456789abcdef0123456789abcdef").send(parcel())
    asked = parse_qs(str(outside.calls[0].request.body))
    assert asked["MessagingServiceSid"] == ["MG0123456789abcdef0123456789abcdef"]
    assert "From" not in asked


def test_an_api_key_signs_in_place_of_the_token(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes)
    keyed = Twilio(ACCOUNT, ("SK1", "key-secret"), "7500", TWILIO_HOST, "https://x.example.org")
    keyed.send(parcel())
    sent = outside.calls[0].request.headers["Authorization"]
    assert sent == "Basic " + base64.b64encode(b"SK1:key-secret").decode()


def test_without_another_address_it_speaks_to_twilio(outside: responses.RequestsMock):
    outside.post(TWILIO_URL.replace(TWILIO_HOST, "https://api.twilio.com"), **TWILIO.yes)  # type: ignore[arg-type]
    twilio("https://api.twilio.com/").send(parcel())
    assert len(outside.calls) == 1


def test_it_knows_its_own_abilities():
    can = TWILIO.adapter().abilities
    assert (can.flash, can.reports, can.lookup) == (False, True, True)


# -- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", [21211, 21214, 21217, 21602, 21604, 21610, 21614, 21617, 21619, 21635]
)
def test_a_recipient_who_cannot_or_will_not_have_it_is_never(
    outside: responses.RequestsMock, code: int
):
    body = {"code": code, "message": f"for {ANNA}", "status": 400, "more_info": "x"}
    found = failure(outside, status=400, json=body)
    assert type(found) is PermanentError
    assert found.detail == f"twilio 400/{code}"


def test_no_route_from_our_sender_is_never_by_this_provider(outside: responses.RequestsMock):
    body = {"code": 21612, "message": "no route", "status": 400, "more_info": "x"}
    assert type(failure(outside, status=400, json=body)) is NoRouteError


@pytest.mark.parametrize("code", [21212, 21408, 21603, 21606, 21608, 21611, 21659, 21703, 20404])
def test_our_own_set_up_can_be_mended_while_we_wait(outside: responses.RequestsMock, code: int):
    assert type(failure(outside, status=400, json={"code": code, "message": ""})) is TemporaryError


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, 20003, TemporaryError),
        (429, 20429, TemporaryError),
        (500, 20500, UnknownOutcomeError),
        (503, 20503, UnknownOutcomeError),
        (504, 20504, UnknownOutcomeError),
    ],
)
@pytest.mark.parametrize("shape", ["plain", "rfc9457"])
def test_both_shapes_of_its_errors_mean_the_same(
    outside: responses.RequestsMock, status: int, code: int, kind: type[ProviderError], shape: str
):
    body: dict[str, object] = {"code": code, "message": "m", "status": status}
    if shape == "rfc9457":
        body |= {"type": "https://www.twilio.com/docs/errors/x", "title": "t"}
    found = failure(outside, status=status, json=body)
    assert (type(found), found.detail) == (kind, f"twilio {status}/{code}")


def test_an_opt_out_in_the_newer_shape_is_never(outside: responses.RequestsMock):
    body = {"type": "t", "title": "t", "status": 400, "code": 21610}
    assert type(failure(outside, status=400, json=body)) is PermanentError


@pytest.mark.parametrize("body", ["", "busy", "<html/>", "[]", "null", '{"code": null}'])
@pytest.mark.parametrize(
    ("status", "kind"), [(400, TemporaryError), (429, TemporaryError), (503, UnknownOutcomeError)]
)
def test_an_error_that_says_nothing_is_judged_by_its_status(
    outside: responses.RequestsMock, status: int, kind: type[ProviderError], body: str
):
    assert type(failure(outside, status=status, body=body)) is kind


@pytest.mark.parametrize(
    "body", ["", "OK", "<xml/>", "[]", "[1]", "null", "7", '"SM1"', "{}", '{"sid": null}', "{"]
)
def test_a_yes_that_cannot_be_read_is_unsure(outside: responses.RequestsMock, body: str):
    assert type(failure(outside, status=201, body=body)) is UnknownOutcomeError


def test_bytes_that_are_no_utf_8_are_unsure(outside: responses.RequestsMock):
    assert type(failure(outside, status=201, body=b"\xff\xfe{")) is UnknownOutcomeError


# -- no answer ---------------------------------------------------------------------------------


def test_no_request_waits_for_ever(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes)  # type: ignore[arg-type]
    TWILIO.adapter().send(parcel())
    (call,) = outside.calls
    connect, read = call.request.req_kwargs["timeout"]  # type: ignore[attr-defined]
    assert 0 < connect < 5
    assert 0 < read <= 10


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (requests.ConnectTimeout(), TemporaryError),
        (requests.ReadTimeout(), UnknownOutcomeError),
        (requests.Timeout(), UnknownOutcomeError),
        (requests.ConnectionError(), UnknownOutcomeError),
        (requests.ConnectionError("Connection aborted."), UnknownOutcomeError),
        (requests.exceptions.ChunkedEncodingError(), UnknownOutcomeError),
        (requests.exceptions.ContentDecodingError(), UnknownOutcomeError),
        (requests.RequestException(), UnknownOutcomeError),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else None,
)
def test_a_missing_answer_is_unsure_unless_nothing_can_have_left(
    outside: responses.RequestsMock, raised: Exception, kind: type[ProviderError]
):
    assert type(failure(outside, body=raised)) is kind


def test_a_proxy_that_is_down_is_try_later(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(TemporaryError):
            TWILIO.adapter("http://provider.example.org").send(parcel())


@pytest.mark.parametrize("compressed", [True, False])
def test_a_response_over_the_size_limit_is_unsure(compressed: bool):  # noqa: FBT001
    body = b'{"sid": "SM1", "x": "' + b"x" * MAX_BODY_BYTES + b'"}'
    sent = gzip.compress(body) if compressed else body

    def answer(connection: socket.socket) -> None:
        hear(connection)
        encoding = b"Content-Encoding: gzip\r\n" if compressed else b""
        head = b"HTTP/1.1 201 Created\r\n%sContent-Length: %d\r\n\r\n" % (encoding, len(sent))
        with contextlib.suppress(OSError):
            connection.sendall(head + sent)

    with listening(answer) as url, pytest.raises(UnknownOutcomeError):
        TWILIO.adapter(url).send(parcel())


def test_cookies_are_neither_kept_nor_sent(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes, headers={"Set-Cookie": "a=b"})  # type: ignore[arg-type]
    adapter = TWILIO.adapter()
    for _ in range(2):
        adapter.send(parcel())
    assert not any("Cookie" in call.request.headers for call in outside.calls)


def test_a_netrc_file_does_not_replace_the_credentials(
    outside: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "netrc").write_text("machine provider.example.org login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    outside.get(TWILIO_URL, json={"messages": [], "next_page_uri": None})
    twilio(TWILIO_HOST).find(parcel(), NOW, frozenset())
    sent = outside.calls[0].request.headers["Authorization"]
    assert sent == "Basic " + base64.b64encode(f"{ACCOUNT}:{SECRETS[0]}".encode()).decode()


# -- looking up --------------------------------------------------------------------------------


def message(sid: str, body: str = WORDS, seconds_ago: float = 10) -> dict[str, object]:
    made = NOW - dt.timedelta(seconds=seconds_ago)
    return {"sid": sid, "body": body, "to": ANNA, "date_created": format_datetime(made)}


def found(
    outside: responses.RequestsMock,
    *messages: dict[str, object],
    known: frozenset[str] = frozenset(),
) -> str | None:
    page = {"messages": messages, "page": 0, "page_size": 50, "next_page_uri": None}
    # Without a charset, as a proxy may pass it on: the words are UTF-8 all the same.
    outside.get(
        TWILIO_URL, body=json.dumps(page, ensure_ascii=False), content_type="application/json"
    )
    since = NOW - dt.timedelta(seconds=20)
    return twilio(TWILIO_HOST).find(parcel(), since, known)


def test_a_text_it_took_is_found_by_recipient_words_and_time(outside: responses.RequestsMock):
    assert found(outside, message("SM2", "other words"), message("SM1")) == "SM1"
    (call,) = outside.calls
    assert call.request.params["To"] == ANNA  # type: ignore[attr-defined]
    assert call.request.req_kwargs["timeout"]  # type: ignore[attr-defined]


def test_nothing_is_found_among_nothing(outside: responses.RequestsMock):
    assert found(outside) is None


def test_the_text_of_another_receipt_is_not_taken_for_ours(outside: responses.RequestsMock):
    both = (message("SM2"), message("SM1"))
    assert found(outside, *both, known=frozenset({"SM2"})) == "SM1"
    assert found(outside, *both, known=frozenset({"SM2", "SM1"})) is None


def test_the_same_words_of_an_earlier_day_are_not_ours(outside: responses.RequestsMock):
    assert found(outside, message("SM1", seconds_ago=86_400)) is None


def test_clocks_may_differ_by_some_minutes(outside: responses.RequestsMock):
    assert found(outside, message("SM1", seconds_ago=20 + 299)) == "SM1"
    outside.reset()
    assert found(outside, message("SM1", seconds_ago=20 + 301)) is None


@pytest.mark.parametrize("words", [WORDS[:-1], WORDS + " ", "", None])
def test_nearly_the_same_words_are_not_ours(outside: responses.RequestsMock, words: str):
    assert found(outside, message("SM1", words)) is None


def test_a_text_without_a_time_or_an_id_is_weighed_with_care(outside: responses.RequestsMock):
    timeless = message("SM1") | {"date_created": None}
    nameless = message("SM1") | {"sid": None}
    assert found(outside, nameless, timeless) == "SM1"


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 401, "json": {"code": 20003}},
        {"status": 429},
        {"status": 503, "json": {"type": "t", "title": "t", "status": 503, "code": 20503}},
        {"body": "junk"},
        {"body": "[]"},
        {"body": "{}"},
        {"body": '{"messages": 7}'},
        {"body": requests.ReadTimeout()},
        {"body": requests.ConnectionError(f"...?To={ANNA}")},
    ],
    ids=str,
)
def test_a_look_up_that_fails_is_try_later_and_tells_no_number(
    outside: responses.RequestsMock, answer: dict[str, object]
):
    outside.get(TWILIO_URL, **answer)  # type: ignore[arg-type]
    with pytest.raises(TemporaryError) as later:
        twilio(TWILIO_HOST).find(parcel(), NOW, frozenset())
    assert ANNA.digits not in later.value.detail
    assert not any(secret in later.value.detail for secret in SECRETS)


# -- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("accepted", "scheduled", "queued", "sending", "sent"), ProviderStatus.UNDERWAY),
        (("delivered", "read"), ProviderStatus.DELIVERED),
        (("undelivered",), ProviderStatus.UNDELIVERED),
        (("failed", "canceled"), ProviderStatus.FAILED),
        (
            ("received", "receiving", "partially_delivered", "", "DELIVERED", "?"),
            ProviderStatus.UNKNOWN,
        ),
    ],
)
def test_every_word_of_a_receipts_status_is_ours_or_unknown(
    words: tuple[str, ...], told: ProviderStatus
):
    assert {told_of(word) for word in words} == {told}


def test_an_error_code_says_more_of_a_failure_and_nothing_of_a_success():
    assert fate_of("undelivered", "30007") is MessageStatus.REJECTED
    assert fate_of("failed", "30036") is MessageStatus.EXPIRED
    assert fate_of("failed", "99999") is MessageStatus.FAILED
    assert fate_of("delivered", "30007") is MessageStatus.DELIVERED
    assert fate_of("sent", "30007") is MessageStatus.UNDERWAY
    assert fate_of("what", "30007") is MessageStatus.UNKNOWN
