"""The call of the commit script for one change of staff, of which all keys share a hash tag."""

from receipts.model.calendar import month_of
from receipts.model.staff import StaffAct
from receipts.store.codec import encode
from receipts.store.commit_script import COMMIT_SHA
from receipts.store.pipeline import Command


def acts_key(month: str) -> str:
    """The log of acts of a month."""
    return f"{{staff}}:acts:{month}"


class StaffScript:
    """Instructions of one change, as ``commit.lua`` reads them."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._words: list[str | int | bytes] = []

    def add(self, name: str, key: str, a: str | int = "", b: str | int | bytes = "") -> None:
        """Add an instruction."""
        self._words += [name, self._keys.setdefault(key, len(self._keys) + 1), a, b]

    def act(self, act: StaffAct, seconds: int) -> None:
        """Add an act of staff to the log of its month, which is kept so long."""
        key = acts_key(month_of(act.at))
        self.add("append", key, "act", encode(act))
        self.add("expire", key, seconds)

    @property
    def command(self) -> Command:
        """The call."""
        head = ("change", 0, len(self._words) // 4, "")
        return ("EVALSHA", COMMIT_SHA, len(self._keys), *self._keys, *head, *self._words)
