from receipts.delivery.in_doubt import LOOKUP
from receipts.model.receipt import Receipt
from receipts.ports.provider import (
    FoundMessage,
    PermanentError,
    ProviderError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.rulebook.schema import SendingRules
from tests.support.sending import Desk

RULES = SendingRules()
TEMPORARY, PERMANENT = TemporaryError("busy"), PermanentError("opted out")
UNKNOWN = UnknownOutcomeError("no answer")
FINAL = (ProviderStatus.DELIVERED, ProviderStatus.UNDELIVERED, ProviderStatus.FAILED)


def accept(desk: Desk, receipt: Receipt) -> Receipt:
    """Send it; its provider accepts it as SM1."""
    entry = desk.begin(receipt)
    desk.settle(desk.delivery.accepted(desk.now(receipt), "SM1", entry))
    return desk.now(receipt)


def fail(desk: Desk, receipt: Receipt, failure: ProviderError, *unavailable: str) -> Receipt:
    """Send it; its provider fails so."""
    entry = desk.begin(receipt)
    desk.settle(desk.delivery.failed(desk.now(receipt), failure, entry, unavailable))
    return desk.now(receipt)


def report(
    desk: Desk, receipt: Receipt, status: ProviderStatus, raw: str = "", provider_id: str = "SM1"
) -> Receipt:
    """Apply a status update."""
    now = desk.now(receipt)
    desk.settle(desk.delivery.apply_status(now, status, raw or status.value, provider_id))
    return desk.now(receipt)


def look_up(desk: Desk, receipt: Receipt, found: str | None) -> Receipt:
    """Fire the look-up that is due next, with this result."""
    (timer,) = desk.timers()
    assert timer.kind == LOOKUP
    now, delivery = desk.now(receipt), desk.delivery
    change = delivery.in_doubt.lookup_missed(now, timer)
    desk.settle(delivery.lookup_found(now, FoundMessage(found), timer) if found else change)
    return desk.now(receipt)


def raw_statuses(receipt: Receipt) -> list[str]:
    return [update.raw_status for update in receipt.history]


def is_idle(desk: Desk) -> bool:
    """Whether the outbox, the timers and the charges are all empty."""
    return (desk.timers(), desk.in_outbox(), desk.charges()) == ([], [], [])
