"""The message centre's own line: many reports a request, one JSON object a line."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from flask import Blueprint, Response, jsonify, request
from msgspec import Meta
from werkzeug.exceptions import RequestEntityTooLarge

from receipts.model import Fate, Report
from receipts.months import SHANGHAI
from receipts.numbering import parse_msisdn
from receipts.ports import Clock
from receipts.reports import Reports

#: Reports in one request; a centre with more sends another request.
MOST_LINES = 5000

_MOST_PARTS = 255  # what the header that joins parts can count

#: The forms of times in digits, by their length.
_DIGITS = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}

#: Text messages were not sent before 1992, and nobody's clock is a century ahead.
_YEARS = range(1992, 2100)

_Id = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\S")]
_Time = Annotated[str, Meta(max_length=40)]
_Code = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
_Part = Annotated[int, Meta(ge=1, le=_MOST_PARTS)]


class Line(msgspec.Struct, frozen=True):
    """One report as the centre writes it; fields we do not know are passed over."""

    id: _Id
    sender: str = msgspec.field(name="from")
    friend: str = msgspec.field(name="to")
    status: Annotated[str, Meta(min_length=1, max_length=32)]
    code: Annotated[str, Meta(max_length=32)] | _Code | None = None
    submitted: _Time | None = None
    done: _Time | None = None
    part: _Part = 1
    parts: _Part = 1


class LineWrong(ValueError):
    """A line that is no report; the message says why."""


_decoder = msgspec.json.Decoder(Line)


def feed_door(reports: Reports, clock: Clock, fate_of: Callable[[str], Fate]) -> Blueprint:
    """``POST /feed/reports``: what is answered is on disk; a repeated batch changes nothing."""
    door = Blueprint("feed", __name__)

    @door.post("/feed/reports")
    def feed_reports() -> Response:
        refused: list[dict[str, object]] = []
        read: list[Report] = []
        for place, raw in _lines(request.get_data()):
            try:
                read.append(_report(raw, clock.now(), fate_of))
            except LineWrong as wrong:
                refused.append({"line": place, "error": str(wrong)})
        taken = reports.take_all(read)
        return jsonify(accepted=taken.accepted, repeated=taken.repeated, refused=refused)

    return door


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines with something on them, one at a time, numbered from 1."""
    reports = 0
    for place, line in enumerate(io.BytesIO(body), start=1):
        if not line.strip():
            continue
        reports += 1
        if reports > MOST_LINES:
            raise RequestEntityTooLarge(
                f"more than {MOST_LINES} reports: send them in several requests"
            )
        yield place, line


def _report(raw: bytes, now: dt.datetime, fate_of: Callable[[str], Fate]) -> Report:
    try:
        line = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise LineWrong(str(wrong)) from wrong
    sender, friend = parse_msisdn(line.sender), parse_msisdn(line.friend)
    if sender is None or friend is None:
        raise LineWrong(f"{'to' if sender else 'from'} is no telephone number")
    if line.part > line.parts:
        raise LineWrong(f"part {line.part} of {line.parts}")
    word = line.status if line.code in {None, ""} else f"{line.status} {line.code}"
    at = _moment(line.done or line.submitted, now)
    return Report(line.id, sender, friend, fate_of(line.status), word, at, line.part, line.parts)


def _moment(said: str | None, now: dt.datetime) -> dt.datetime:
    """A time as centres write it: ISO 8601, or YYMMDDhhmm(ss) as in SMPP; China's, if no zone."""
    if not said:
        return now
    try:
        at = _digits(said) if said.isascii() and said.isdigit() else dt.datetime.fromisoformat(said)
    except ValueError as wrong:
        raise _no_time(said) from wrong
    if at.year not in _YEARS:
        raise _no_time(said)
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _digits(said: str) -> dt.datetime:
    # By length first: strptime makes some time or other of most runs of digits.
    form = _DIGITS.get(len(said))
    if form is None:
        raise ValueError(said)
    return dt.datetime.strptime(said, form).replace(tzinfo=SHANGHAI)


def _no_time(said: str) -> LineWrong:
    return LineWrong(f"{said!r} is no time such as 2026-11-22T09:30:12+08:00 or 261122093012")
