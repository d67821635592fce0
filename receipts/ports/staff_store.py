"""The port of staff: accounts, sessions and the log of acts."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from receipts.model.staff import StaffAccount, StaffAct, StaffSession


class StaffStore(Protocol):
    """Staff in the store. Every method raises StoreUnavailableError."""

    def account(self, name: str) -> StaffAccount | None:
        """The account of this name; None if there is none."""

    def accounts(self) -> list[StaffAccount]:
        """All accounts, also disabled ones, by name."""

    def save(
        self,
        account: StaffAccount,
        act: StaffAct,
        unchanged: StaffAccount | None = None,
        form: str = "",
    ) -> bool:
        """Save the next version of an account with the act; False if another was saved first.

        False too if the account ``unchanged`` was changed since it was read. True without a change
        for a form whose key was taken before.
        """

    def record(self, acts: Sequence[StaffAct]) -> None:
        """Append acts to the log."""

    def acts(self, month: str) -> Iterator[list[StaffAct]]:
        """The acts of a month (``YYYY-MM``) in batches, newest first."""

    def session(self, key: str, name: str) -> tuple[StaffSession | None, StaffAccount | None]:
        """A session with the account of its name, in one round trip."""

    def save_session(
        self,
        key: str,
        session: StaffSession,
        seconds: int,
        act: StaffAct | None = None,
        replaced: str = "",
    ) -> bool:
        """Save the next version of a session, kept so long, with an act; False if it lost a race.

        ``replaced`` is the key of a session that ends with it.
        """

    def end_session(self, key: str, act: StaffAct) -> None:
        """Erase a session and append its act."""
