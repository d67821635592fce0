"""Shared parts of the commands: parameter types, options, the services, errors."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app import bootstrap
from app.settings import Settings
from commands import demo
from receipts.model.calendar import MonthError, month_start
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn


class CommandError(click.ClickException):
    """An error printed as one sentence on standard error; the exit status is 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the sentence, with the program's name before it."""
        del file
        click.echo(f"sms-receipt: {self.message}", err=True)


class NoStoreError(CommandError):
    """No store runs where the command looked; the exit status is 1."""

    exit_code = 1


class MsisdnType(click.ParamType[Msisdn]):
    """A telephone number in any usual spelling."""

    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Msisdn:  # fmt: skip
        """The number in E.164."""
        number = parse_msisdn(str(value))
        if number is None:
            self.fail(f"{value!r} is no telephone number, such as 13802880000", param, ctx)
        return number


class MonthType(click.ParamType[str]):
    """A calendar month in China."""

    name = "YYYY-MM"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:  # fmt: skip
        """The month as YYYY-MM: 2026-9 becomes 2026-09."""
        try:
            return month_start(str(value)).strftime("%Y-%m")
        except MonthError as error:
            self.fail(str(error), param, ctx)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on a terminal too.")


def examples(*lines: str) -> str:
    """An epilog for --help that lists commands as they are typed."""
    # \b keeps click from joining the lines into a paragraph.
    return "\b\nExamples:\n" + "\n".join(f"  sms-receipt {line}" for line in lines)


def read_settings() -> Settings:
    """The settings, completed by those of a demo that ran in the same folder.

    Raises SettingsError.
    """
    return Settings.read(demo.saved_settings(os.environ) | os.environ)


@contextmanager
def open_services() -> Iterator[bootstrap.Container]:
    """The services of the settings, with the store open for as long as the command runs.

    Raises SettingsError, RuleBookError, StoreUnavailableError.
    """
    services = bootstrap.services(read_settings())
    try:
        yield services
    finally:
        services.clients.close()


@contextmanager
def file_errors(advice: str) -> Iterator[None]:
    """Turn an error of a file into a CommandError that names the file and ends with advice."""
    try:
        yield
    except BrokenPipeError:  # click ends quietly when the reader of a pipe has gone
        raise
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        raise CommandError(f"{about}{error.strerror}; {advice}") from error
