"""The message centre's delivery report feed: many reports a request, one JSON object a line."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

import msgspec
import structlog
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from callbacks.app import CallbackRoute, json_response
from callbacks.plain_values import Field, OptionalFields, part_of, plain_value
from receipts.model.message import DeliveryReport, FailureCause, MessageStatus
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.clock import Clock
from receipts.reports.reported_time import read_time
from receipts.reports.service import ReportService

_log = structlog.get_logger()

#: Reports in one request; a message centre with more sends another request.
MAX_REPORTS = 5000

#: Characters of the required fields.
_MAX_ID_LENGTH, _MAX_STATUS_LENGTH, _MAX_NUMBER_LENGTH = 128, 32, 64

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MISSING = msgspec.Raw(b"null")

F = TypeVar("F", bound=Field)

#: Reads a status and its code.
StatusReader = Callable[[str, str], tuple[MessageStatus, FailureCause]]


class ReportLine(msgspec.Struct, Generic[F], frozen=True):
    """One line of the feed; unknown fields are ignored."""

    id: F | msgspec.Raw = _MISSING
    sender: F | msgspec.Raw = msgspec.field(name="from", default=_MISSING)
    recipient: F | msgspec.Raw = msgspec.field(name="to", default=_MISSING)
    status: F | msgspec.Raw = _MISSING
    code: F | msgspec.Raw = _MISSING
    submitted: F | msgspec.Raw = _MISSING
    done: F | msgspec.Raw = _MISSING
    part: F | msgspec.Raw = _MISSING
    parts: F | msgspec.Raw = _MISSING


class ReportLineError(ValueError):
    """A line that is not a report; the message is the reason."""


#: What a line that is no JSON object of such fields raises.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_plain_decoder = msgspec.json.Decoder(ReportLine[str | int | None])
#: Leaves each field as it is: one that cannot be read must not lose the line.
_raw_decoder = msgspec.json.Decoder(ReportLine[msgspec.Raw])


def feed_routes(
    reports: ReportService,
    clock: Clock,
    read_status: StatusReader,
    verified_body: Callable[[Request], bytes],
) -> tuple[CallbackRoute, ...]:
    """``POST /feed/reports``: the response follows the commit; a repeated batch changes nothing.

    ``verified_body`` verifies a request and returns its body.
    """

    def feed_reports(request: Request) -> Response:
        accepted: list[DeliveryReport] = []
        refused: list[dict[str, object]] = []
        lines: list[bytes] = []
        now = clock.now()
        for number, line in _lines(verified_body(request)):
            try:
                accepted.append(_report(line, now, read_status))
            except ReportLineError as error:
                refused.append({"line": number, "error": str(error)})
                lines.append(line)
        result = reports.ingest_batch(accepted)
        if refused:
            reports.count_refused(lines)
            _log.warning("lines of the feed refused", count=len(refused), first=refused[0])
        counts = {"accepted": result.accepted, "repeated": result.repeated}
        return json_response(counts | {"refused": refused})

    return (CallbackRoute("feed.feed_reports", "POST", "/feed/reports", feed_reports),)


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, numbered from 1. Raises RequestEntityTooLarge."""
    bare = (line.strip().removeprefix(_BYTE_ORDER_MARK).strip() for line in io.BytesIO(body))
    lines = ((number, line) for number, line in enumerate(bare, 1) if line)
    for count, numbered in enumerate(lines):
        if count == MAX_REPORTS:
            text = f"more than {MAX_REPORTS} reports: send them in several requests"
            raise RequestEntityTooLarge(text)
        yield numbered


def _report(raw: bytes, now: dt.datetime, read_status: StatusReader) -> DeliveryReport:
    """The report of a line; a field without which it is none must have a plain value."""
    line = _decoded(raw)
    message_id = _required("id", line.id, _MAX_ID_LENGTH)
    sender, recipient = _number("from", line.sender), _number("to", line.recipient)
    status = _required("status", line.status, _MAX_STATUS_LENGTH)
    optional = OptionalFields()
    code = optional.read("code", line.code, str) or ""
    submitted = optional.read("submitted", line.submitted, lambda text: read_time(text, now))
    done = optional.read("done", line.done, lambda text: read_time(text, now))
    part, parts = part_of(optional, line.part, line.parts)
    meaning, cause = read_status(status, code)
    return DeliveryReport(
        message_id,
        sender,
        recipient,
        meaning,
        f"{status} {code}".strip(),
        now,
        part,
        parts,
        cause=cause,
        submitted=submitted,
        done=done,
        unread=optional.unread,
    )


def _decoded(raw: bytes) -> ReportLine[str | int | None] | ReportLine[msgspec.Raw]:
    # Most lines have texts and integers alone, which are decoded at once at half the cost.
    with suppress(*_UNDECODABLE):
        return _plain_decoder.decode(raw)
    try:
        return _raw_decoder.decode(raw)
    except _UNDECODABLE as error:
        raise ReportLineError(str(error)) from error


def _required(name: str, field: Field, longest: int) -> str:
    text = plain_value(field)
    if not text:
        raise ReportLineError(f"“{name}” is missing, or neither text nor number")
    if len(text) > longest:
        raise ReportLineError(f"“{name}” has more than {longest} characters")
    return text


def _number(name: str, field: Field) -> Msisdn:
    number = parse_msisdn(_required(name, field, _MAX_NUMBER_LENGTH))
    if number is None:
        raise ReportLineError(f"“{name}” is not a phone number")
    return number
