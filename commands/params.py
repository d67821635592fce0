"""Shared parts of the commands: parameter types, options, the services, errors."""

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import copy
from functools import partial

import click

from app import bootstrap
from app.clock import clock_for
from app.settings import Settings, SettingsError
from commands import demo
from receipts.model.calendar import MonthError, month_of, month_start
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn


class CommandError(click.ClickException):
    """An error printed as one sentence on standard error; the exit status is 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the sentence, with the program's name before it."""
        del file
        click.echo(f"sms-receipt: {self.message}", err=True)


class NotFoundError(CommandError):
    """No store runs, or no record was found; the exit status is 1."""

    exit_code = 1


def _number(value: str) -> Msisdn:
    number = parse_msisdn(value)
    if number is None:
        raise click.BadParameter(f"{value!r} is not a phone number. Example: 13802880000")
    return number


def _month(value: str) -> str:
    try:
        return month_start(value).strftime("%Y-%m")
    except MonthError as error:
        raise click.BadParameter(str(error)) from error


def whole_number(least: int, most: int | None = None) -> "click.types.FuncParamType[str, int]":
    """A parameter type: a whole number within bounds, both included."""

    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if number < least or (most is not None and number > most):
            bounds = f"of {least} or more" if most is None else f"from {least} to {most}"
            raise click.BadParameter(f"{str(value)!r} is not a whole number {bounds}")
        return number

    kind = click.types.FuncParamType(read)
    kind.name = "N"  # in --help
    return kind


#: A telephone number in any usual spelling, as E.164.
MSISDN = click.types.FuncParamType(_number)
#: A calendar month in China: 2026-9 becomes 2026-09.
MONTH = click.types.FuncParamType(_month)
MONTH.name = "YYYY-MM"  # in --help

#: Placeholder of the current month in examples, which can be run as printed.
THIS_MONTH = "{this month}"

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on a terminal too.")


def examples(*lines: str) -> str:
    """An epilog for --help that lists commands as they are typed."""
    # \b keeps click from joining the lines into a paragraph.
    return "\b\nExamples:\n" + "\n".join(f"  sms-receipt {line}" for line in lines)


def _clock_now() -> dt.datetime:
    """The service's time; the machine's without settings."""
    try:
        # Help is printed whether a demo runs or not.
        settings = Settings.read(demo.running_settings(os.environ, lambda _: None) | os.environ)
    except SettingsError:
        return dt.datetime.now(dt.UTC)
    return clock_for(settings.data_dir, movable=settings.movable_clock).now()


def with_current_month(command: click.Command) -> click.Command:
    """The command, with the month in China by the service's clock in its examples."""
    filled = copy(command)
    month = month_of(_clock_now())
    filled.epilog = command.epilog and command.epilog.replace(THIS_MONTH, month)
    return filled


def read_settings() -> Settings:
    """The settings, completed by those of a demo that runs in the same folder.

    Raises SettingsError.
    """
    return Settings.read(with_running_demo())


def with_running_demo() -> dict[str, str]:
    """The environment, completed by the settings of a demo that runs in the same folder."""
    return demo.running_settings(os.environ, partial(click.echo, err=True)) | os.environ


@contextmanager
def open_services() -> Iterator[bootstrap.Container]:
    """The services of the settings, with the store open for as long as the command runs.

    Raises SettingsError, RuleBookError, StoreUnavailableError.
    """
    services = bootstrap.services(read_settings())
    with closing(services.clients):
        yield services


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
