"""Statuses of an SMSC's delivery reports (SMPP and CMPP)."""

from receipts.model.message import Fate

_FATE = {
    "ACCEPTD": Fate.UNDERWAY,
    "ENROUTE": Fate.UNDERWAY,
    "DELIVRD": Fate.DELIVERED,
    "EXPIRED": Fate.EXPIRED,
    "UNDELIV": Fate.FAILED,
    "REJECTD": Fate.REJECTED,
    # Not reported as final; the report time-out decides instead.
    "DELETED": Fate.UNKNOWN,
    "UNKNOWN": Fate.UNKNOWN,
}

#: CMPP puts an error code in place of the status; its first two letters are the family.
_FATE_OF_FAMILY = {
    "MK": Fate.FAILED,
    "MN": Fate.FAILED,
    "MI": Fate.FAILED,
    "MA": Fate.REJECTED,
}


def fate_of(status: str) -> Fate:
    """Map a status of the SMSC; an unknown one is never final."""
    raw_status = status.strip().upper()
    family = raw_status[:2] if ":" in raw_status else ""
    return _FATE.get(raw_status) or _FATE_OF_FAMILY.get(family, Fate.UNKNOWN)
