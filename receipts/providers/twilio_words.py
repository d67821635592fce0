"""What Twilio's words for the fate of a text mean; doors need these, and not its SDK."""

from receipts.delivery import Told
from receipts.model import Fate

#: What became of a customer's text, in the words of its status callbacks.
_FATE = {
    "accepted": Fate.UNDERWAY,
    "scheduled": Fate.UNDERWAY,
    "queued": Fate.UNDERWAY,
    "sending": Fate.UNDERWAY,
    "sent": Fate.UNDERWAY,
    "delivered": Fate.DELIVERED,
    "read": Fate.DELIVERED,
    "undelivered": Fate.FAILED,
    "failed": Fate.FAILED,
    "canceled": Fate.FAILED,
}

#: Error codes that say more than "failed": refused by the network, or run out of time.
_FATE_OF_ERROR = {"30007": Fate.REJECTED, "30004": Fate.REJECTED, "30036": Fate.EXPIRED}

#: What it says of a receipt of ours.
_TOLD = {
    "accepted": Told.UNDERWAY,
    "scheduled": Told.UNDERWAY,
    "queued": Told.UNDERWAY,
    "sending": Told.UNDERWAY,
    "sent": Told.UNDERWAY,
    "delivered": Told.DELIVERED,
    "read": Told.DELIVERED,
    "undelivered": Told.UNDELIVERED,
    "failed": Told.FAILED,
    "canceled": Told.FAILED,
}


def fate_of(status: str, error: str = "") -> Fate:
    """What a status of a person-to-person text means; an unknown word is never final."""
    fate = _FATE.get(status, Fate.UNKNOWN)
    return _FATE_OF_ERROR.get(error, fate) if fate is Fate.FAILED else fate


def told_of(status: str) -> Told:
    """What a status of our own receipt means; an unknown word is never final."""
    return _TOLD.get(status, Told.UNKNOWN)
