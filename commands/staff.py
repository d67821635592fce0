"""The commands ``staff``: accounts of clerks, supervisors, operators and auditors."""

import sys
from typing import Any

import click

from app.bootstrap import Container
from app.exports.serializers import plain_value
from commands.params import (
    MSISDN,
    CommandError,
    NotFoundError,
    examples,
    json_option,
    open_services,
)
from commands.privacy.lookups import operator_account
from commands.tables import Column, print_json, print_records
from receipts.model.staff import Role, StaffAccount
from receipts.model.vocabulary import Msisdn
from receipts.staff.accounts import (
    MAX_PASSWORD_CHARS,
    MIN_PASSWORD_CHARS,
    Person,
    StaffAccounts,
    StaffRefusedError,
)

_COLUMNS = (
    Column("Name", "name"),
    Column("Role", "role"),
    Column("Shop", "shop", wrap=True),
    Column("Phone", "phone", wide=True),
    Column("State", "state", styles={"active": "green", "disabled": "red"}),
    Column("Added", "created_at"),
    Column("Disabled", "disabled_at", wide=True),
)

_ROLE = click.Choice([role.value for role in Role])

_password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of input."
)


class _StaffGroup(click.Group):
    """Commands whose refusals are one sentence each."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Raises CommandError for a refusal."""
        try:
            return super().invoke(ctx)
        except StaffRefusedError as refused:
            shown_as = NotFoundError if refused.key == "unknown" else CommandError
            raise shown_as(str(refused)) from refused


@click.group(
    cls=_StaffGroup,
    epilog=examples("staff add an.li --role operator", "staff list", "staff disable an.li"),
)
def staff() -> None:
    """Manage the accounts of staff.

    An account signs in at /counter/ or /console/, as its role allows.
    """


@staff.command(
    epilog=examples(
        "staff add an.li --role operator",
        'staff add bo.wu --role clerk --shop "Tianhe 12" --phone 13802880000',
    )
)
@click.argument("name")
@click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role]),
    help="Role, which decides the rights.",
)
@click.option("--shop", default="", help="Shop; a clerk and a supervisor need one.")
@click.option("--phone", type=MSISDN, help="Mobile number for sign-in codes.")
@_password_option
def add(name: str, role: str, shop: str, phone: Msisdn | None, *, password_stdin: bool) -> None:
    """Add an account.

    Asks for its password twice. No account has a preset password.
    """
    with open_services() as services:
        accounts, by = _accounts(services), _operator()
        name = accounts.checked_name(name)
        password = _password(from_stdin=password_stdin)
        account = accounts.add(name, Role(role), password, by, shop=shop, phone=phone)
    print_json(_plain(account))


@staff.command("list", epilog=examples("staff list", "staff list --json"))
@json_option
def list_(*, as_json: bool) -> None:
    """List all accounts, also disabled ones."""
    with open_services() as services:
        rows = [_plain(account) for account in _accounts(services).all()]
    empty = "no accounts; add an operator: sms-receipt staff add NAME --role operator"
    print_records(rows, _COLUMNS, as_json=as_json, empty=empty)


@staff.command(epilog=examples("staff disable bo.wu"))
@click.argument("name")
def disable(name: str) -> None:
    """Disable an account and end its sessions.

    The last active operator cannot be disabled.
    """
    with open_services() as services:
        account = _accounts(services).disable(name, _operator())
    print_json(_plain(account))


@staff.command(epilog=examples("staff enable bo.wu"))
@click.argument("name")
def enable(name: str) -> None:
    """Enable a disabled account."""
    with open_services() as services:
        account = _accounts(services).enable(name, _operator())
    print_json(_plain(account))


@staff.command("password", epilog=examples("staff password bo.wu"))
@click.argument("name")
@_password_option
def set_password(name: str, *, password_stdin: bool) -> None:
    """Set a password and end the account's sessions."""
    with open_services() as services:
        accounts = _accounts(services)
        accounts.found(name)
        password = _password(from_stdin=password_stdin)
        account = accounts.set_password(name, password, _operator())
    print_json(_plain(account))


@staff.command("phone", epilog=examples("staff phone bo.wu 13802880000", "staff phone bo.wu"))
@click.argument("name")
@click.argument("number", type=MSISDN, required=False)
def set_phone(name: str, number: Msisdn | None) -> None:
    """Set the phone for sign-in codes.

    Without NUMBER, the account has no phone.
    """
    with open_services() as services:
        account = _accounts(services).set_phone(name, number, _operator())
    print_json(_plain(account))


@staff.command("sign-out", epilog=examples("staff sign-out bo.wu"))
@click.argument("name")
def sign_out(name: str) -> None:
    """End all sessions of an account."""
    with open_services() as services:
        account = _accounts(services).revoke_sessions(name, _operator())
    print_json(_plain(account))


def _accounts(services: Container) -> StaffAccounts:
    return StaffAccounts(services.clients.staff, services.clock)


def _operator() -> Person:
    """The machine's account, marked so that no account of staff has its name."""
    return Person(f"command:{operator_account()}")


def _password(*, from_stdin: bool) -> str:
    """The password, typed twice without being shown, or the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline(MAX_PASSWORD_CHARS + 2).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CommandError("standard input is no terminal: pass --password-stdin")
    label = f"Password (at least {MIN_PASSWORD_CHARS} characters)"
    typed: str = click.prompt(label, hide_input=True, confirmation_prompt=True, err=True)
    return typed


def _plain(account: StaffAccount) -> dict[str, Any]:
    """An account as the commands print it, without its password."""
    values = {
        "name": account.name,
        "role": account.role,
        "shop": account.shop,
        "phone": account.phone.masked if account.phone else None,
        "state": "disabled" if account.disabled_at else "active",
        "created_at": account.created_at,
        "disabled_at": account.disabled_at,
    }
    return {name: plain_value(value) for name, value in values.items()}
