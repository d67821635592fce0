"""The message centre's own line: many reports a request, one JSON object a line."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from flask import Blueprint, Response, jsonify, request
from msgspec import Meta
from werkzeug.exceptions import RequestEntityTooLarge

from receipts.model import SHANGHAI, Fate, Report
from receipts.numbering import parse_msisdn
from receipts.ports import Clock
from receipts.reports import Reports

#: Reports in one request; a centre with more sends another request.
MOST_LINES = 5000

_MOST_PARTS = 255  # what the header that joins parts can count

_Id = Annotated[str, Meta(min_length=1, max_length=128)]
_Part = Annotated[int, Meta(ge=1, le=_MOST_PARTS)]


class Line(msgspec.Struct, frozen=True):
    """One report as the centre writes it; fields we do not know are passed over."""

    id: _Id
    sender: str = msgspec.field(name="from")
    friend: str = msgspec.field(name="to")
    status: Annotated[str, Meta(min_length=1, max_length=32)]
    code: Annotated[str, Meta(max_length=32)] | int | None = None
    submitted: str | None = None
    done: str | None = None
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
    """The lines with something on them, numbered from 1."""
    lines = body.split(b"\n")
    if sum(1 for line in lines if line.strip()) > MOST_LINES:
        raise RequestEntityTooLarge(
            f"more than {MOST_LINES} reports: send them in several requests"
        )
    return ((place, line) for place, line in enumerate(lines, start=1) if line.strip())


def _report(raw: bytes, now: dt.datetime, fate_of: Callable[[str], Fate]) -> Report:
    try:
        line = _decoder.decode(raw)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as wrong:
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
        if said.isascii() and said.isdigit():
            form = "%y%m%d%H%M%S" if len(said) > len("YYMMDDhhmm") else "%y%m%d%H%M"
            return dt.datetime.strptime(said, form).replace(tzinfo=SHANGHAI)
        at = dt.datetime.fromisoformat(said)
    except ValueError as wrong:
        raise LineWrong(f"{said!r} is no time such as 2026-11-22T09:30:12+08:00") from wrong
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
