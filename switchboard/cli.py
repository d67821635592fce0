"""The ``sms-receipt`` command."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from receipts.model import Kind, Msisdn
from receipts.months import SHANGHAI
from receipts.ports import StoreUnavailable
from receipts.provinces import RuleBookWrong, check_report, describe, load_rule_book
from statemachines.drawing import TABLES, document, mermaid
from switchboard import (
    cli_billing,
    cli_numbers,
    cli_reports,
    cli_twilio,
    logs,
    server,
    shown,
    wiring,
)
from switchboard import demo as demonstration
from switchboard.arguments import Number
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
        if why := server.busy(settings.host, settings.port):
            raise SettingsWrong(f"PORT={settings.port} cannot be used: {why}")
        # What is wrong with store or rules is told once here, not by every door process.
        wiring.services(settings)
        server.serve(settings, workers)


@main.command()
def work() -> None:
    """One worker: sends what waits in the outbox, and rings what time brings."""
    with _clearly():
        settings = Settings.read().need_providers()
        logs.set_up(settings.log_format)
        # Imported here: whoever serves doors must not meet the counters before their folder is set.
        from switchboard import live  # noqa: PLC0415

        built = wiring.services(settings, live.book_in_force(settings))
        watch = live.Watch(settings, built.book, built.clock)
        worker = wiring.worker(built, watch.changed)
        signal.signal(signal.SIGHUP, lambda *_: watch.soon())
        for told in (signal.SIGINT, signal.SIGTERM):
            signal.signal(told, lambda *_: worker.stop())
        server.settled()
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
@click.argument("number", type=Number())
def show(number: Msisdn) -> None:
    """How a customer stands, as one JSON object."""
    with _services() as built:
        _print(shown.customer(built, number))


@main.command()
@click.argument("number", type=Number())
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
@click.argument("file", required=False, type=click.Path(path_type=Path))
def check(file: Path | None) -> None:
    """Prove a rule book right, and print it as a table: FILE, or the one in use."""
    with _clearly():
        click.echo(check_report(load_rule_book(file or _settings().rule_book)))


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


_FAMILIES = (cli_numbers.commands, cli_billing.commands, cli_reports.commands)

for _each in [
    *(command for family in _FAMILIES for command in family(_services)),
    *cli_twilio.commands(_settings),
]:
    main.add_command(_each)


def _print(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


if __name__ == "__main__":
    main()
