"""Why a relayed text failed, read from the raw answer of its provider."""

from collections.abc import Callable

from receipts.model.message import FailureCause, MessageStatus
from receipts.providers import twilio_status
from receipts.providers.failure_codes import read_failure

#: Reads the status and the code of an SMSC.
ReadSmscStatus = Callable[[str, str], tuple[MessageStatus, FailureCause]]

_FAILED = frozenset({MessageStatus.FAILED, MessageStatus.EXPIRED, MessageStatus.REJECTED})

#: The first words of Kannel's raw statuses: ``type 2 UNDELIV 27``; 16 is rejected by the SMSC.
_KIND, _STATUS, _REJECTED = 1, 2, "16"


def relay_failure(
    read_smsc: ReadSmscStatus, provider: str, raw: str
) -> tuple[MessageStatus, FailureCause]:
    """Status and cause of a failure; without a known one, failed for an unknown reason."""
    if provider == "twilio":
        code, _ = read_failure(provider, raw)
        return twilio_status.message_status("failed", code)
    words = [*raw.split(), "", "", "", ""]
    status, cause = read_smsc(words[_STATUS], words[_STATUS + 1])
    if status in _FAILED:
        return status, cause
    is_rejected = words[_KIND] == _REJECTED
    return MessageStatus.REJECTED if is_rejected else MessageStatus.FAILED, FailureCause.UNKNOWN
