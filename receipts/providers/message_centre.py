"""The words of a message centre's status reports (SMPP and CMPP), in one dict."""

from receipts.model import Fate

_FATE = {
    "ACCEPTD": Fate.UNDERWAY,
    "ENROUTE": Fate.UNDERWAY,
    "DELIVRD": Fate.DELIVERED,
    "EXPIRED": Fate.EXPIRED,
    "UNDELIV": Fate.FAILED,
    "REJECTD": Fate.REJECTED,
    # Withdrawn, or nobody knows: not told to be final, so the chase speaks when time is up.
    "DELETED": Fate.UNKNOWN,
    "UNKNOWN": Fate.UNKNOWN,
}

#: Families of codes that stand in the status itself (CMPP): by their first two letters.
_FATE_OF_FAMILY = {
    "MK": Fate.FAILED,
    "MN": Fate.FAILED,
    "MI": Fate.FAILED,
    "MA": Fate.REJECTED,
}


def fate_of(status: str) -> Fate:
    """What a status means; an unknown word is never final."""
    word = status.strip().upper()
    known = _FATE.get(word)
    if known is not None:
        return known
    return _FATE_OF_FAMILY.get(word[:2], Fate.UNKNOWN) if ":" in word else Fate.UNKNOWN
