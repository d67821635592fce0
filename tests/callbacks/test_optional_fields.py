"""Optional fields of a report never cost the report: read in any plain form, or kept unread."""

import datetime as dt
from typing import Any

import pytest

from app.bootstrap import Container
from receipts.model.reported_time import ReportedTime, TimePrecision
from receipts.reports.reported_time import read_time
from tests.callbacks.conftest import Centre, a_line, batch
from tests.support.reports import told as arrived
from tests.support.reports import trail

pytestmark = pytest.mark.usefixtures("customer")

CHINA = dt.timezone(dt.timedelta(hours=8))
NOW = dt.datetime(2026, 11, 28, 21, 45, tzinfo=CHINA)

#: Fields of a line, and the part of them that is kept unread.
UNREAD: dict[str, tuple[dict[str, Any], str]] = {
    "a time that is none": ({"done": "yesterday"}, 'done="yesterday"'),
    "a time of 9 digits": ({"done": "261122093"}, 'done="261122093"'),
    "a month 13": ({"done": "2613220930"}, 'done="2613220930"'),
    "a time of day alone": ({"done": "09:30:12"}, 'done="09:30:12"'),
    "the year 1999": ({"done": "1999-11-22T09:30:12"}, 'done="1999-11-22T09:30:12"'),
    "a time after all texts": ({"submitted": "9999-12-31T23:59:59-14:00"}, "submitted="),
    "a time to come": ({"done": "2026-11-22T13:00:00+08:00"}, "done="),
    "SMPP's relative time": ({"done": "000000010000000R"}, "done="),
    "an endless time": ({"done": "2" * 41}, "done="),
    "a time that is a list": ({"done": ["2611220930"]}, 'done=["2611220930"]'),
    "a code that is a list": ({"code": [1]}, "code=[1]"),
    "a code that is true": ({"code": True}, "code=true"),
    "an endless code": ({"code": "9" * 60}, "code="),
    "a part that is an object": ({"part": {"a": 1}}, 'part={"a": 1}'),
    "half a part": ({"part": 1.5, "parts": 2}, "part=1.5"),
    "part 3 of 2": ({"part": 3, "parts": 2}, "part=3"),
    "part 2 of one": ({"part": 2}, "part=2"),
    "parts without a part": ({"parts": 3}, "parts=3"),
    "part -1": ({"part": -1, "parts": 2}, "part=-1"),
    "256 parts": ({"part": 1, "parts": 256}, "parts=256"),
}


@pytest.mark.fixed_day
@pytest.mark.parametrize("case", UNREAD)
def test_field_without_a_meaning_is_kept_unread_and_the_report_counts(
    centre: Centre, built: Container, case: str
):
    fields, unread = UNREAD[case]
    assert centre.tell(a_line(submitted="2611220915") | fields)["accepted"] == 1
    assert len(arrived(built)) == 1
    (event,) = trail(built).history
    assert unread in event.unread
    assert len(event.unread) <= 120
    (final,) = trail(built).part_statuses
    assert final.done is None


@pytest.mark.parametrize("fields", [
    {"part": None, "parts": 0}, {"part": 0, "parts": None}, {"part": "1", "parts": "1"},
    {"part": "", "parts": ""}, {"part": 1.0}, {"code": 7}, {"code": "7"}, {"code": None},
    {"code": 1.5}, {"submitted": None, "done": ""}, {"submitted": "", "done": None},
    {"from": 13802880000}, {"from": "8613802880000", "to": 8613957112345}, {"to": 13957112345.0},
])  # fmt: skip
def test_plain_value_of_another_type_is_read(
    centre: Centre, built: Container, fields: dict[str, Any]
):
    assert centre.tell(a_line() | fields) == {"accepted": 1, "repeated": 0, "refused": []}
    (receipt,) = arrived(built)
    assert receipt.outcome == "delivered"
    assert [event.unread for event in trail(built).history] == [""]


def test_numbers_and_texts_of_one_id_are_one_text(centre: Centre, built: Container):
    assert centre.tell(a_line() | {"id": 4711})["accepted"] == 1
    assert centre.tell(a_line("4711"), a_line("04711"), a_line() | {"id": 4711.0})["repeated"] == 3
    assert [receipt.message_id for receipt in arrived(built)] == ["4711"]


