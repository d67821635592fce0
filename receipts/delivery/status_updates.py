"""Provider status updates of our own receipts, applied with optimistic locking."""

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.ports.changes import CommitStatus
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import ContentionError, Store

_MAX_ATTEMPTS = 20


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
            return True
    raise ContentionError("the same receipt was changed by others again and again")
