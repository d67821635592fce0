"""Provider status updates of our own receipts, applied with optimistic locking."""

import structlog

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.receipt import Receipt
from receipts.ports.changes import CommitStatus
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import ContentionError, Store

_MAX_ATTEMPTS = 20
_FAILURES = frozenset({ProviderStatus.UNDELIVERED, ProviderStatus.FAILED})
_log = structlog.get_logger()


def apply_status_update(
    store: Store,
    delivery: ReceiptLifecycle,
    receipt_id: str,
    status: ProviderStatus,
    raw_status: str,
    provider_id: str | None,
) -> bool:
    """Commit one status update; False for an unknown receipt id.

    Raises StoreUnavailableError, or ContentionError if every attempt loses a race.
    """
    for _ in range(_MAX_ATTEMPTS):
        receipt = store.receipts([receipt_id])[0]
        if receipt is None:
            return False
        owner = subscription_for_charge(store, receipt)
        change = delivery.apply_status(receipt, status, raw_status, provider_id, owner)
        if store.commit(with_digest_members(store, change)).status is CommitStatus.COMMITTED:
            if status in _FAILURES and change.records:
                note = next((r.note for r in change.records if isinstance(r, Receipt)), None)
                _log.warning("receipt did not arrive", receipt=receipt_id, why=note or raw_status)
            return True
    raise ContentionError("the same receipt was changed by others again and again")
