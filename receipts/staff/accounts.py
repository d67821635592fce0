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

from receipts.model.invisible import without_invisible
from receipts.model.staff import Role, StaffAccount, StaffAct
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import is_chinese_mobile
from receipts.ports.clock import Clock
from receipts.ports.staff_store import StaffStore
from receipts.ports.store import ContentionError
from receipts.staff.rights import counter_roles
from receipts.wording.catalogue import Catalogue

#: Shortest and longest password, and its fewest different characters.
MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS, _MIN_DIFFERENT = 12, 256, 5

#: A shorter account name may be a part of its password.
_MIN_FORBIDDEN_CHARS = 4

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
_MAX_SHOP_CHARS = 40
_MAX_NAME_SHOWN = 40
_MAX_REASON_CHARS = 200
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
    #: The stated reason, for the log.
    reason: str = ""
    #: Idempotency key of the form, which is taken once.
    form: str = ""


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
        must_change: bool = False,
    ) -> StaffAccount:
        """A new account; ``must_change`` asks for another password at the first sign-in."""
        name, shop = self.checked_name(name), _one_line(shop)
        if len(shop) > _MAX_SHOP_CHARS or (role in counter_roles() and not shop):
            raise StaffRefusedError("shop")
        _check_phone(phone)
        _check_password(password, name)
        digest, now = self._hasher.hash(password), self._clock.now()
        account = StaffAccount(
            name, role, digest, shop=shop, phone=phone, created_at=now, must_change=must_change
        )
        if not self._store.save(account, self._act(by, "staff_added", name, role), form=by.form):
            raise StaffRefusedError("exists", name=name)
        return account

    def checked_name(self, name: str) -> str:
        """The name of a new account as it is stored, if no account has it yet."""
        name = name.strip().lower()
        if not _NAME.fullmatch(name):
            raise StaffRefusedError("name", name=name[:_MAX_NAME_SHOWN])
        if self._store.account(name) is not None:
            raise StaffRefusedError("exists", name=name)
        return name

    def found(self, name: str) -> StaffAccount:
        """The account of this name."""
        account = self._store.account(name.strip().lower())
        if account is None:
            raise StaffRefusedError("unknown", name=name[:_MAX_NAME_SHOWN])
        return account

    def set_phone(self, name: str, phone: Msisdn | None, by: Person) -> StaffAccount:
        """The account with another phone for sign-in codes, or without one."""
        _check_phone(phone)
        return self._change(name, lambda it: replace(it, phone=phone), by, "phone_changed")

    def set_password(
        self, name: str, password: str, by: Person, *, must_change: bool = False
    ) -> StaffAccount:
        """The account with a new password; its sessions end."""
        _check_password(password, name)
        digest, is_own = self._hasher.hash(password), by.name == name

        def changed(account: StaffAccount) -> StaffAccount:
            if is_own and self.is_password(account, password):
                raise StaffRefusedError("same_password")
            return replace(
                account,
                password_digest=digest,
                must_change=must_change,
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
            if account.disabled_at:
                return account
            now = self._clock.now()
            return replace(account, disabled_at=now, generation=account.generation + 1)

        return self._change(name, changed, by, "staff_disabled", self._other_operator)

    def _other_operator(self, account: StaffAccount) -> StaffAccount | None:
        """An operator that must stay as it is while another one is disabled."""
        if account.role is not Role.OPERATOR:
            return None
        for each in self.all():
            is_other = each.role is Role.OPERATOR and each.name != account.name
            if is_other and not each.disabled_at:
                return each
        raise StaffRefusedError("last_operator")

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
        name = name.strip().lower()
        account = self._store.account(name) if _NAME.fullmatch(name) else None
        known = account or StaffAccount("", Role.CLERK, self._no_digest())
        is_right = self.is_password(known, password)
        if account is None or account.disabled_at or not is_right:
            return None
        return self._rehashed(account, password)

    def _rehashed(self, account: StaffAccount, password: str) -> StaffAccount:
        """The account with a digest under the present parameters of the hash."""
        if not self._hasher.check_needs_rehash(account.password_digest):
            return account
        digest = self._hasher.hash(password)
        after = replace(account, password_digest=digest, version=account.version + 1)
        # After a lost race the next sign-in tries again.
        is_saved = self._store.save(
            after, self._act(Person(account.name), "password_rehashed", account.name)
        )
        return after if is_saved else account

    def known_name(self, name: str) -> str:
        """The name if an account has it, else empty: a typed text may be a password."""
        name = name.strip().lower()
        return name if _NAME.fullmatch(name) and self._store.account(name) else ""

    def is_password(self, account: StaffAccount, password: str) -> bool:
        """Whether this is the account's password."""
        try:
            return self._hasher.verify(account.password_digest, password[:MAX_PASSWORD_CHARS])
        except (VerificationError, InvalidHashError):
            return False

    def _no_digest(self) -> str:
        return _digest_without_password(self._hasher)

    def _change(
        self,
        name: str,
        changed: Callable[[StaffAccount], StaffAccount],
        by: Person,
        act: str,
        unchanged: Callable[[StaffAccount], StaffAccount | None] = lambda _: None,
    ) -> StaffAccount:
        """Save a change with its act, if the account that ``unchanged`` returns stays as it is."""
        for _ in range(_MAX_ATTEMPTS):
            before = self.found(name)
            after = changed(before)
            if after == before:
                return before
            after = replace(after, version=before.version + 1)
            entry, kept = self._act(by, act, before.name), unchanged(before)
            if self._store.save(after, entry, kept, by.form):
                return after
        raise ContentionError("the account was changed by others again and again")

    def _act(self, by: Person, act: str, name: str, reason: str = "") -> StaffAct:
        stated = " · ".join(filter(None, (reason, _one_line(by.reason)[:_MAX_REASON_CHARS])))
        return StaffAct(self._clock.now(), by.name, act, name, stated, by.shop)


def _check_phone(phone: Msisdn | None) -> None:
    if phone is not None and not is_chinese_mobile(phone):
        raise StaffRefusedError("phone")


def _check_password(password: str, name: str) -> None:
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise StaffRefusedError("password_length", chars=str(MIN_PASSWORD_CHARS))
    plain = password.lower()
    has_name = len(name) >= _MIN_FORBIDDEN_CHARS and name in plain
    if len(set(plain)) < _MIN_DIFFERENT or has_name:
        raise StaffRefusedError("password_simple")


def _one_line(text: str) -> str:
    """The text on one line, without characters that are not shown."""
    return " ".join(without_invisible(text).split())


@cache
def _digest_without_password(hasher: PasswordHasher) -> str:
    """A digest that costs as much to verify as one of an account."""
    return hasher.hash("no account has this password")
