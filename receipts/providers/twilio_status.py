"""Message statuses and error codes of Twilio; the webhooks import these without the SDK."""

from receipts.model.message import FailureCause, MessageStatus
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

#: Error codes that refine a failure: rejected on the way, or expired in Twilio's queue.
_STATUS_OF_ERROR = {
    "30004": MessageStatus.REJECTED,
    "30007": MessageStatus.REJECTED,
    "30036": MessageStatus.EXPIRED,
    "21610": MessageStatus.REJECTED,
}

#: Error codes that state a cause at the recipient. The other codes are about the sender, the
#: carrier or the contents, or they say that the cause is not known.
_CAUSE_OF_ERROR = {
    "30003": FailureCause.SWITCHED_OFF,
    "30004": FailureCause.REFUSED,
    "30005": FailureCause.UNKNOWN_NUMBER,
    "21610": FailureCause.REFUSED,
}


def message_status(status: str, error: str = "") -> tuple[MessageStatus, FailureCause]:
    """Map the status of a person-to-person text; an unknown one is never final."""
    meaning, _ = _MEANINGS.get(status, _UNKNOWN)
    if meaning is not MessageStatus.FAILED:
        return meaning, FailureCause.UNKNOWN
    code = error.strip()
    cause = _CAUSE_OF_ERROR.get(code, FailureCause.UNKNOWN)
    return _STATUS_OF_ERROR.get(code, meaning), cause


def provider_status(status: str) -> ProviderStatus:
    """Map the status of one of our receipts; an unknown one is never final."""
    return _MEANINGS.get(status, _UNKNOWN)[1]
