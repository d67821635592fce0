"""The message centre's delivery report feed: many reports a request, one JSON object a line."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from msgspec import Meta
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from callbacks.app import CallbackRoute, json_response
from receipts.model.calendar import SHANGHAI
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.clock import Clock
from receipts.reports.service import ReportService

#: Reports in one request; a message centre with more sends another request.
MAX_REPORTS = 5000

_MAX_PARTS = 255  # one octet in the concatenation header (3GPP TS 23.040, 9.2.3.24.1)

#: Formats of times in digits, by length.
_DIGIT_FORMATS = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}

#: Text messages were first sent in 1992; a year after 2099 comes from a wrong clock.
_YEARS = range(1992, 2100)

_Id = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\S")]
_Time = Annotated[str, Meta(max_length=40)]
_Code = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
_Part = Annotated[int, Meta(ge=1, le=_MAX_PARTS)]


class ReportLine(msgspec.Struct, frozen=True):
    """One line of the feed; unknown fields are ignored."""

    id: _Id
    sender: str = msgspec.field(name="from")
    recipient: str = msgspec.field(name="to")
    status: Annotated[str, Meta(min_length=1, max_length=32)]
    code: Annotated[str, Meta(max_length=32)] | _Code | None = None
    submitted: _Time | None = None
    done: _Time | None = None
    part: _Part = 1
    parts: _Part = 1


class ReportLineError(ValueError):
    """A line that is not a report; the message is the reason."""


_decoder = msgspec.json.Decoder(ReportLine)


def feed_routes(
    reports: ReportService,
    clock: Clock,
    message_status: Callable[[str], MessageStatus],
    verified_body: Callable[[Request], bytes],
) -> tuple[CallbackRoute, ...]:
    """``POST /feed/reports``: the response follows the commit; a repeated batch changes nothing.

    ``verified_body`` verifies a request and returns its body.
    """

    def feed_reports(request: Request) -> Response:
        accepted, refused = _parse(verified_body(request), clock.now(), message_status)
        result = reports.ingest_batch(accepted)
        counts = {"accepted": result.accepted, "repeated": result.repeated}
        return json_response(counts | {"refused": refused})

    return (CallbackRoute("feed.feed_reports", "POST", "/feed/reports", feed_reports),)


def _parse(
    body: bytes, now: dt.datetime, message_status: Callable[[str], MessageStatus]
) -> tuple[list[DeliveryReport], list[dict[str, object]]]:
    """The reports of a batch, and its refused lines with number and reason."""
    accepted: list[DeliveryReport] = []
    refused: list[dict[str, object]] = []
    for number, line in _lines(body):
        try:
            accepted.append(_report(line, now, message_status))
        except ReportLineError as error:
            refused.append({"line": number, "error": str(error)})
    return accepted, refused


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, numbered from 1. Raises RequestEntityTooLarge."""
    lines = ((number, line) for number, line in enumerate(io.BytesIO(body), 1) if line.strip())
    for count, numbered in enumerate(lines):
        if count == MAX_REPORTS:
            text = f"more than {MAX_REPORTS} reports: send them in several requests"
            raise RequestEntityTooLarge(text)
        yield numbered


def _report(
    raw: bytes, now: dt.datetime, message_status: Callable[[str], MessageStatus]
) -> DeliveryReport:
    try:
        line = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReportLineError(str(error)) from error
    sender, recipient = parse_msisdn(line.sender), parse_msisdn(line.recipient)
    if sender is None or recipient is None:
        raise ReportLineError(f"{'to' if sender else 'from'} is no telephone number")
    if line.part > line.parts:
        raise ReportLineError(f"part {line.part} of {line.parts}")
    raw_status = line.status if line.code in {None, ""} else f"{line.status} {line.code}"
    status, at = message_status(line.status), _time(line.done or line.submitted, now)
    return DeliveryReport(line.id, sender, recipient, status, raw_status, at, line.part, line.parts)


def _time(text: str | None, now: dt.datetime) -> dt.datetime:
    """A time in ISO 8601 or YYMMDDhhmm(ss) as in SMPP; without a zone it is China's."""
    if not text:
        return now
    try:
        at = _digits(text) if text.isascii() and text.isdigit() else dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise _not_a_time(text) from error
    if at.year not in _YEARS:
        raise _not_a_time(text)
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _digits(text: str) -> dt.datetime:
    # The length is checked first: strptime reads a time from most runs of digits.
    time_format = _DIGIT_FORMATS.get(len(text))
    if time_format is None:
        raise ValueError(text)
    return dt.datetime.strptime(text, time_format).replace(tzinfo=SHANGHAI)


def _not_a_time(text: str) -> ReportLineError:
    return ReportLineError(f"{text!r} is no time such as 2026-11-22T09:30:12+08:00 or 261122093012")
