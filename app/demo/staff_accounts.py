"""Accounts of staff in a demo: a clerk with a shop and an operator, with generated passwords."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.bootstrap import Container
from receipts.model.staff import Role
from receipts.staff.accounts import Person, StaffAccounts, StaffRefusedError

#: The demo's own settings with the password of each account.
PASSWORD_SETTINGS = {Role.CLERK: "DEMO_CLERK_PASSWORD", Role.OPERATOR: "DEMO_OPERATOR_PASSWORD"}

_SHOP = "Tianhe"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account as the demo prints it; without a password if it is no longer the generated one."""

    name: str
    password: str
    shop: str


def make_accounts(container: Container, environ: Mapping[str, str]) -> Iterable[DemoAccount]:
    """Add the accounts that are missing, and yield all of them. Raises StoreUnavailableError."""
    accounts = StaffAccounts(container.clients.staff, container.clock)
    for role, setting in PASSWORD_SETTINGS.items():
        name, password = role.value, environ[setting]
        shop = _SHOP if role is Role.CLERK else ""
        try:
            accounts.add(name, role, password, Person("command:demo"), shop=shop)
        except StaffRefusedError as refused:
            if refused.key != "exists":
                raise
        found = accounts.verified(name, password)
        yield DemoAccount(name, password if found else "", found.shop if found else shop)
