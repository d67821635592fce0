"""Message statuses and error codes of Twilio; the webhooks import these without the SDK."""

from receipts.model.message import MessageStatus
from receipts.ports.provider import ProviderStatus

_UNDERWAY = ("accepted", "scheduled", "queued", "sending", "sent")
_UNKNOWN = (MessageStatus.UNKNOWN, ProviderStatus.UNKNOWN)

#: Meaning of a status for a person-to-person text, and for one of our own receipts.
_MEANINGS = {
    **dict.fromkeys(_UNDERWAY, (MessageStatus.UNDERWAY, ProviderStatus.UNDERWAY)),
    **dict.fromkeys(("delivered", "read"), (MessageStatus.DELIVERED, ProviderStatus.DELIVERED)),
    **dict.fromkeys(("failed", "canceled"), (MessageStatus.FAILED, ProviderStatus.FAILED)),
    "undelivered": (MessageStatus.FAILED, ProviderStatus.UNDELIVERED),
}

#: Error codes that refine a failure: filtered by the network, or expired.
_FATE_OF_ERROR = {
    "30007": MessageStatus.REJECTED,
    "30004": MessageStatus.REJECTED,
    "30036": MessageStatus.EXPIRED,
}


def message_status(status: str, error: str = "") -> MessageStatus:
    """Map the status of a person-to-person text; an unknown one is never final."""
    fate, _ = _MEANINGS.get(status, _UNKNOWN)
    return _FATE_OF_ERROR.get(error, fate) if fate is MessageStatus.FAILED else fate


def provider_status(status: str) -> ProviderStatus:
    """Map the status of one of our receipts; an unknown one is never final."""
    return _MEANINGS.get(status, _UNKNOWN)[1]
