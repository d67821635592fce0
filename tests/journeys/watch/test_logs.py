"""Log lines of real processes bear the ids of their event, and no number and no secret."""

import json
import re
from typing import Any

import pytest
import requests

from receipts.model.vocabulary import Msisdn
from tests.journeys.watch.conftest import Watched
from tests.support.product import until
from tests.support.signing import twilio_headers

#: Fields of each line, and those of single events that docs/operations.md names.
ALWAYS = {"event", "level", "timestamp"}
REQUEST = re.compile(r"[g-pa-f]{16}")

Line = dict[str, Any]


def lines(watched: Watched) -> list[Line]:
    """Lines of web processes and workers; the simulated network writes none in JSON."""
    found = [line for line in watched.service.said().splitlines() if line.startswith("{")]
    return [json.loads(line) for line in found]


def answers(watched: Watched, door: str, **fields: str) -> list[Line]:
    """The lines of answered requests with these fields, once there is one."""
    wanted = {"event": "answered", "door": door} | fields
    return until(lambda: [e for e in lines(watched) if wanted.items() <= e.items()], why=door)


@pytest.fixture(scope="module")
def told(watched: Watched) -> Watched:
    """A conversation, a call, a text with its status and its receipt, and a failing provider."""
    phone = watched.phone
    phone.asks("CXDXHZ")
    phone.calls()
    phone.wait(lambda event: event["kind"] == "spoken", what="the hotline to speak")
    phone.hangs_up()
    phone.text("13957112345", "hello")
    phone.flash()
    watched.phones.trouble("kannel", "http_503", count=1)
    watched.feeds("logs-1")
    phone.flash()
    until(lambda: [e for e in lines(watched) if e["event"] == "not sent"], why="a failed attempt")
    answers(watched, "kannel.kannel_report")
    return watched


def test_every_line_is_an_object_with_its_time_level_and_event(told: Watched):
    for line in lines(told):
        assert line.keys() >= ALWAYS
        assert line["level"] in {"info", "warning", "error", "critical"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


@pytest.mark.parametrize(
    ("door", "field", "shape"),
    [
        ("keywords.sms", "message", r"SM[0-9a-f]{32}"),
        ("ivr.voice", "call", r"CA[0-9a-f]{32}"),
        ("ivr.voice_ended", "call", r"CA[0-9a-f]{32}"),
        ("twilio_status.message_status", "message", r"SM[0-9a-f]{32}"),
        ("kannel.kannel_report", "receipt", r"[0-9a-f]+-[0-9a-f]{20}"),
    ],
)
def test_line_of_an_event_bears_its_ids(told: Watched, door: str, field: str, shape: str):
    for line in answers(told, door):
        assert re.fullmatch(shape, line[field]), line
        assert REQUEST.fullmatch(line["request"])
        assert line["status"] in {200, 204}
        assert 0 <= line["seconds"] < 30


def test_each_request_has_an_id_of_its_own(told: Watched):
    ids = [e["request"] for e in lines(told) if e["event"] == "answered"]
    assert len(set(ids)) == len(ids)


def test_lines_of_a_worker_bear_receipt_and_text(told: Watched):
    sent = [e for e in lines(told) if e["event"] in {"sent", "not sent"}]
    about = [e for e in sent if e.get("message") == "logs-1"]
    assert {e["event"] for e in about} == {"sent", "not sent"}
    assert len({e["receipt"] for e in about}) == 1
    receipt, door = about[0]["receipt"], "kannel.kannel_report"
    assert answers(told, door, receipt=receipt)
    assert all("request" not in e and "call" not in e for e in sent)


def test_no_line_holds_a_number_a_text_or_a_secret(told: Watched):
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines(told))
    # A run of digits inside an id, which is hexadecimal, is no number.
    assert not re.search(r"(?<![0-9A-Za-z])(86)?1[3-9][0-9]{9}(?![0-9A-Za-z])", text)
    assert "hello" not in text
    settings = told.service.settings
    names = [name for name in settings if re.search("SECRET|PASSWORD|TOKEN", name)]
    secrets = {settings[name] for name in names if len(settings[name]) > 5}
    assert secrets
    assert [each for each in secrets if each in text] == []


def test_id_of_a_stranger_is_not_taken_over(told: Watched):
    """TRUSTED_PROXIES is unset: a header of the request is believed of no address."""
    token, url = told.service.settings["TWILIO_AUTH_TOKEN"], f"{told.service.doors}/sms"
    form = {"MessageSid": f"SM{7:032x}", "From": f"+86{told.phone.number}", "Body": "CXDXHZ"}
    headers = twilio_headers(token, url, form) | {"X-Request-ID": "chosen-by-a-stranger"}
    assert requests.post(url, form, headers=headers, timeout=10).ok
    (line,) = answers(told, "keywords.sms", message=form["MessageSid"])
    assert REQUEST.fullmatch(line["request"])


def test_unsampled_receipt_keeps_no_context(watched: Watched):
    """The service of these tests names no collector of traces; test_traces.py has one."""
    watched.feeds("traces-none")
    watched.phone.flash()
    with watched.service.container() as services:
        number = Msisdn(f"+86{watched.phone.number}")
        (receipt,) = services.store.receipts_of(number, 1, None)
    assert receipt.trace == ""
