"""The port of the index of subscribers' texts."""

import datetime as dt
from typing import Protocol

from receipts.model.message import IndexedText
from receipts.model.vocabulary import Msisdn


class TextIndex(Protocol):
    """Finds subscribers' texts by sender or by message id. Raises StoreUnavailableError."""

    def texts_of(self, sender: Msisdn) -> list[IndexedText]:
        """The indexed texts of one sender, oldest first, in one round trip."""

    def newest_texts_of(self, sender: Msisdn, limit: int, skip: int = 0) -> list[IndexedText]:
        """The texts of one sender behind the newest ``skip``, newest first, in one round trip."""

    def texts_between(
        self, sender: Msisdn, recipient: Msisdn, around: dt.datetime | None, limit: int
    ) -> list[IndexedText]:
        """The newest texts of a pair, or those nearest to a time, in one round trip."""

    def numbers_of(self, message_id: str, today: dt.date) -> list[tuple[Msisdn, Msisdn]]:
        """Sender and recipient of each text with this id, in any spelling of the id.

        ``today`` is the day by the machine's clock.
        """
