"""The port of batches: lists of numbers with one act."""

from collections.abc import Sequence
from typing import Protocol

from receipts.model.counter import Batch
from receipts.model.staff import StaffAct
from receipts.model.vocabulary import Msisdn


class BatchStore(Protocol):
    """Batches in the store. Every method raises StoreUnavailableError."""

    def batch(self, batch_id: str) -> Batch | None:
        """One batch; None for an unknown id."""

    def latest(self, limit: int) -> list[Batch]:
        """The newest batches of all shops."""

    def numbers(self, batch_id: str) -> list[Msisdn] | None:
        """The numbers of a batch in their order; None once they are no longer kept."""

    def save(
        self, batch: Batch, act: StaffAct | None = None, numbers: Sequence[Msisdn] | None = None
    ) -> bool:
        """Save the next revision, with a line of the log, and the numbers of a new batch.

        False if another revision was saved first.
        """
