"""Nobody: for commands that write notices and leave the sending to workers."""

import datetime as dt

from receipts.ports import Abilities, Parcel, TryLater


class Unsent:
    """Carries nothing, so that a command needs no account to write a notice."""

    name = "unsent"
    abilities = Abilities(flash=False, reports=False, lookup=False)

    def send(self, parcel: Parcel) -> str:
        """Raises TryLater, always."""
        raise TryLater(f"nobody sends {parcel.id} here: start a worker")

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        """Raises TryLater, always."""
        del since, known
        raise TryLater(f"nobody looks {parcel.id} up here")
