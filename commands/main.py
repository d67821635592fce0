"""The ``sms-receipt`` command."""

import os
import signal
import sys
from contextlib import closing

import click
import structlog

from app import bootstrap, log_setup, server
from app.clock import ClockError, MovableClock, clock_notice
from app.serving.notify import Watchdog, notify
from app.serving.sockets import Listeners, bind_error, passed_by_systemd
from app.settings import Settings, SettingsError
from commands import billing, bulk_import, reports
from commands import demo as demonstration
from commands.doctor import doctor
from commands.evidence.key_commands import signing_key
from commands.journey import command as journey
from commands.params import (
    CommandError,
    NotFoundError,
    examples,
    read_settings,
    whole_number,
    with_current_month,
    with_running_demo,
)
from commands.privacy import commands as personal_data
from commands.provinces import provinces
from commands.staff import staff
from commands.storage.archive import archive
from commands.storage.backup import backup
from commands.storage.restore import restore
from commands.storage.store import store
from commands.supervisor import ChildFailedError, Supervisor, stop_signals
from commands.tariffs import rehearse
from commands.twilio.command import twilio
from receipts.bulk_import.csv_reader import CsvError
from receipts.model.calendar import SHANGHAI
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.errors import RuleBookError
from receipts.store.backup.archive import BackupFileError
from receipts.store.local_server import LocalServer, StoreNotReadyError, wait_for_server
from receipts.subscriptions.monthly_billing import MonthClosedError
from statemachines.diagrams import TABLES, document, mermaid

_log = structlog.get_logger()

#: Errors printed as one sentence, which names the fix, with exit status 2.
_ERRORS = (
    BackupFileError,
    ChildFailedError,
    ClockError,
    CsvError,
    demonstration.DemoError,
    MonthClosedError,
    RuleBookError,
    SettingsError,
    StoreUnavailableError,
)


