"""Unconfirmed claims: receipts possibly marked as being sent, but certainly not sent."""

import time
from collections.abc import Iterable

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.relays import with_followers
from receipts.model.receipt import Receipt
from receipts.ports.changes import OutboxEntry
from receipts.ports.provider import TemporaryError
from receipts.ports.store import Store

#: Time within which an unconfirmed commit may still reach the store.
_COMMIT_TIMEOUT_SECONDS = 30.0


class UnconfirmedClaims:
    """Reverts claims of one worker whose commit the store did not confirm.

    Otherwise another worker would reclaim these receipts as in doubt and look them up.
    """

    def __init__(self) -> None:
        self._claims: list[tuple[Receipt, OutboxEntry, float]] = []

    def add(self, claims: Iterable[tuple[Receipt, OutboxEntry]]) -> None:
        """Remember receipts as marked by this worker, although the commit is unconfirmed."""
        deadline = time.monotonic() + _COMMIT_TIMEOUT_SECONDS
        self._claims += [(receipt, entry, deadline) for receipt, entry in claims]

    def release(self, store: Store, delivery: ReceiptLifecycle) -> None:
        """Schedule a retry of each claim that the store has. Raises StoreUnavailableError."""
        if not self._claims:
            return
        current = store.receipts(receipt.id for receipt, _, _ in self._claims)
        pairs = list(zip(self._claims, current, strict=True))
        failure = TemporaryError("the store did not confirm in time")
        # Another worker's claim may have the same version, so whole records are compared.
        # The attempt does not count: the receipt was not sent.
        changes = [
            delivery.failed(replace(marked, attempts=marked.attempts - 1), failure, entry)
            for (marked, entry, _), found in pairs
            if found == marked
        ]
        if changes:
            store.commit_all([with_followers(store, change) for change in changes])
        self._claims = [
            claim
            for claim, found in pairs
            if found and found.version < claim[0].version and time.monotonic() < claim[2]
        ]
