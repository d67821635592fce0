"""What the families of commands share: services opened and closed, numbers read, JSON printed."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from receipts.model import Msisdn
from receipts.numbering import parse_msisdn
from receipts.ports import StoreUnavailable
from receipts.provinces import RuleBookWrong
from switchboard import demo as demonstration
from switchboard import wiring
from switchboard.clock import ClockWrong
from switchboard.settings import Settings, SettingsWrong

_TROUBLE = (
    SettingsWrong,
    StoreUnavailable,
    RuleBookWrong,
    ClockWrong,
    demonstration.DemoFailed,
)


@contextmanager
def clearly() -> Iterator[None]:
    """Trouble is told in a sentence, not a stack trace; the exit status is 2."""
    try:
        yield
    except _TROUBLE as trouble:
        click.echo(f"sms-receipt: {trouble}", err=True)
        sys.exit(2)


@contextmanager
def opened() -> Iterator[wiring.Services]:
    """The services of these settings, let go of at the end."""
    with clearly():
        built = wiring.services(settings_here())
        try:
            yield built
        finally:
            built.memory.close()


def settings_here() -> Settings:
    """The settings; a folder that a demo ran in lends its own to commands in another terminal."""
    return Settings.read(demonstration.lent(os.environ) | os.environ)


class _Number(click.ParamType[Msisdn]):
    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Msisdn:  # fmt: skip
        number = parse_msisdn(str(value))
        if number is None:
            self.fail(f"{value!r} is no telephone number, such as 13802880000", param, ctx)
        return number


#: A telephone number on the command line, however it is spelt.
NUMBER = _Number()


def print_json(value: dict[str, Any]) -> None:
    """One value on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))
