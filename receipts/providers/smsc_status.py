"""Statuses and error codes of an SMSC's delivery reports (SMPP and CMPP)."""

import re
from collections.abc import Mapping
from functools import lru_cache

from receipts.model.message import FailureCause, MessageStatus

_S, _C = MessageStatus, FailureCause

#: SMPP's states in full and short (3.4, 5.2.28 and appendix B), without spaces, - and _.
_STATUS_OF_NAME = {
    **dict.fromkeys(("ACCEPTD", "ACCEPTED", "ENROUTE", "SCHEDULED"), _S.UNDERWAY),
    **dict.fromkeys(("QUEUED", "BUFFERED", "SENDING", "SENT"), _S.UNDERWAY),
    **dict.fromkeys(("DELIVRD", "DELIVERD", "DELIVERED"), _S.DELIVERED),
    **dict.fromkeys(("EXPIRED", "EXPIRD"), _S.EXPIRED),
    **dict.fromkeys(("UNDELIV", "UNDELIVERABLE", "UNDELIVERED", "UNDELIVRD"), _S.FAILED),
    "FAILED": _S.FAILED,
    **dict.fromkeys(("REJECTD", "REJECTED"), _S.REJECTED),
    # Not reported as final; the report time-out decides instead.
    **dict.fromkeys(("DELETED", "UNKNOWN", "SKIPPED"), _S.UNKNOWN),
}

#: CMPP puts an error code in place of the status; its first two letters are the family, the part
#: of the network that refused the text. Families differ by gateway: the rule book can change them.
STATUS_OF_FAMILY: Mapping[str, MessageStatus] = {
    **dict.fromkeys(("MK", "MN", "MI"), _S.FAILED),
    **dict.fromkeys(("MA", "MB", "CB", "DB", "IB", "SB"), _S.REJECTED),
    # Without a response of the next node, the text may still arrive.
    **dict.fromkeys(("CA", "DA", "IA", "IC", "SA"), _S.UNKNOWN),
}

#: Codes that state a cause; numbers are MAP errors (3GPP TS 29.002, 17.6.6), in CMPP the codes of
#: MK and MN. Any other code states none.
CAUSE_OF_CODE: Mapping[str, FailureCause] = {
    **dict.fromkeys(("1", "MK:1", "MN:1"), _C.UNKNOWN_NUMBER),
    **dict.fromkeys(("6", "27", "MK:6", "MN:6", "MK:27", "MN:27"), _C.SWITCHED_OFF),
    **dict.fromkeys(("13", "MK:13", "MN:13"), _C.BARRED),
}

_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_CODE = re.compile(r"(?:([A-Z]{2}) ?:? ?)?0*([0-9]{1,8})", re.ASCII)


class SmscStatusTable:
    """Meanings of statuses and codes, changed for a gateway by its rule book."""

    def __init__(
        self,
        families: Mapping[str, MessageStatus] | None = None,
        causes: Mapping[str, FailureCause] | None = None,
    ) -> None:
        self._families = {**STATUS_OF_FAMILY, **(families or {})}
        own = {normalise_code(code): cause for code, cause in (causes or {}).items()}
        self._causes = {**CAUSE_OF_CODE, **own}
        # A network has a few dozen pairs of status and code.
        self._known = lru_cache(maxsize=1024)(self._read)

    def read(self, status: str, code: str = "") -> tuple[MessageStatus, FailureCause]:
        """Map a status and its code; an unknown status is never final, nor a code a cause."""
        return self._known(status, code)

    def _read(self, status: str, code: str) -> tuple[MessageStatus, FailureCause]:
        name = _BETWEEN_WORDS.sub("", status.upper())
        meaning = _STATUS_OF_NAME.get(name) or self._family(status)
        if meaning in {_S.UNDERWAY, _S.DELIVERED, _S.UNKNOWN}:
            return meaning, _C.UNKNOWN
        codes = (normalise_code(each) for each in (code, status))
        return meaning, next((self._causes[c] for c in codes if c in self._causes), _C.UNKNOWN)

    def _family(self, status: str) -> MessageStatus:
        code = _CODE.fullmatch(status.strip().upper())
        return self._families.get(code[1] or "", _S.UNKNOWN) if code else _S.UNKNOWN


def normalise_code(code: str) -> str:
    """A code without leading zeros, such as ``27`` or ``MK:1``; others in capitals."""
    text = code.strip().upper()
    parts = _CODE.fullmatch(text)
    return ":".join(part for part in parts.groups() if part) if parts else text