def test_long_numbers_keep_all_their_digits(centre: Centre, built: Container):
    first, second = 10**30 + 1, 10**30 + 2
    assert centre.tell(*(a_line() | {"id": each} for each in (first, second)))["accepted"] == 2
    assert {r.message_id for r in arrived(built)} == {str(first), str(second)}


@pytest.mark.parametrize("numbers", [("0", "1"), (1, 2), ("2", 1)])
def test_parts_count_from_zero_or_one_in_any_type(
    centre: Centre, built: Container, numbers: tuple[object, object]
):
    for number in numbers:
        assert arrived(built) == []
        centre.tell(a_line(part=number, parts="2"))
    assert len(arrived(built)) == 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n \n", b"\n\xef\xbb\xbf"])
def test_byte_order_mark_and_blank_lines_are_no_part_of_a_report(centre: Centre, end: bytes):
    body = b"\xef\xbb\xbf" + batch(a_line("1"), a_line("2")).replace(b"\n", end) + end
    assert centre.post(body).get_json() == {"accepted": 2, "repeated": 0, "refused": []}


@pytest.mark.fixed_day
def test_submitted_and_done_are_kept_with_their_precision(centre: Centre, built: Container):
    centre.tell(a_line(submitted="20261121", done="2611220930"))
    final, submitted = trail(built).part_statuses[0], trail(built).submitted
    day = dt.datetime(2026, 11, 21, tzinfo=CHINA)
    assert submitted == ReportedTime(day, TimePrecision.DAY)
    minute = dt.datetime(2026, 11, 22, 9, 30, tzinfo=CHINA)
    assert final.done == ReportedTime(minute, TimePrecision.MINUTE)


@pytest.mark.fixed_day
@pytest.mark.parametrize(
    ("submitted", "done", "known"),
    [
        ("261122093000", "261122092959", False),
        ("261122093059", "2611220930", True),
        ("2611220931", "261122093059", False),
        ("2611220930", "20261122", True),
        ("2611220930", "20261121", False),
    ],
)
def test_end_before_the_text_was_sent_is_no_time(
    centre: Centre, built: Container, submitted: str, done: str, *, known: bool
):
    centre.tell(a_line(status="ACCEPTD", submitted=submitted), a_line(done=done))
    assert bool(trail(built).part_statuses[0].done) is known


AT = dt.datetime(2026, 11, 28, 21, 30, 12, tzinfo=CHINA)
SAME = (
    "20261128213012", "261128213012", "20261128213012345", "2026-11-28T21:30:12",
    "2026-11-28 21:30:12", "2026/11/28 21:30:12", "2026-11-28T13:30:12Z", "2026-11-28 13:30:12z",
    "2026-11-28 21:30:12 +0800", "2026-11-28T21:30:12+08:00", "20261128T213012",
    "261128213012032+", "261128133012000+", "261128073012024-", "1795872612", "1795872612000",
)  # fmt: skip


@pytest.mark.parametrize("text", SAME)
def test_usual_forms_of_a_time_are_read(text: str):
    read = read_time(text, NOW)
    assert read is not None
    assert (read.at.replace(microsecond=0), read.precision) == (AT, TimePrecision.SECOND)


@pytest.mark.parametrize("text", ["2611282130", "202611282130", "2026-11-28T21:30"])
def test_time_without_seconds_is_precise_to_the_minute(text: str):
    assert read_time(text, NOW) == ReportedTime(AT.replace(second=0), TimePrecision.MINUTE)


@pytest.mark.parametrize("text", ["20261128", "2026-11-28", "2026/11/28", "2026-11-28T21",
                                  "2026-11-27T16Z"])  # fmt: skip
def test_time_without_minutes_is_a_day(text: str):
    midnight = dt.datetime(2026, 11, 28, tzinfo=CHINA)
    assert read_time(text, NOW) == ReportedTime(midnight, TimePrecision.DAY)


def test_clock_of_the_network_may_run_a_minute_ahead():
    assert read_time("20261128214530", NOW) == ReportedTime(NOW)
    assert read_time("20261128214630", NOW) is None


@pytest.mark.parametrize("text", [
    "1999-01-01", "9901012359", "20270101", "12:30", "2026-02-30", "26112821", "1", "", "0",
    "0001-01-01T00:00:00+14:00", "000001000000000R", "261128213012099+", "٢٠٢٦١١٢٨",
])  # fmt: skip
def test_text_that_is_no_possible_time_is_none(text: str):
    assert read_time(text, NOW) is None
