"""Record who of the staff looks at a customer's data, and why."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.bootstrap import Container
from commands.params import open_services
from receipts.model.vocabulary import Msisdn
from receipts.staff.looks import record_looks

why_option = click.option(
    "--why", default="", metavar="REASON", help="Reason for looking, for `export lookups`."
)


def operator_account() -> str:
    """The account that runs this command; behind sudo, the one that called it."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


@contextmanager
def look_at(number: Msisdn, command: str, why: str) -> Iterator[Container]:
    """The services, as ``open_services`` opens them; the look is on record before it is shown."""
    with open_services() as services:
        record_look(services, number, command, why)
        yield services


def record_look(services: Container, number: Msisdn, command: str, why: str) -> None:
    """Record a look at a customer's data. Raises StoreUnavailableError."""
    record_looks(services.store, services.clock, [number], command, operator_account(), why)
