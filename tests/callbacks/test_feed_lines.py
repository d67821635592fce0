"""Valid lines of a batch are accepted; each bad line is refused with its number."""

import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.model.message import FailureCause, MessageStatus
from receipts.rulebook.schema import ReportRules
from tests.callbacks.conftest import Centre, a_line, batch
from tests.conftest import TestClock
from tests.support.reports import told as arrived
from tests.support.reports import trail

pytestmark = pytest.mark.usefixtures("customer")


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in a_line().items() if key != name}


BAD: dict[str, Any] = {
    "no JSON": "hello",
    "half an object": '{"id": "1", "from": ',
    "a list": "[1, 2]",
    "a number": "17",
    "two objects": '{"id": "1"} {"id": "2"}',
    "not UTF-8": b'{"id": "\xff\xfe", "from": "1", "to": "2", "status": "DELIVRD"}',
    "half a surrogate": '{"id": "\\ud800", "from": "1", "to": "2", "status": "DELIVRD"}',
    "nested without end": '{"x": ' + "[" * 50_000 + "]" * 50_000 + "}",
    "no id": without("id"),
    "no sender": without("from"),
    "no friend": without("to"),
    "no status": without("status"),
    "an empty id": a_line(""),
    "a blank id": a_line("  "),
    "an endless id": a_line("1" * 129),
    "an empty status": a_line("1", ""),
    "an endless status": a_line("1", "X" * 33),
    "an id that is true": a_line() | {"id": True},
    "an id that is a list": a_line() | {"id": ["1"]},
    "an id that is null": a_line() | {"id": None},
    "a status that is an object": a_line() | {"status": {"a": 1}},
    "a status that is null": a_line() | {"status": None},
    "a sender that is no phone": a_line() | {"from": "7500"},
    "a friend that is no phone": a_line() | {"to": "hello"},
}


@pytest.mark.parametrize("what", list(BAD))
def test_bad_line_is_refused_with_its_number_and_the_others_are_accepted(
    centre: Centre, built: Container, what: str
):
    told = centre.tell(a_line("7"), BAD[what], a_line("8"))
    assert told["accepted"] == 2
    assert [(each["line"], bool(each["error"])) for each in told["refused"]] == [(2, True)]
    assert len(told["refused"][0]["error"]) < 200
    assert {receipt.message_id for receipt in arrived(built)} == {"7", "8"}


def test_blank_lines_are_numbered_but_not_counted(centre: Centre):
    told = centre.tell("", "  \t", a_line("1"), "\r", "oops", "", a_line("2"), "")
    assert (told["accepted"], [each["line"] for each in told["refused"]]) == (2, [5])


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n\r\n"])
def test_empty_batch_is_accepted(centre: Centre, body: bytes):
    assert centre.post(body).get_json() == {"accepted": 0, "repeated": 0, "refused": []}


def test_windows_line_endings_are_accepted(centre: Centre):
    body = batch(a_line("1"), a_line("2")).replace(b"\n", b"\r\n") + b"\r\n"
    assert centre.post(body).get_json()["accepted"] == 2


def test_binary_body_is_refused_line_by_line(centre: Centre):
    told = centre.tell(b"\x00\xff", b"\x1f\x8b\x08")
    assert [each["line"] for each in told["refused"]] == [1, 2]


def test_unknown_fields_are_ignored(centre: Centre):
    odd = a_line(smsc="GD-7", more={"a": [1, None]}, code=None, submitted=None)
    assert centre.tell(odd)["accepted"] == 1


@pytest.mark.parametrize(
    "spelt",
    ["13802880000", "+8613802880000", "008613802880000", "8613802880000", "138 0288 0000",
     "１３８０２８８００００", "+86-138-0288-0000", "\u202a13802880000\u202c",
     "\u2068138.0288.0000\u2069", "tel:+86-138-0288-0000"],
)  # fmt: skip
def test_spellings_of_a_number_are_equivalent(centre: Centre, built: Container, spelt: str):
    assert centre.tell(a_line() | {"from": spelt})["accepted"] == 1
    assert centre.tell(a_line())["repeated"] == 1
    assert len(arrived(built)) == 1


