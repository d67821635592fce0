"""Message statuses and error codes of Twilio; the webhooks import these without the SDK."""

from receipts.model.message import MessageStatus
from receipts.ports.provider import ProviderStatus

_UNDERWAY = ("accepted", "scheduled", "queued", "sending", "sent")

#: Statuses of a person-to-person text.
_FATE = dict.fromkeys(_UNDERWAY, MessageStatus.UNDERWAY) | {
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.DELIVERED,
    "undelivered": MessageStatus.FAILED,
    "failed": MessageStatus.FAILED,
    "canceled": MessageStatus.FAILED,
}

#: Error codes that refine a failure: filtered by the network, or expired.
_FATE_OF_ERROR = {
    "30007": MessageStatus.REJECTED,
    "30004": MessageStatus.REJECTED,
    "30036": MessageStatus.EXPIRED,
}

#: Statuses of one of our own receipts.
_TOLD = dict.fromkeys(_UNDERWAY, ProviderStatus.UNDERWAY) | {
    "delivered": ProviderStatus.DELIVERED,
    "read": ProviderStatus.DELIVERED,
    "undelivered": ProviderStatus.UNDELIVERED,
    "failed": ProviderStatus.FAILED,
    "canceled": ProviderStatus.FAILED,
}


def message_status(status: str, error: str = "") -> MessageStatus:
    """Map the status of a person-to-person text; an unknown one is never final."""
    fate = _FATE.get(status, MessageStatus.UNKNOWN)
    return _FATE_OF_ERROR.get(error, fate) if fate is MessageStatus.FAILED else fate


def provider_status(status: str) -> ProviderStatus:
    """Map the status of one of our receipts; an unknown one is never final."""
    return _TOLD.get(status, ProviderStatus.UNKNOWN)
