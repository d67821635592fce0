"""Kannel by sendsms: what goes on the wire, and what its answers mean."""

import datetime as dt
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import responses

from receipts.delivery import Told
from receipts.model import Mode
from receipts.ports import Never, SendingFailure, TryLater, Unsure
from receipts.providers.kannel import told_of
from tests.contracts.lines import ANNA, KANNEL, SECRETS, kannel, parcel


def asked(outside: responses.RequestsMock) -> dict[str, str]:
    """The query of the last request, read strictly as UTF-8."""
    url = urlsplit(str(outside.calls[-1].request.url))
    return dict(parse_qsl(url.query, strict_parsing=True, errors="strict"))


def sent(
    outside: responses.RequestsMock, text: str = "短信已送达", mode: Mode = Mode.TEXT
) -> dict[str, str]:
    KANNEL.answers(outside, **KANNEL.yes)
    assert KANNEL.adapter().send(parcel("5-abc", text, mode)) == "5-abc"
    return asked(outside)


def test_a_text_goes_out_whole_in_utf_8(outside: responses.RequestsMock):
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
        "dlr-mask": "31",
    }


def test_it_is_asked_by_get_for_smsbox_refuses_form_posts(outside: responses.RequestsMock):
    sent(outside)
    request = outside.calls[0].request
    assert (request.method, request.body) == ("GET", None)


def test_only_a_flash_has_a_message_class_and_it_is_0(outside: responses.RequestsMock):
    assert sent(outside, mode=Mode.FLASH)["mclass"] == "0"
    assert "mclass" not in sent(outside, mode=Mode.TEXT)


@pytest.mark.parametrize(
    ("text", "coding"),
    [("Delivered at 09:30.", "0"), ("cost: €5 [~]", "0"), ("已送达", "2"), ("naïve 😀", "2")],
)
def test_the_alphabet_of_a_text_chooses_its_coding(
    outside: responses.RequestsMock, text: str, coding: str
):
    found = sent(outside, text)
    assert (found["coding"], found["charset"], found["text"]) == (coding, "UTF-8", text)


def test_its_report_comes_back_with_the_secret_our_id_and_its_own_sign(
    outside: responses.RequestsMock,
):
    report = sent(outside)["dlr-url"]
    address, _, query = report.partition("?")
    assert address == "https://sms.example.org/kannel/report"
    assert parse_qs(query.replace("%d", "1")) == {
        "secret": [SECRETS[2]],
        "id": ["5-abc"],
        "type": ["1"],
    }
    # Every per cent sign but the one of %d would be an escape of Kannel's own.
    assert report.count("%") == 1


@pytest.mark.parametrize(
    "url",
    [
        KANNEL.host,
        KANNEL.host + "/",
        KANNEL.host + "/cgi-bin/sendsms",
        KANNEL.host + "/cgi-bin/sendsms/",
    ],
)
def test_its_address_may_be_given_in_full_or_not(outside: responses.RequestsMock, url: str):
    KANNEL.answers(outside, **KANNEL.yes)
    kannel(url).send(parcel())
    assert len(outside.calls) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, "Missing receiver number, rejected", Never),
        (403, "Authorization failed for sendsms", TryLater),
        (404, "Unknown request.", TryLater),
        (503, "Temporal failure, try again later.", TryLater),
        (500, "Sending failed.", Unsure),
        (502, "Bad gateway", Unsure),
        (504, "Gateway time-out", Unsure),
        (200, "3: Queued for later delivery", Unsure),
        (201, "", Unsure),
    ],
)
def test_its_answers_have_their_meaning(
    outside: responses.RequestsMock, status: int, body: str, kind: type[SendingFailure]
):
    KANNEL.answers(outside, status=status, body=body)
    with pytest.raises(SendingFailure) as raised:
        KANNEL.adapter().send(parcel())
    assert type(raised.value) is kind
    assert raised.value.detail == f"kannel {status}: {body}"


def test_a_long_answer_is_cut_short(outside: responses.RequestsMock):
    KANNEL.answers(outside, status=500, body="x" * 5000)
    with pytest.raises(Unsure) as raised:
        KANNEL.adapter().send(parcel())
    assert len(raised.value.detail) < 100


@pytest.mark.parametrize("body", ["0: Accepted for delivery", "3: Queued for later delivery", ""])
def test_202_is_taken_whatever_it_says(outside: responses.RequestsMock, body: str):
    KANNEL.answers(outside, status=202, body=body)
    assert KANNEL.adapter().send(parcel()) == "5-abc"


def test_it_knows_its_own_abilities_and_cannot_look_up():
    adapter = KANNEL.adapter()
    can = adapter.abilities
    assert (can.flash, can.reports, can.lookup) == (True, True, False)
    with pytest.raises(NotImplementedError):
        adapter.find(parcel(), dt.datetime.now(dt.UTC), frozenset())


def test_every_kind_of_report_is_ours_or_unknown():
    assert [told_of(kind) for kind in ("1", "2", "4", "8", "16")] == [
        Told.DELIVERED, Told.UNDELIVERED, Told.UNDERWAY, Told.UNDERWAY, Told.FAILED,
    ]  # fmt: skip
    for kind in ("", "0", "3", "32", "01", "１", "delivered"):
        assert told_of(kind) is Told.UNKNOWN
