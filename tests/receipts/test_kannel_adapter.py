"""What we ask of Kannel, and what its answers mean; tests/kannel has the same from the real one."""

import pytest
import requests
import responses

from receipts.delivery import Told
from receipts.model import Mode, Msisdn
from receipts.ports import Never, Parcel, SendingFailure, TryLater, Unsure
from receipts.providers.kannel import Kannel, heard
from switchboard.settings import Settings, SettingsWrong

URL = "http://kannel.example.org:13013"
SENDSMS = f"{URL}/cgi-bin/sendsms"
CHINESE = "您发送给13957112345的短信已于09:30:12成功送达。"


def a_kannel(smsc: str = "", url: str = URL) -> Kannel:
    credentials = ("receipts", "a password")
    return Kannel(url, credentials, "s3cret", "7500", "https://sms.example.org/", smsc)


def a_parcel(text: str = CHINESE, mode: Mode = Mode.FLASH) -> Parcel:
    return Parcel("5-0123abcd", Msisdn("+8613802880000"), text, mode)


@responses.activate
def test_everything_but_the_text_stands_in_headers_and_nothing_in_the_address() -> None:
    responses.post(SENDSMS, "0: Accepted for delivery", status=202)
    assert a_kannel().send(a_parcel()) == "5-0123abcd"
    asked = responses.calls[0].request
    assert asked.url == SENDSMS
    assert asked.body == CHINESE.encode()
    headers = {k: v for k, v in asked.headers.items() if k.startswith(("X-", "Content-Type"))}
    assert headers == {
        "Content-Type": "text/plain; charset=UTF-8",
        "X-Kannel-Username": "receipts",
        "X-Kannel-Password": "a password",
        "X-Kannel-From": "7500",
        "X-Kannel-To": "+8613802880000",
        "X-Kannel-Coding": "2",
        "X-Kannel-MClass": "0",
        "X-Kannel-DLR-Mask": "31",
        "X-Kannel-DLR-URL": "https://sms.example.org/kannel/report"
        "?secret=s3cret&id=5-0123abcd&type=%d&answer=%A",
    }


@responses.activate
def test_an_ordinary_english_receipt_has_no_class_and_the_7_bit_coding() -> None:
    responses.post(SENDSMS, "0: Accepted for delivery", status=202)
    a_kannel().send(a_parcel("Your message was delivered.", Mode.TEXT))
    headers = responses.calls[0].request.headers
    assert headers["X-Kannel-Coding"] == "0"
    assert "X-Kannel-MClass" not in headers
    assert "X-Kannel-SMSC" not in headers


@responses.activate
def test_a_line_and_a_whole_address_may_be_named() -> None:
    responses.post(f"{URL}/sendsms", "3: Queued for later delivery", status=202)
    a_kannel(smsc="carrier-a", url=f"{URL}/sendsms").send(a_parcel())
    assert responses.calls[0].request.headers["X-Kannel-SMSC"] == "carrier-a"


ANSWERS: list[tuple[int, str, type[SendingFailure]]] = [
    (400, "Charset or body misformed, rejected", Never),
    (400, "Empty receiver number not allowed, rejected", Never),
    (400, "Number(s) has/have been denied by white- and/or black-lists.", Never),
    (403, "Not routable. Do not try again.", Never),
    (403, "Authorization failed for sendsms", TryLater),
    (404, "Unknown request.", TryLater),
    (429, "Too many requests, try again later.", TryLater),
    (503, "Temporal failure, try again later.", TryLater),
    (302, "", TryLater),
    # Not Kannel's own words: whoever says so, Kannel may have got ours.
    (503, "<html>Service Unavailable</html>", Unsure),
    (500, "Internal error", Unsure),
    (502, "<html>Bad Gateway</html>", Unsure),
    (504, "<html>Gateway Time-out</html>", Unsure),
    (200, "<html>Welcome</html>", Unsure),
]


@responses.activate
@pytest.mark.parametrize(("status", "words", "failure"), ANSWERS)
def test_a_refusal_is_one_of_three_failures(
    status: int, words: str, failure: type[SendingFailure]
) -> None:
    responses.post(SENDSMS, words, status=status)
    with pytest.raises(failure) as refused:
        a_kannel().send(a_parcel())
    assert type(refused.value) is failure
    assert refused.value.detail == f"kannel {status}: {words}"[:80].strip() or not words


@responses.activate
def test_a_redirect_is_not_followed_it_would_be_sent_twice() -> None:
    responses.post(SENDSMS, status=302, headers={"Location": f"{URL}/elsewhere"})
    with pytest.raises(TryLater):
        a_kannel().send(a_parcel())
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("lost", "failure"),
    [
        (requests.ConnectTimeout("no answer"), TryLater),
        (requests.ReadTimeout("no answer"), Unsure),
        (requests.ConnectionError("reset"), Unsure),
        (requests.exceptions.ChunkedEncodingError("cut"), Unsure),
    ],
)
def test_silence_is_unsure_unless_nothing_left_us(
    lost: Exception, failure: type[SendingFailure]
) -> None:
    responses.post(SENDSMS, body=lost)
    with pytest.raises(failure):
        a_kannel().send(a_parcel())


REPORT = "id:41 sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:{} err:{} text:"

HEARD = [
    ("1", "", Told.DELIVERED, "type 1"),
    ("2", "", Told.UNDELIVERED, "type 2"),
    ("4", "", Told.UNDERWAY, "type 4"),
    ("8", "ACK/", Told.UNDERWAY, "type 8"),
    ("16", "NACK/0x00000045/Submit failed", Told.FAILED, "type 16 NACK/0x00000045/Submit failed"),
    ("16", "N" * 500, Told.FAILED, f"type 16 {'N' * 52}"),
    ("1", REPORT.format("DELIVRD", "000"), Told.DELIVERED, "type 1 DELIVRD 000"),
    ("2", REPORT.format("EXPIRED", "027"), Told.UNDELIVERED, "type 2 EXPIRED 027"),
    ("2", REPORT.format("UNKNOWN", "000"), Told.UNKNOWN, "type 2 UNKNOWN 000"),
    ("2", REPORT.format("DELETED", "000"), Told.UNKNOWN, "type 2 DELETED 000"),
    ("2", REPORT.format("MK:0001", "000"), Told.UNDELIVERED, "type 2 MK:0001 000"),
    ("2", "stat:UNDELIV", Told.UNDELIVERED, "type 2 UNDELIV"),
    ("4", REPORT.format("ENROUTE", "000"), Told.UNDERWAY, "type 4 ENROUTE 000"),
    ("32", "", Told.UNKNOWN, "type 32"),
    ("", "", Told.UNKNOWN, "type"),
    ("1 ", "", Told.UNKNOWN, "type 1"),
]


@pytest.mark.parametrize(("kind", "answer", "told", "word"), HEARD)
def test_a_report_is_told_in_our_words_and_kept_in_the_centres(
    kind: str, answer: str, told: Told, word: str
) -> None:
    assert heard(kind, answer) == (told, word)


def test_what_a_header_cannot_carry_is_refused_at_start() -> None:
    with pytest.raises(SettingsWrong, match="KANNEL_PASSWORD: use printable ASCII") as wrong:
        Settings.read({"KANNEL_PASSWORD": "密码", "KANNEL_SMSC": "a b", "KANNEL_USER": "a\nb"})
    assert "KANNEL_USER: use printable ASCII" in str(wrong.value)
    assert "KANNEL_SMSC: use letters" in str(wrong.value)
