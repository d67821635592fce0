"""What commands take: telephone numbers and calendar months, refused in a sentence when wrong."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import click

from receipts.model import Msisdn
from receipts.months import MonthWrong, month_start
from receipts.numbering import parse_msisdn
from switchboard import wiring

#: What commands are handed: the services, opened for as long as a command runs.
Services = Callable[[], AbstractContextManager[wiring.Services]]


class Number(click.ParamType[Msisdn]):
    """A telephone number, however people write it."""

    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Msisdn:  # fmt: skip
        """The number in E.164."""
        number = parse_msisdn(str(value))
        if number is None:
            self.fail(f"{value!r} is no telephone number, such as 13802880000", param, ctx)
        return number


class Month(click.ParamType[str]):
    """A calendar month in China."""

    name = "YYYY-MM"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:  # fmt: skip
        """The month in the one way to write it: 2026-9 is 2026-09."""
        try:
            return month_start(str(value)).strftime("%Y-%m")
        except MonthWrong as wrong:
            self.fail(str(wrong), param, ctx)
