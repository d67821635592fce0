"""Twilio look-ups: matching by recipient, text and time, and failed look-ups."""

import base64
import datetime as dt
import json
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
import responses

from receipts.ports.provider import FoundMessage, ProviderStatus, TemporaryError
from tests.contracts.provider_ends import ACCOUNT, ANNA, SECRETS, TWILIO_URL, WORDS, parcel, twilio

Message = dict[str, object]
NOW = dt.datetime(2026, 11, 22, 4, 0, 30, tzinfo=dt.UTC)


def message(sid: str, body: str = WORDS, seconds_ago: float = 10) -> Message:
    made = NOW - dt.timedelta(seconds=seconds_ago)
    return {"sid": sid, "body": body, "to": ANNA, "date_created": format_datetime(made)}


def found(
    outside: responses.RequestsMock, *messages: Message, known: tuple[str, ...] = ()
) -> str | None:
    page = {"messages": messages, "page": 0, "page_size": 50, "next_page_uri": None}
    # Without a charset, as a proxy may pass it on: the words are UTF-8 all the same.
    outside.get(
        TWILIO_URL, body=json.dumps(page, ensure_ascii=False), content_type="application/json"
    )
    since = NOW - dt.timedelta(seconds=20)
    match = twilio().find(parcel(), since, frozenset(known))
    return match.id if match else None


def test_message_is_found_by_recipient_text_and_time(outside: responses.RequestsMock):
    assert found(outside, message("SM2", "other words"), message("SM1")) == "SM1"
    (call,) = outside.calls
    assert call.request.params["To"] == ANNA  # type: ignore[attr-defined]
    assert call.request.req_kwargs["timeout"]  # type: ignore[attr-defined]


TIMELESS, NAMELESS = message("SM1") | {"date_created": None}, message("SM1") | {"sid": None}


@pytest.mark.parametrize(
    ("messages", "known", "sid"),
    [
        ([], (), None),
        # Messages of other receipts do not match.
        ([message("SM2"), message("SM1")], ("SM2",), "SM1"),
        ([message("SM2"), message("SM1")], ("SM2", "SM1"), None),
        # The clocks may differ by five minutes.
        ([message("SM1", seconds_ago=20 + 299)], (), "SM1"),
        ([message("SM1", seconds_ago=20 + 301)], (), None),
        ([message("SM1", seconds_ago=86_400)], (), None),
        ([NAMELESS, TIMELESS], (), "SM1"),
        # A trial account's texts are listed with its own words before them.
        ([message("SM1", f"Sent from your Twilio trial account - {WORDS}")], (), "SM1"),
        *[([message("SM1", text)], (), None) for text in (WORDS[:-1], WORDS + " ", "", None)],
    ],
)
def test_message_matches_if_recent_of_equal_text_and_of_no_other_receipt(
    outside: responses.RequestsMock,
    messages: list[Message],
    known: tuple[str, ...],
    sid: str | None,
):
    assert found(outside, *messages, known=known) == sid


@pytest.mark.parametrize(
    ("fields", "status", "raw"),
    [
        ({"status": "sent"}, ProviderStatus.UNDERWAY, "sent"),
        ({"status": "delivered", "error_code": None}, ProviderStatus.DELIVERED, "delivered"),
        (
            {"status": "undelivered", "error_code": 30034},
            ProviderStatus.UNDELIVERED,
            "undelivered 30034",
        ),
        ({"status": "new word"}, ProviderStatus.UNKNOWN, "new word"),
        ({}, ProviderStatus.UNKNOWN, ""),
    ],
)
def test_found_message_has_its_status(
    outside: responses.RequestsMock, fields: Message, status: ProviderStatus, raw: str
):
    page = {"messages": [message("SM1") | fields], "next_page_uri": None}
    outside.get(TWILIO_URL, json=page)
    assert twilio().find(parcel(), NOW, frozenset()) == FoundMessage("SM1", status, raw)


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
def test_failed_look_up_is_temporary_and_hides_the_number(
    outside: responses.RequestsMock, answer: dict[str, object]
):
    outside.get(TWILIO_URL, **answer)  # type: ignore[arg-type]
    with pytest.raises(TemporaryError) as later:
        twilio().find(parcel(), NOW, frozenset())
    assert ANNA.digits not in later.value.detail
    assert not any(secret in later.value.detail for secret in SECRETS)


def test_a_netrc_file_does_not_replace_the_credentials(
    outside: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "netrc").write_text("machine provider.example.org login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    outside.get(TWILIO_URL, json={"messages": [], "next_page_uri": None})
    twilio().find(parcel(), NOW, frozenset())
    sent = outside.calls[0].request.headers["Authorization"]
    assert sent == "Basic " + base64.b64encode(f"{ACCOUNT}:{SECRETS[0]}".encode()).decode()
