"""Statuses of an SMSC's delivery reports (SMPP and CMPP)."""

from receipts.model.message import MessageStatus

_FATE = {
    "ACCEPTD": MessageStatus.UNDERWAY,
    "ENROUTE": MessageStatus.UNDERWAY,
    "DELIVRD": MessageStatus.DELIVERED,
    "EXPIRED": MessageStatus.EXPIRED,
    "UNDELIV": MessageStatus.FAILED,
    "REJECTD": MessageStatus.REJECTED,
    # Not reported as final; the report time-out decides instead.
    "DELETED": MessageStatus.UNKNOWN,
    "UNKNOWN": MessageStatus.UNKNOWN,
}

#: CMPP puts an error code in place of the status; its first two letters are the family.
_FATE_OF_FAMILY = {
    "MK": MessageStatus.FAILED,
    "MN": MessageStatus.FAILED,
    "MI": MessageStatus.FAILED,
    "MA": MessageStatus.REJECTED,
}


def message_status(status: str) -> MessageStatus:
    """Map a status of the SMSC; an unknown one is never final."""
    raw_status = status.strip().upper()
    family = raw_status[:2] if ":" in raw_status else ""
    return _FATE.get(raw_status) or _FATE_OF_FAMILY.get(family, MessageStatus.UNKNOWN)
