"""The ``sms-receipt`` command."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from receipts.model import SHANGHAI, Kind, Msisdn
from receipts.numbering import parse_msisdn
from receipts.ports import StoreUnavailable
from receipts.provinces import RuleBookWrong, check_report, describe, load_rule_book
from statemachines.drawing import TABLES, document, mermaid
from switchboard import demo as demonstration
from switchboard import logs, serving, shown, wiring
from switchboard.cli_doctor import doctor
from switchboard.clock import ClockWrong, MovableClock
from switchboard.settings import Settings, SettingsWrong

_TROUBLE = (
    SettingsWrong,
    StoreUnavailable,
    RuleBookWrong,
    ClockWrong,
    demonstration.DemoFailed,
)

#: Months of charges that ``charges`` looks through when none is named.
_MONTHS_BACK = 36


@contextmanager
def _clearly() -> Iterator[None]:
    """Trouble is told in a sentence, not a stack trace; the exit status is 2."""
    try:
        yield
    except _TROUBLE as trouble:
        click.echo(f"sms-receipt: {trouble}", err=True)
        sys.exit(2)


@contextmanager
def _services() -> Iterator[wiring.Services]:
    with _clearly():
        settings = _settings()
        built = wiring.services(settings)
        try:
            yield built
        finally:
            built.memory.close()


def _settings() -> Settings:
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


class _Month(click.ParamType[str]):
    name = "month"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:  # fmt: skip
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", str(value)):
            self.fail(f"{value!r} is no month, such as 2026-11", param, ctx)
        return str(value)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """SMS Receipt 短信回执: after you text a friend, you hear whether your text arrived."""


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    default=7500,
    show_default=True,
    help="Doors here, phones one above.",
)
def demo(port: int) -> None:
    """The whole service on this machine, with phones on a web page."""
    with _clearly():
        demonstration.run(os.environ, port, click.echo)


@main.command()
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count() or 2, show_default=True)
def serve(workers: int) -> None:
    """The doors: webhooks for calls, texts and reports."""
    with _clearly():
        settings = Settings.read().need_doors()
        if why := serving.busy(settings.host, settings.port):
            raise SettingsWrong(f"PORT={settings.port} cannot be used: {why}")
        # What is wrong with store or rules is told once here, not by every door process.
        wiring.services(settings)
        serving.serve(settings, workers)


@main.command()
def work() -> None:
    """One worker: sends what waits in the outbox, and rings what time brings."""
    with _clearly():
        settings = Settings.read().need_providers()
        logs.set_up(settings.log_format)
        built = wiring.services(settings)
        worker = wiring.worker(built)
        for told in (signal.SIGINT, signal.SIGTERM):
            signal.signal(told, lambda *_: worker.stop())
        worker.run()
        built.memory.close()


@main.command()
def network() -> None:
    """The simulated network: phones, a message centre, the providers' APIs."""
    _become("simulator")


@main.command()
@click.argument("number", required=False)
def phone(number: str | None) -> None:
    """A handset in this terminal, on the simulated network."""
    _become("simulator.handset", *([number] if number else []))


def _become(module: str, *words: str) -> None:
    """Go on as another program: the product never imports the pretend network."""
    sys.stdout.flush()
    environ = demonstration.lent(os.environ) | os.environ
    os.execve(sys.executable, [sys.executable, "-m", module, *words], environ)  # noqa: S606


@main.command()
@click.argument("number", type=_Number())
def show(number: Msisdn) -> None:
    """How a customer stands, as one JSON object."""
    with _services() as built:
        _print(shown.customer(built, number))


@main.command()
@click.argument("number", type=_Number())
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many, newest first.",
)
def receipts(number: Msisdn, limit: int) -> None:
    """A customer's receipts, newest first, as JSON lines."""
    with _services() as built:
        for record in built.store.receipts_of(number, limit, Kind.RECEIPT):
            _print(shown.receipt(record))


@main.command()
@click.argument("number", type=_Number())
@click.option("--month", type=_Month(), help="YYYY-MM; by default all there are.")
def charges(number: Msisdn, month: str | None) -> None:
    """A customer's charges, oldest first, as JSON lines."""
    with _services() as built:
        months = [month] if month else _months_to(built)
        for record in built.store.charges_of(number, months):
            _print(shown.charge(record))


def _months_to(built: wiring.Services) -> list[str]:
    now = built.clock.now().astimezone(SHANGHAI)
    count = now.year * 12 + now.month - 1
    return [f"{m // 12:04}-{m % 12 + 1:02}" for m in range(count - _MONTHS_BACK, count + 1)]


@main.command()
@click.option("--page", is_flag=True, help="The whole of docs/states.md.")
def states(page: bool) -> None:  # noqa: FBT001 - click hands options over by name
    """The state tables, as Mermaid."""
    if page:
        click.echo(document(), nl=False)
        return
    for table in TABLES:
        click.echo(f"%% {table.name}\n{mermaid(table)}\n")


# Else -1h would be read as options of ours.
@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("move")
def clock(move: str) -> None:
    """Move the clock: +48h, -1d, or to 2026-12-01. Only where CLOCK=movable."""
    with _clearly():
        settings = _settings()
        if not settings.movable_clock:
            raise ClockWrong(
                "the clock stands still unless CLOCK=movable is set (the demo sets it)"
            )
        now = MovableClock(settings.data_dir).move(move)
        click.echo(f"it is now {now.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S} in China")


main.add_command(doctor)


@main.group()
def provinces() -> None:
    """The rule book: what differs from province to province."""


@provinces.command()
def check() -> None:
    """Prove the rule book right, and print it as a table."""
    with _clearly():
        click.echo(check_report(load_rule_book(_settings().rule_book)))


@provinces.command("show")
@click.argument("code")
def show_province(code: str) -> None:
    """One province as people read it."""
    with _clearly():
        book = load_rule_book(_settings().rule_book)
        if book.province(code) is None:
            known = ", ".join(book.provinces)
            raise SettingsWrong(f"{code} is not covered; covered are {known}")
        click.echo(describe(book, code))


def _print(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


if __name__ == "__main__":
    main()
