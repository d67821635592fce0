"""Twilio adapter on the SDK: requests, meaning of responses, and look-ups."""

import base64
import contextlib
import gzip
import socket
from urllib.parse import parse_qs, parse_qsl

import pytest
import requests
import responses

from receipts.model.message import FailureCause, MessageStatus
from receipts.ports.provider import (
    NoRouteError,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.providers.twilio import Twilio
from receipts.providers.twilio_http import MAX_BODY_BYTES
from receipts.providers.twilio_status import message_status, provider_status
from tests.contracts.provider_ends import (
    ACCOUNT,
    ANNA,
    TWILIO,
    TWILIO_HOST,
    TWILIO_URL,
    parcel,
    twilio,
)
from tests.contracts.test_providers import listening, read_request


def failure(outside: responses.RequestsMock, **answer: object) -> ProviderError:
    outside.post(TWILIO_URL, **answer)
    with pytest.raises(ProviderError) as raised:
        TWILIO.adapter().send(parcel())
    return raised.value


def test_text_is_sent_unchanged_in_utf_8(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes)
    TWILIO.adapter().send(parcel("5-abc", "短信 & café + 100% 😀"))
    (call,) = outside.calls
    assert call.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    sent_form = dict(parse_qsl(str(call.request.body), strict_parsing=True))
    assert sent_form == {
        "To": ANNA,
        "From": "7500",
        "Body": "短信 & café + 100% 😀",
        "StatusCallback": "https://sms.example.org/receipts/5-abc/status",
    }


def test_messaging_service_replaces_the_sender_number(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes)
    twilio(sender="MG0123456789abcdef0123456789abcdef").send(parcel())
    sent_form = parse_qs(str(outside.calls[0].request.body))
    assert sent_form["MessagingServiceSid"] == ["MG0123456789abcdef0123456789abcdef"]
    assert "From" not in sent_form


def test_api_key_replaces_the_auth_token(outside: responses.RequestsMock):
    outside.post(TWILIO_URL, **TWILIO.yes)
    keyed = Twilio(ACCOUNT, ("SK1", "key-secret"), "7500", TWILIO_HOST, "https://x.example.org")
    keyed.send(parcel())
    sent = outside.calls[0].request.headers["Authorization"]
    assert sent == "Basic " + base64.b64encode(b"SK1:key-secret").decode()


def test_default_host_is_twilio(outside: responses.RequestsMock):
    outside.post(TWILIO_URL.replace(TWILIO_HOST, "https://api.twilio.com"), **TWILIO.yes)  # type: ignore[arg-type]
    twilio("https://api.twilio.com/").send(parcel())
    assert len(outside.calls) == 1


def test_capabilities_are_reports_and_look_up_without_flash():
    can = TWILIO.adapter().capabilities
    assert (can.flash, can.reports, can.lookup) == (False, True, True)


RECIPIENT_ERRORS = (21211, 21214, 21217, 21602, 21604, 21610, 21614, 21617, 21619, 21635)
OUR_ERRORS = (21212, 21408, 21603, 21606, 21608, 21611, 21659, 21703, 20404)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        *[(400, code, PermanentError) for code in RECIPIENT_ERRORS],
        *[(400, code, TemporaryError) for code in OUR_ERRORS],
        (400, 21612, NoRouteError),
        (401, 20003, TemporaryError),
        (429, 20429, TemporaryError),
        (500, 20500, UnknownOutcomeError),
        (503, 20503, UnknownOutcomeError),
        (504, 20504, UnknownOutcomeError),
    ],
)
@pytest.mark.parametrize("shape", ["plain", "rfc9457"])
def test_error_is_classified_by_its_code_in_both_formats(
    outside: responses.RequestsMock, status: int, code: int, kind: type[ProviderError], shape: str
):
    body: dict[str, object] = {"code": code, "message": f"for {ANNA}", "status": status}
    if shape == "rfc9457":
        body |= {"type": "https://www.twilio.com/docs/errors/x", "title": "t"}
    found = failure(outside, status=status, json=body)
    assert (type(found), found.detail) == (kind, f"twilio {status}/{code}")


