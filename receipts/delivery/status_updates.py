"""News of our own receipts, whichever provider brings it."""

from receipts.charging.charges import owner_of
from receipts.delivery.digest import with_members
from receipts.delivery.lifecycle import Delivery
from receipts.ports.changes import Verdict
from receipts.ports.provider import Told
from receipts.ports.store import Contended, Store

_ROUNDS = 20


def take_news(
    store: Store,
    delivery: Delivery,
    receipt_id: str,
    told: Told,
    word: str,
    provider_id: str | None,
) -> bool:
    """One piece of news, on disk when this returns; False when no such receipt is known.

    Raises StoreUnavailable.
    """
    for _ in range(_ROUNDS):
        receipt = store.receipts([receipt_id])[0]
        if receipt is None:
            return False
        owner = owner_of(store, receipt)
        change = delivery.told(receipt, told, word, provider_id, owner)
        if store.commit(with_members(store, change)).verdict is Verdict.DONE:
            return True
    raise Contended("the same receipt was changed by others again and again")