class _Main(click.Group):
    """The top command: prints the errors of all commands as one sentence."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, with examples of this month."""
        command = super().get_command(ctx, cmd_name)
        return with_current_month(command) if command else None

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Raises CommandError for an error that its user can fix."""
        try:
            return super().invoke(ctx)
        except _ERRORS as error:
            shown_as = NotFoundError if isinstance(error, StoreNotReadyError) else CommandError
            raise shown_as(str(error)) from error


@click.group(
    cls=_Main,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        examples("demo", "phone 13802880000", "receipts 13802880000", "doctor")
        + "\n\n\b\nShell completion, in ~/.bashrc (zsh and fish: zsh_source, fish_source):\n"
        '  eval "$(_SMS_RECEIPT_COMPLETE=bash_source sms-receipt)"'
    ),
)
@click.version_option(package_name="sms-receipt", message="%(prog)s %(version)s")
def main() -> None:
    """SMS Receipt 短信回执: tells customers whether their texts were delivered.

    Results are tables on a terminal, and JSON when piped or with --json.
    """


@main.command(epilog=examples("demo", "demo --port 7600"))
@click.option(
    "--port",
    type=whole_number(1, 65534),
    default=7500,
    show_default=True,
    help="Port of the service; the phones page uses the next one.",
)
def demo(port: int) -> None:
    """Run the whole service, with simulated phones on a web page."""
    demonstration.run(os.environ, port, click.echo)


@main.command(epilog=examples("serve", "serve --workers 4"))
@click.option(
    "--workers",
    type=whole_number(1),
    default=os.cpu_count() or 2,
    show_default=True,
    help="Number of web processes.",
)
def serve(workers: int) -> None:
    """Run the web service (webhooks and pages).

    Unless REDIS_URL is set, the store of DATA_DIR runs with it.
    """
    settings = Settings.read().need_doors()
    click.echo(clock_notice(settings.data_dir, movable=settings.movable_clock), err=True, nl=False)
    if settings.inside_port in {settings.port, settings.metrics_port} - {0}:
        raise SettingsError("INSIDE_PORT must differ from PORT and METRICS_PORT")
    if settings.metrics_port and (why := bind_error("127.0.0.1", settings.metrics_port)):
        raise SettingsError(f"METRICS_PORT={settings.metrics_port} cannot be used: {why}")
    # Before the store is asked: connections wait at these sockets until a process accepts them.
    with closing(Listeners(settings, passed_by_systemd())) as listeners:
        if settings.metrics_port or not settings.redis_url:
            _serve_supervised(settings, workers, listeners)
            return
        # Reports an error of the store or the rule book once, not from each process.
        bootstrap.services(settings)
        server.serve(settings, workers, listeners)


def _serve_supervised(settings: Settings, workers: int, listeners: Listeners) -> None:
    """Run store, web processes and metrics, as far as they are ours, until a signal stops them."""
    store = None if settings.redis_url else LocalServer(settings.data_dir)
    with closing(Supervisor(os.environ, store)) as supervisor:
        supervisor.start_store()
        bootstrap.services(settings).clients.close()
        log_setup.set_up(settings)
        stop = stop_signals()
        numbers = listeners.numbers
        supervisor.start("doors", "app.server", str(workers), *map(str, numbers), passed=numbers)
        if settings.metrics_port:
            supervisor.start("metrics", "app.metrics.server")
        signal.signal(signal.SIGHUP, lambda *_: supervisor.hang_up("doors"))
        supervisor.watch(stop, lambda name: _log.warning("started again", process=name))
        listeners.refuse()


@main.command(epilog=examples("work", "work --metrics-port 9101"))
@click.option(
    "--metrics-port",
    type=whole_number(1, 65535),
    help="Port of its own /metrics on 127.0.0.1, in place of WORKER_METRICS_PORT.",
)
def work(metrics_port: int | None) -> None:
    """Run a worker (sends receipts, runs timers)."""
    settings = Settings.read().need_providers()
    log_setup.set_up(settings)
    # Not at the top: door processes set the counters' folder before these modules read it.
    from app import rulebook_reload  # noqa: PLC0415
    from app.metrics import server as metrics_server  # noqa: PLC0415
    from app.protection.secrets_reload import SecretsWatcher  # noqa: PLC0415
    from app.storage.background import background  # noqa: PLC0415

    if not settings.redis_url:
        # A worker may be started before `serve`.
        wait_for_server(settings.data_dir, _log.warning)
    services = metrics_server.measured(
        bootstrap.services(settings, choose=rulebook_reload.book_in_force)
    )
    watch = rulebook_reload.RuleBookWatcher(services)
    secrets = SecretsWatcher(settings, lambda: Settings.read().need_providers())
    worker = services.worker(watch.changed, secrets.changed)

    def look_again(*_: object) -> None:
        watch.soon()
        secrets.soon()

    signal.signal(signal.SIGHUP, look_again)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stop())
    metrics = metrics_server.metrics_of_worker(worker, settings, metrics_port)
    with metrics, background(services):
        server.freeze_garbage()
        notify("READY=1")
        worker.run(Watchdog().alive)
        notify("STOPPING=1")
    services.clients.close()


@main.command(epilog=examples("network"))
def network() -> None:
    """Run the simulated network (phones and provider APIs)."""
    _replace_process("simulator")


@main.command(epilog=examples("phone", "phone 13802880000"))
@click.argument("number", required=False)
def phone(number: str | None) -> None:
    """Use a simulated phone in this terminal."""
    _replace_process("simulator.handsets.terminal", *([number] if number else []))


def _replace_process(module: str, *words: str) -> None:
    """Continue as another program: the product never imports the simulated network."""
    sys.stdout.flush()
    environ = with_running_demo()
    os.execve(sys.executable, [sys.executable, "-P", "-m", module, *words], environ)  # noqa: S606


@main.command(epilog=examples("states", "states --page > docs/states.md"))
@click.option("--page", is_flag=True, help="Print docs/states.md in full.")
def states(*, page: bool) -> None:
    """Print the state tables as Mermaid diagrams."""
    if page:
        click.echo(document(), nl=False)
        return
    for table in TABLES:
        click.echo(f"%% {table.name}\n{mermaid(table)}\n")


@main.command(
    # Otherwise -1h would be read as options, and its h as -h.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
    epilog=examples("clock +48h", "clock -1d", "clock 2026-12-01", "clock now"),
)
@click.argument("move")
def clock(move: str) -> None:
    """Move the clock by a step, to a day, or back to now.

    Needs CLOCK=movable, which the demo sets.
    """
    if move == "-h":
        click.echo(click.get_current_context().get_help())
        return
    settings = read_settings()
    if not settings.movable_clock:
        raise ClockError("the clock cannot be moved: set CLOCK=movable (the demo does)")
    now = MovableClock(settings.data_dir).move(move)
    click.echo(f"The clock is now at {now.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S} (China time).")


for each in personal_data.COMMANDS:
    bulk_import.CUSTOMERS_GROUP.add_command(each)
for each in (*bulk_import.COMMANDS, *billing.COMMANDS, *reports.COMMANDS, *journey.COMMANDS):
    main.add_command(each)
for each in (archive, backup, restore, store):
    main.add_command(each)
for each in (doctor, provinces, rehearse, signing_key, staff, twilio):
    main.add_command(each)


if __name__ == "__main__":
    main()
