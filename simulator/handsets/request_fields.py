"""JSON bodies and query parameters of the handset API; a wrong one is answered with 400."""

import math
from typing import Annotated, Literal, TypeVar

import msgspec
from flask import request
from msgspec import Meta
from werkzeug.exceptions import BadRequest

from simulator.errors import HandsetInputError
from simulator.fault_injection import FaultKind, ProviderApi
from simulator.network.numbering import canonical
from simulator.twilio.request_checks import LONGEST_BODY

_MAX_WAIT_SECONDS = 30.0

Body = TypeVar("Body")


class NewPhone(msgspec.Struct):
    """A phone to put on the page."""

    number: str
    label: Annotated[str, Meta(max_length=40)] = ""


class NewText(msgspec.Struct):
    """A text to send."""

    to: str
    body: Annotated[str, Meta(max_length=LONGEST_BODY)]


class Power(msgspec.Struct):
    """The power switch."""

    on: bool


class NewCall(msgspec.Struct):
    """A call to make."""

    to: str
    withheld: bool = False


class CallInput(msgspec.Struct):
    """Keys or speech during a call."""

    digits: Annotated[str, Meta(pattern=r"^[0-9*#]{1,50}\Z")] = ""
    speech: Annotated[str, Meta(pattern=r"\S", max_length=500)] = ""


class NewFault(msgspec.Struct):
    """A fault to switch on."""

    api: ProviderApi
    kind: FaultKind
    count: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    seconds: Annotated[float, Meta(ge=0, le=120)] | None = None
    reads: bool = False


class ClockMove(msgspec.Struct):
    """A move of the service's clock."""

    move: Literal["now", "+1h", "+48h", "month_end"]


class Nothing(msgspec.Struct):
    """A request without fields."""


def json_body(kind: type[Body]) -> Body:
    """Return the JSON object of the request. Raises: BadRequest."""
    # The content type also keeps out forms of other sites.
    if not request.is_json:
        raise BadRequest("Send one JSON object, with Content-Type: application/json.")
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadRequest(f"The JSON object is not right: {error}.") from error


def phone_number(text: str) -> str:
    """Return the canonical form of a number. Raises: HandsetInputError."""
    number = canonical(text)
    if not number:
        raise HandsetInputError(f"“{text}”不是电话号码。", f"{text!r} is not a phone number.")
    return number


def poll_parameters() -> tuple[int, float]:
    """Return the sequence number and the seconds to wait of a poll. Raises: BadRequest."""
    try:
        after = int(request.args.get("after", "0"))
        wait_seconds = float(request.args.get("wait", "0"))
    except ValueError:
        raise BadRequest("'after' must be a whole number and 'wait' a number of seconds.") from None
    if after < 0 or not math.isfinite(wait_seconds) or wait_seconds < 0:
        raise BadRequest("'after' and 'wait' must not be negative.")
    return after, min(wait_seconds, _MAX_WAIT_SECONDS)
