"""Message statuses and error codes of Twilio; the webhooks import these without the SDK."""

from receipts.model.message import Fate
from receipts.ports.provider import Told

_UNDERWAY = ("accepted", "scheduled", "queued", "sending", "sent")

#: Statuses of a person-to-person text.
_FATE = dict.fromkeys(_UNDERWAY, Fate.UNDERWAY) | {
    "delivered": Fate.DELIVERED,
    "read": Fate.DELIVERED,
    "undelivered": Fate.FAILED,
    "failed": Fate.FAILED,
    "canceled": Fate.FAILED,
}

#: Error codes that refine a failure: filtered by the network, or expired.
_FATE_OF_ERROR = {"30007": Fate.REJECTED, "30004": Fate.REJECTED, "30036": Fate.EXPIRED}

#: Statuses of one of our own receipts.
_TOLD = dict.fromkeys(_UNDERWAY, Told.UNDERWAY) | {
    "delivered": Told.DELIVERED,
    "read": Told.DELIVERED,
    "undelivered": Told.UNDELIVERED,
    "failed": Told.FAILED,
    "canceled": Told.FAILED,
}


def fate_of(status: str, error: str = "") -> Fate:
    """Map the status of a person-to-person text; an unknown one is never final."""
    fate = _FATE.get(status, Fate.UNKNOWN)
    return _FATE_OF_ERROR.get(error, fate) if fate is Fate.FAILED else fate


def told_of(status: str) -> Told:
    """Map the status of one of our receipts; an unknown one is never final."""
    return _TOLD.get(status, Told.UNKNOWN)