@pytest.mark.fixed_day
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"done": "2026-11-22T09:30:12+08:00"}, "已于09:30送达"),
        ({"done": "2026-11-22T01:30:12Z"}, "已于09:30送达"),
        ({"done": "2026-11-22T09:30:12"}, "已于09:30送达"),
        ({"done": "2026-11-22 09:30:12"}, "已于09:30送达"),
        ({"done": "2611220930"}, "已于09:30送达"),
        ({"done": "261122093012"}, "已于09:30送达"),
        (
            {"submitted": "2611220929", "done": "2611220930"},
            "您09:29发给13957112345的短信已于09:30送达",
        ),
        ({"done": "20261122093012"}, "已于09:30送达"),
        ({"done": 20261122093012}, "已于09:30送达"),
        ({"done": "202611220930"}, "已于09:30送达"),
        ({"done": "261122093012032+"}, "已于09:30送达"),
        ({"done": "261122013012000+"}, "已于09:30送达"),
        ({"done": 1795311012}, "已于09:30送达"),
        ({"done": ""}, "您发给13957112345的短信已送达"),
        ({"done": "2026-11-19 20:02:23"}, "已于11月19日20:02送达"),
        ({"done": "2026-11-20"}, "已于11月20日送达"),
        ({"done": "19990101120000"}, "您发给13957112345的短信已送达"),
        ({}, "您发给13957112345的短信已送达"),
    ],
)
def test_receipt_shows_the_report_time_in_china(
    centre: Centre, built: Container, said: dict[str, str], told: str
):
    assert centre.tell(a_line(**said))["accepted"] == 1
    assert told in arrived(built)[0].text


@pytest.mark.fixed_day
def test_long_text_has_the_time_of_its_last_part(centre: Centre, built: Container):
    parts = [a_line(part=n, parts=3, done=f"26112209{n}0") for n in (3, 1, 2)]
    assert centre.tell(*parts[:1])["accepted"] == 1
    assert centre.tell(*parts[1:])["accepted"] == 2
    assert "已于09:30送达" in arrived(built)[0].text


FATES = {
    MessageStatus.DELIVERED: ("DELIVRD", " delivrd "),
    MessageStatus.EXPIRED: ("EXPIRED",),
    MessageStatus.FAILED: ("UNDELIV", "MK:0001", "mn:0017", "MI:0059"),
    MessageStatus.REJECTED: ("REJECTD", "MA:0051"),
    MessageStatus.UNDERWAY: (
        *("ACCEPTD", "ENROUTE", "DELETED", "UNKNOWN", "MADEIRA", "XX:0001", "已送达"),
    ),
}


@pytest.mark.parametrize(
    ("status", "fate"), [(status, fate) for fate, known in FATES.items() for status in known]
)
def test_only_known_final_statuses_end_a_text(
    centre: Centre, built: Container, status: str, fate: MessageStatus
):
    centre.tell(a_line("1", status))
    assert trail(built).status is fate
    assert len(arrived(built)) == (fate is not MessageStatus.UNDERWAY)


def test_raw_statuses_are_kept(centre: Centre, built: Container, clock: TestClock):
    odd = a_line("1", "Wéird", code=-7)
    centre.tell(a_line("1", "ACCEPTD"), odd, a_line("1", "UNDELIV", code="MK:0004"))
    history = trail(built).history
    assert [(heard.raw_status, heard.no_receipt_reason) for heard in history] == [
        ("ACCEPTD", "underway"),
        ("Wéird -7", "unknown_word"),
        ("UNDELIV MK:0004", None),
    ]
    assert history[0].at == clock.now().astimezone(dt.UTC)


def test_rule_book_gives_a_gateway_its_meanings(settings: Settings, built: Container):
    rules = ReportRules(
        families={"ZZ": MessageStatus.FAILED, "MA": MessageStatus.UNKNOWN},
        causes={"ZZ:0024": FailureCause.SWITCHED_OFF},
    )
    own = built.with_changes(replace(built.book, reports=rules))
    centre = Centre(create_app(settings, own).test_client())
    centre.tell(a_line("1", "ZZ:24"), a_line("2", "MA:0051"), a_line("3", "ZZ:0001"))
    assert {r.message_id: "关机" in r.text for r in arrived(own)} == {"1": True, "3": False}
