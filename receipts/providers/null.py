"""Null provider of commands that write notices and leave the sending to workers."""

import datetime as dt

from receipts.ports.provider import Abilities, Parcel, TryLater


class NullProvider:
    """Sends no text, so that a command needs no provider account."""

    name = "unsent"
    abilities = Abilities(flash=False, reports=False, lookup=False)

    def send(self, parcel: Parcel) -> str:
        """Always raise TryLater."""
        raise TryLater(f"nobody sends {parcel.id} here: start a worker")

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        """Always raise TryLater."""
        del since, known
        raise TryLater(f"nobody looks {parcel.id} up here")
