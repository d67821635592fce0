"""Kannel adapter on sendsms: requests, meaning of responses, and delivery reports."""

import datetime as dt
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from app.settings import Settings, SettingsError
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import (
    NoRouteError,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.providers.kannel import Kannel, parse_report
from receipts.providers.smsc_status import SmscStatusTable
from tests.contracts.provider_ends import ANNA, KANNEL, SECRETS, kannel, parcel
from tests.support.kannel_double import Smsbox, smsbox


@pytest.fixture
def outside() -> Iterator[Smsbox]:
    """Kannel's HTTP end."""
    with smsbox() as box:
        yield box


def sent(
    outside: Smsbox, text: str = "短信已送达", mode: DisplayMode = DisplayMode.TEXT
) -> dict[str, str]:
    outside.answers()
    assert kannel(outside.url).send(parcel("5-abc", text, mode)) == "5-abc"
    return outside.calls[-1].query


def test_text_is_sent_unchanged_in_utf_8(outside: Smsbox):
    found = sent(outside, "短信 & café + 100% 😀")
    assert found.pop("dlr-url")
    assert found == {
        "username": "receipts",
        "password": SECRETS[1],
        "from": "7500",
        "to": ANNA,
        "text": "短信 & café + 100% 😀",
        "charset": "UTF-8",
        "coding": "2",
        "dlr-mask": "19",
    }


def test_request_is_a_get_because_smsbox_refuses_form_posts(outside: Smsbox):
    sent(outside)
    (asked,) = outside.calls
    assert (asked.method, asked.body) == ("GET", b"")


def test_only_flash_has_message_class_0(outside: Smsbox):
    assert sent(outside, mode=DisplayMode.FLASH)["mclass"] == "0"
    assert "mclass" not in sent(outside, mode=DisplayMode.TEXT)


@pytest.mark.parametrize(
    ("text", "coding"),
    [("Delivered at 09:30.", "0"), ("cost: €5 [~]", "0"), ("已送达", "2"), ("naïve 😀", "2")],
)
def test_coding_follows_the_alphabet_of_the_text(outside: Smsbox, text: str, coding: str):
    found = sent(outside, text)
    assert (found["coding"], found["charset"], found["text"]) == (coding, "UTF-8", text)


def test_dlr_url_has_the_secret_the_receipt_id_and_the_escapes(outside: Smsbox):
    report = sent(outside)["dlr-url"]
    address, _, query = report.partition("?")
    assert address == "https://sms.example.org/kannel/report"
    assert parse_qs(query.replace("%d", "1").replace("%A", "ACK")) == {
        "secret": [SECRETS[2]],
        "id": ["5-abc"],
        "type": ["1"],
        "answer": ["ACK"],
    }
    # Every other per cent sign would be an escape of Kannel's own.
    assert report.count("%") == len(("%d", "%A"))


def test_smsc_may_be_configured(outside: Smsbox):
    outside.answers()
    named = Kannel(outside.url, ("a", "b"), "c", "7500", "https://sms.example.org", "carrier-a")
    named.send(parcel())
    assert outside.calls[-1].query["smsc"] == "carrier-a"
    assert "smsc" not in sent(outside)


@pytest.mark.parametrize("path", ["", "/", "/cgi-bin/sendsms", "/cgi-bin/sendsms/"])
def test_url_may_have_the_sendsms_path(outside: Smsbox, path: str):
    outside.answers()
    kannel(outside.url + path).send(parcel())
    assert outside.calls[0].target.startswith("/cgi-bin/sendsms?")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, "Missing receiver number, rejected", PermanentError),
        (403, "Not routable. Do not try again.", NoRouteError),
        (403, "Authorization failed for sendsms", TemporaryError),
        (404, "Unknown request.", TemporaryError),
        (503, "Temporal failure, try again later.", TemporaryError),
        (500, "Sending failed.", UnknownOutcomeError),
        (502, "Bad gateway", UnknownOutcomeError),
        (504, "Gateway time-out", UnknownOutcomeError),
        (200, "3: Queued for later delivery", UnknownOutcomeError),
        (201, "", UnknownOutcomeError),
    ],
)
def test_response_is_classified_by_status_and_body(
    outside: Smsbox, status: int, body: str, kind: type[ProviderError]
):
    outside.answers(status=status, body=body)
    with pytest.raises(ProviderError) as raised:
        kannel(outside.url).send(parcel())
    assert type(raised.value) is kind
    assert raised.value.detail == f"kannel {status}: {body}"