@pytest.mark.parametrize("body", ["", "busy", "<html/>", "[]", "null", '{"code": null}'])
@pytest.mark.parametrize(
    ("status", "kind"), [(400, TemporaryError), (429, TemporaryError), (503, UnknownOutcomeError)]
)
def test_error_without_a_code_is_classified_by_its_http_status(
    outside: responses.RequestsMock, status: int, kind: type[ProviderError], body: str
):
    assert type(failure(outside, status=status, body=body)) is kind


@pytest.mark.parametrize(
    "body", ["", "OK", "<xml/>", "[]", "[1]", "null", "7", '"SM1"', "{}", '{"sid": null}', "{"]
)
def test_unreadable_success_response_has_an_unknown_outcome(
    outside: responses.RequestsMock, body: str
):
    assert type(failure(outside, status=201, body=body)) is UnknownOutcomeError


def test_success_response_that_is_no_utf_8_has_an_unknown_outcome(outside: responses.RequestsMock):
    assert type(failure(outside, status=201, body=b"\xff\xfe{")) is UnknownOutcomeError


def test_requests_have_time_outs(outside: responses.RequestsMock):
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
def test_missing_response_has_an_unknown_outcome_unless_the_connection_failed(
    outside: responses.RequestsMock, raised: Exception, kind: type[ProviderError]
):
    assert type(failure(outside, body=raised)) is kind


def test_unreachable_proxy_is_temporary(monkeypatch: pytest.MonkeyPatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("http_proxy", address)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(TemporaryError):
            TWILIO.adapter("http://provider.example.org").send(parcel())


@pytest.mark.parametrize("compressed", [True, False])
def test_response_over_the_size_limit_has_an_unknown_outcome(compressed: bool):  # noqa: FBT001
    body = b'{"sid": "SM1", "x": "' + b"x" * MAX_BODY_BYTES + b'"}'
    sent = gzip.compress(body) if compressed else body

    def answer(connection: socket.socket) -> None:
        read_request(connection)
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
def test_every_status_is_mapped_or_unknown(words: tuple[str, ...], told: ProviderStatus):
    assert {provider_status(word) for word in words} == {told}


@pytest.mark.parametrize(
    ("status", "error", "meaning", "cause"),
    [
        ("undelivered", "30003", MessageStatus.FAILED, FailureCause.SWITCHED_OFF),
        ("undelivered", "30005", MessageStatus.FAILED, FailureCause.UNKNOWN_NUMBER),
        ("failed", "30004", MessageStatus.REJECTED, FailureCause.REFUSED),
        ("failed", "21610", MessageStatus.REJECTED, FailureCause.REFUSED),
        ("undelivered", "30007", MessageStatus.REJECTED, FailureCause.UNKNOWN),
        ("failed", "30036", MessageStatus.EXPIRED, FailureCause.UNKNOWN),
        ("undelivered", "30034", MessageStatus.FAILED, FailureCause.UNKNOWN),
        ("undelivered", "30006", MessageStatus.FAILED, FailureCause.UNKNOWN),
        ("undelivered", "30008", MessageStatus.FAILED, FailureCause.UNKNOWN),
        ("undelivered", "", MessageStatus.FAILED, FailureCause.UNKNOWN),
        ("canceled", "", MessageStatus.FAILED, FailureCause.UNKNOWN),
        ("failed", "99999", MessageStatus.FAILED, FailureCause.UNKNOWN),
        ("delivered", "30003", MessageStatus.DELIVERED, FailureCause.UNKNOWN),
        ("sent", "30007", MessageStatus.UNDERWAY, FailureCause.UNKNOWN),
        ("what", "30007", MessageStatus.UNKNOWN, FailureCause.UNKNOWN),
    ],
)
def test_error_code_refines_a_failure_and_states_a_cause_only_where_it_is_one(
    status: str, error: str, meaning: MessageStatus, cause: FailureCause
):
    assert message_status(status, error) == (meaning, cause)
