"""A journey as the plain values that the command prints."""

from typing import Any

from msgspec.structs import fields

from app.exports.serializers import plain_value
from receipts.model.calendar import SHANGHAI
from receipts.reports.journey import Journey
from receipts.reports.journey_steps import JourneyStep


def serialize_summary(journey: Journey) -> dict[str, Any]:
    """A text in a list of several: time, numbers, ids, status and result."""
    trace, receipt = journey.trace, journey.receipts[-1] if journey.receipts else None
    return {
        "at": plain_value(journey.at),
        "from": str(journey.number),
        "to": journey.recipient and str(journey.recipient),
        "message_id": journey.message_id or None,
        "fate": plain_value(trace.status) if trace else None,
        "receipt": receipt and receipt.id,
        "state": receipt and plain_value(receipt.state),
        "why_not": plain_value(trace.no_receipt_reason) if trace else None,
        "fen": sum(charge.fen for charge in journey.charges),
    }


def serialize_journey(journey: Journey) -> dict[str, Any]:
    """A text with its steps on one line of time."""
    return serialize_summary(journey) | {"steps": [_serialize_step(s) for s in journey.steps]}


def _serialize_step(step: JourneyStep) -> dict[str, Any]:
    named = {each.name: getattr(step, each.name) for each in fields(step)}
    at, kind = named.pop("at"), named.pop("kind")
    if named.pop("is_day"):
        moment: object = at.astimezone(SHANGHAI).date().isoformat()
    else:
        moment = plain_value(at)
    about = {name: plain_value(each) for name, each in named.items() if each not in ("", None)}
    return {"at": moment, "step": kind.value, "about": about}
