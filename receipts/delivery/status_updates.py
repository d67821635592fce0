"""News of our own receipts, whichever provider brings it."""

from receipts.charging.charges import subscription_for_charge
from receipts.delivery.digest import with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.ports.changes import CommitStatus
from receipts.ports.provider import ProviderStatus
from receipts.ports.store import ContentionError, Store

_ROUNDS = 20


def apply_status_update(
    store: Store,
    delivery: ReceiptLifecycle,
    receipt_id: str,
    status: ProviderStatus,
    raw_status: str,
    provider_id: str | None,
) -> bool:
    """One piece of news, on disk when this returns; False when no such receipt is known.

    Raises StoreUnavailable.
    """
    for _ in range(_ROUNDS):
        receipt = store.receipts([receipt_id])[0]
        if receipt is None:
            return False
        owner = subscription_for_charge(store, receipt)
        change = delivery.apply_status(receipt, status, raw_status, provider_id, owner)
        if store.commit(with_digest_members(store, change)).status is CommitStatus.COMMITTED:
            return True
    raise ContentionError("the same receipt was changed by others again and again")
