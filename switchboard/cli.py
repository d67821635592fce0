"""The ``sms-receipt`` command."""

import os
import signal
import sys

import click

from receipts.model import SHANGHAI, Kind, Msisdn
from receipts.provinces import check_report, describe, load_rule_book
from statemachines.drawing import TABLES, document, mermaid
from switchboard import demo as demonstration
from switchboard import logs, serving, shown, wiring
from switchboard.cli_parts import NUMBER, clearly, opened, print_json, settings_here
from switchboard.cli_reports import reconcile, trail
from switchboard.clock import ClockWrong, MovableClock
from switchboard.settings import Settings, SettingsWrong

#: Months of charges that ``charges`` looks through when none is named.
_MONTHS_BACK = 36


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """SMS Receipt 短信回执: after you text a friend, you hear whether your text arrived."""


@main.command()
@click.option("--port", default=7500, show_default=True, help="Doors here, phones one above.")
def demo(port: int) -> None:
    """The whole service on this machine, with phones on a web page."""
    with clearly():
        demonstration.run(os.environ, port, click.echo)


@main.command()
@click.option("--workers", default=os.cpu_count() or 2, show_default=True)
def serve(workers: int) -> None:
    """The doors: webhooks for calls, texts and reports."""
    with clearly():
        settings = Settings.read().need_doors()
        if why := serving.busy(settings.host, settings.port):
            raise SettingsWrong(f"PORT={settings.port} cannot be used: {why}")
        # What is wrong with store or rules is told once here, not by every door process.
        wiring.services(settings)
        serving.serve(settings, workers)


@main.command()
def work() -> None:
    """One worker: sends what waits in the outbox, and rings what time brings."""
    with clearly():
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
@click.argument("number", type=NUMBER)
def show(number: Msisdn) -> None:
    """How a customer stands, as one JSON object."""
    with opened() as built:
        print_json(shown.customer(built, number))


@main.command()
@click.argument("number", type=NUMBER)
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
def receipts(number: Msisdn, limit: int) -> None:
    """A customer's receipts, newest first, as JSON lines."""
    with opened() as built:
        for record in built.store.receipts_of(number, limit, Kind.RECEIPT):
            print_json(shown.receipt(record))


@main.command()
@click.argument("number", type=NUMBER)
@click.option("--month", help="YYYY-MM; by default all there are.")
def charges(number: Msisdn, month: str | None) -> None:
    """A customer's charges, oldest first, as JSON lines."""
    with opened() as built:
        months = [month] if month else _months_to(built)
        for record in built.store.charges_of(number, months):
            print_json(shown.charge(record))


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


@main.command()
@click.argument("move")
def clock(move: str) -> None:
    """Move the clock: +48h, -1d, or to 2026-12-01. Only where CLOCK=movable."""
    with clearly():
        settings = settings_here()
        if not settings.movable_clock:
            raise ClockWrong(
                "the clock stands still unless CLOCK=movable is set (the demo sets it)"
            )
        now = MovableClock(settings.data_dir).move(move)
        click.echo(f"it is now {now.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S} in China")


main.add_command(reconcile)
main.add_command(trail)


@main.group()
def provinces() -> None:
    """The rule book: what differs from province to province."""


@provinces.command()
def check() -> None:
    """Prove the rule book right, and print it as a table."""
    with clearly():
        click.echo(check_report(load_rule_book(settings_here().rule_book)))


@provinces.command("show")
@click.argument("code")
def show_province(code: str) -> None:
    """One province as people read it."""
    with clearly():
        book = load_rule_book(settings_here().rule_book)
        if book.province(code) is None:
            known = ", ".join(book.provinces)
            raise SettingsWrong(f"{code} is not covered; covered are {known}")
        click.echo(describe(book, code))


if __name__ == "__main__":
    main()
