"""Accounts of staff: added, disabled, and given a password by another person or by their owner."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec.structs import replace

from receipts.model.staff import Role, StaffAccount, StaffAct
from receipts.model.vocabulary import Msisdn
from receipts.ports.clock import Clock
from receipts.ports.staff_store import StaffStore
from receipts.ports.store import ContentionError
from receipts.staff.rights import counter_roles
from receipts.wording.catalogue import Catalogue

#: Shortest and longest password, and its fewest different characters.
MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS, _MIN_DIFFERENT = 12, 256, 5

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
_MAX_SHOP_CHARS = 40
_MAX_ATTEMPTS = 10


class StaffRefusedError(Exception):
    """A refusal; ``key`` names its sentence in ``refusals()``."""

    def __init__(self, key: str, **params: str) -> None:
        super().__init__(refusals().render(key, "en", **params))
        self.key, self.params = key, params


@cache
def refusals() -> Catalogue:
    """Sentences of refusals, in both languages."""
    return Catalogue(Path(str(files("receipts.staff").joinpath("refusals.toml"))))


@dataclass(frozen=True, slots=True)
class Person:
    """The person behind an act: an account's name, or the machine's account of a command."""

    name: str
    shop: str = ""


class StaffAccounts:
    """Accounts. Methods raise StoreUnavailableError; changes also StaffRefusedError."""

    def __init__(
        self, store: StaffStore, clock: Clock, hasher: PasswordHasher | None = None
    ) -> None:
        self._store, self._clock = store, clock
        self._hasher = hasher or PasswordHasher()

    def all(self) -> list[StaffAccount]:
        """All accounts, by name."""
        return self._store.accounts()

    def add(
        self,
        name: str,
        role: Role,
        password: str,
        by: Person,
        *,
        shop: str = "",
        phone: Msisdn | None = None,
    ) -> StaffAccount:
        """A new account. The first one chooses its own password, others change theirs at once."""
        name, shop = name.strip().lower(), shop.strip()
        if not _NAME.fullmatch(name):
            raise StaffRefusedError("name", name=name[:40])
        if role in counter_roles() and not 0 < len(shop) <= _MAX_SHOP_CHARS:
            raise StaffRefusedError("shop")
        existing = self.all()
        if any(each.name == name for each in existing):
            raise StaffRefusedError("exists", name=name)
        self._check(password, name)
        digest, now = self._hasher.hash(password), self._clock.now()
        is_given = bool(existing) and by.name != name
        account = StaffAccount(
            name, role, digest, shop=shop, phone=phone, created_at=now, must_change=is_given
        )
        if not self._store.save(account, self._act(by, "staff_added", name, role)):
            raise StaffRefusedError("exists", name=name)
        return account

    def set_password(self, name: str, password: str, by: Person) -> StaffAccount:
        """The account with a new password; its sessions end."""
        self._check(password, name)
        digest, is_own = self._hasher.hash(password), by.name == name

        def changed(account: StaffAccount) -> StaffAccount:
            if is_own and self.is_password(account, password):
                raise StaffRefusedError("same_password")
            return replace(
                account,
                password_digest=digest,
                must_change=not is_own,
                generation=account.generation + 1,
            )

        return self._change(name, changed, by, "password_changed")

    def disable(self, name: str, by: Person) -> StaffAccount:
        """The account that can sign in no more; its sessions end.

        The last operator stays, so that accounts can be managed.
        """
        if by.name == name:
            raise StaffRefusedError("own_account")

        def changed(account: StaffAccount) -> StaffAccount:
            operators = [each for each in self.all() if each.role is Role.OPERATOR]
            left = [each for each in operators if not each.disabled_at and each.name != name]
            if account.role is Role.OPERATOR and not left:
                raise StaffRefusedError("last_operator")
            if account.disabled_at:
                return account
            now = self._clock.now()
            return replace(account, disabled_at=now, generation=account.generation + 1)

        return self._change(name, changed, by, "staff_disabled")

    def enable(self, name: str, by: Person) -> StaffAccount:
        """The account that may sign in again."""
        return self._change(name, lambda it: replace(it, disabled_at=None), by, "staff_enabled")

    def revoke_sessions(self, name: str, by: Person) -> StaffAccount:
        """The account, signed out everywhere."""
        return self._change(
            name, lambda it: replace(it, generation=it.generation + 1), by, "sessions_revoked"
        )

    def verified(self, name: str, password: str) -> StaffAccount | None:
        """The account of a right name and password; None otherwise, after the same time."""
        account = self._store.account(name.strip().lower())
        known = account or StaffAccount("", Role.CLERK, self._no_digest())
        is_right = self.is_password(known, password)
        if account is None or account.disabled_at or not is_right:
            return None
        return account

    def is_password(self, account: StaffAccount, password: str) -> bool:
        """Whether this is the account's password."""
        try:
            return self._hasher.verify(account.password_digest, password[:MAX_PASSWORD_CHARS])
        except (VerificationError, InvalidHashError):
            return False

    def _no_digest(self) -> str:
        return _digest_without_password(self._hasher)

    def _change(
        self, name: str, changed: Callable[[StaffAccount], StaffAccount], by: Person, act: str
    ) -> StaffAccount:
        for _ in range(_MAX_ATTEMPTS):
            before = self._store.account(name)
            if before is None:
                raise StaffRefusedError("unknown", name=name[:40])
            after = changed(before)
            if after == before:
                return before
            after = replace(after, version=before.version + 1)
            if self._store.save(after, self._act(by, act, name)):
                return after
        raise ContentionError("the account was changed by others again and again")

    def _act(self, by: Person, act: str, name: str, reason: str = "") -> StaffAct:
        return StaffAct(self._clock.now(), by.name, act, name, reason, by.shop)

    @staticmethod
    def _check(password: str, name: str) -> None:
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
            raise StaffRefusedError("password_length", chars=str(MIN_PASSWORD_CHARS))
        plain = password.lower()
        if len(set(plain)) < _MIN_DIFFERENT or name in plain:
            raise StaffRefusedError("password_simple")


@cache
def _digest_without_password(hasher: PasswordHasher) -> str:
    """A digest that costs as much to verify as one of an account."""
    return hasher.hash("no account has this password")
