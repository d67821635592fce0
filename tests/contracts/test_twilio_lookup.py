"""Twilio look-ups: matching by recipient, text and time, and failed look-ups."""

import base64
import datetime as dt
import json
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
import responses

from receipts.ports.provider import TemporaryError
from tests.contracts.provider_ends import (
    ACCOUNT,
    ANNA,
    SECRETS,
    TWILIO_HOST,
    TWILIO_URL,
    WORDS,
    parcel,
    twilio,
)

NOW = dt.datetime(2026, 11, 22, 4, 0, 30, tzinfo=dt.UTC)


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


def test_message_is_found_by_recipient_text_and_time(outside: responses.RequestsMock):
    assert found(outside, message("SM2", "other words"), message("SM1")) == "SM1"
    (call,) = outside.calls
    assert call.request.params["To"] == ANNA  # type: ignore[attr-defined]
    assert call.request.req_kwargs["timeout"]  # type: ignore[attr-defined]


def test_empty_list_has_no_match(outside: responses.RequestsMock):
    assert found(outside) is None


def test_message_of_another_receipt_is_no_match(outside: responses.RequestsMock):
    both = (message("SM2"), message("SM1"))
    assert found(outside, *both, known=frozenset({"SM2"})) == "SM1"
    assert found(outside, *both, known=frozenset({"SM2", "SM1"})) is None


def test_equal_text_of_an_earlier_day_is_no_match(outside: responses.RequestsMock):
    assert found(outside, message("SM1", seconds_ago=86_400)) is None


def test_match_allows_five_minutes_of_clock_difference(outside: responses.RequestsMock):
    assert found(outside, message("SM1", seconds_ago=20 + 299)) == "SM1"
    outside.reset()
    assert found(outside, message("SM1", seconds_ago=20 + 301)) is None


@pytest.mark.parametrize("words", [WORDS[:-1], WORDS + " ", "", None])
def test_similar_text_is_no_match(outside: responses.RequestsMock, words: str):
    assert found(outside, message("SM1", words)) is None


def test_message_without_a_time_may_match_and_one_without_an_id_may_not(
    outside: responses.RequestsMock,
):
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
def test_failed_look_up_is_temporary_and_hides_the_number(
    outside: responses.RequestsMock, answer: dict[str, object]
):
    outside.get(TWILIO_URL, **answer)  # type: ignore[arg-type]
    with pytest.raises(TemporaryError) as later:
        twilio(TWILIO_HOST).find(parcel(), NOW, frozenset())
    assert ANNA.digits not in later.value.detail
    assert not any(secret in later.value.detail for secret in SECRETS)


def test_a_netrc_file_does_not_replace_the_credentials(
    outside: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "netrc").write_text("machine provider.example.org login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    outside.get(TWILIO_URL, json={"messages": [], "next_page_uri": None})
    twilio(TWILIO_HOST).find(parcel(), NOW, frozenset())
    sent = outside.calls[0].request.headers["Authorization"]
    assert sent == "Basic " + base64.b64encode(f"{ACCOUNT}:{SECRETS[0]}".encode()).decode()