def test_long_error_body_is_truncated(outside: Smsbox):
    outside.answers(status=500, body="x" * 5000)
    with pytest.raises(UnknownOutcomeError) as raised:
        kannel(outside.url).send(parcel())
    assert len(raised.value.detail) < 100


@pytest.mark.parametrize("body", ["0: Accepted for delivery", "3: Queued for later delivery", ""])
def test_202_is_accepted_with_any_body(outside: Smsbox, body: str):
    outside.answers(status=202, body=body)
    assert kannel(outside.url).send(parcel()) == "5-abc"


def test_capabilities_are_flash_and_reports_without_look_up():
    adapter = KANNEL.adapter()
    can = adapter.capabilities
    assert (can.flash, can.reports, can.lookup) == (True, True, False)
    with pytest.raises(NotImplementedError):
        adapter.find(parcel(), dt.datetime.now(dt.UTC), frozenset())


REPORT = "id:41 sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:{} err:{} text:"
NACK = "NACK/0x00000045/Submit failed"

REPORTS = [
    ("1", "", ProviderStatus.DELIVERED, "type 1"),
    ("2", "", ProviderStatus.UNDELIVERED, "type 2"),
    ("4", "", ProviderStatus.UNDERWAY, "type 4"),
    ("8", "ACK/", ProviderStatus.UNDERWAY, "type 8"),
    ("16", NACK, ProviderStatus.FAILED, f"type 16 {NACK}"),
    ("16", "N" * 500, ProviderStatus.FAILED, f"type 16 {'N' * 52}"),
    ("1", REPORT.format("DELIVRD", "000"), ProviderStatus.DELIVERED, "type 1 DELIVRD 000"),
    ("2", REPORT.format("EXPIRED", "027"), ProviderStatus.UNDELIVERED, "type 2 EXPIRED 027"),
    ("2", REPORT.format("UNKNOWN", "000"), ProviderStatus.UNKNOWN, "type 2 UNKNOWN 000"),
    ("2", REPORT.format("DELETED", "000"), ProviderStatus.UNKNOWN, "type 2 DELETED 000"),
    ("2", REPORT.format("MK:0001", "000"), ProviderStatus.UNDELIVERED, "type 2 MK:0001 000"),
    ("2", REPORT.format("DELIVERED", "000"), ProviderStatus.DELIVERED, "type 2 DELIVERED 000"),
    ("2", REPORT.format("delivered", "0"), ProviderStatus.DELIVERED, "type 2 delivered 0"),
    ("2", REPORT.format("Accepted", "0"), ProviderStatus.UNDERWAY, "type 2 Accepted 0"),
    ("2", "Stat: Undeliverable Err: 1", ProviderStatus.UNDELIVERED, "type 2 Undeliverable 1"),
    ("2", "stat:UNDELIV", ProviderStatus.UNDELIVERED, "type 2 UNDELIV"),
    ("4", REPORT.format("ENROUTE", "000"), ProviderStatus.UNDERWAY, "type 4 ENROUTE 000"),
    ("32", "", ProviderStatus.UNKNOWN, "type 32"),
    ("", "", ProviderStatus.UNKNOWN, "type"),
    ("1 ", "", ProviderStatus.UNKNOWN, "type 1"),
]


@pytest.mark.parametrize(("kind", "answer", "told", "word"), REPORTS)
def test_report_is_mapped_and_its_raw_status_kept(
    kind: str, answer: str, told: ProviderStatus, word: str
) -> None:
    assert parse_report(kind, answer, SmscStatusTable().read) == (told, word)


def test_invalid_kannel_settings_are_refused_at_start() -> None:
    with pytest.raises(SettingsError, match="KANNEL_PASSWORD must be printable ASCII") as wrong:
        Settings.read({"KANNEL_PASSWORD": "密码", "KANNEL_SMSC": "a b", "KANNEL_USER": "a\nb"})
    assert "KANNEL_USER must be printable ASCII" in str(wrong.value)
    assert "KANNEL_SMSC must be letters" in str(wrong.value)
