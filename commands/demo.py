"""The whole service on one machine: web server, worker, store and simulated network."""

import fcntl
import os
import secrets
import shlex
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from app import bootstrap
from app.clock import MovableClock, clock_notice
from app.demo import settings_file
from app.demo.customers import make_customers
from app.demo.staff_accounts import PASSWORD_SETTINGS, DemoAccount, make_accounts
from app.serving.sockets import bind_error
from app.settings import Settings, described_settings
from commands.supervisor import Supervisor, stop_signals
from receipts.staff.generated_password import generated_password
from receipts.store.archive.folder import ArchiveFolder
from receipts.store.local_server import LocalServer, StoreInUseError

#: Generated settings; they are kept in the data folder for the next start.
_GENERATED: dict[str, Callable[[], str]] = {
    "TWILIO_ACCOUNT_SID": lambda: "AC" + secrets.token_hex(16),
    "TWILIO_AUTH_TOKEN": lambda: secrets.token_hex(16),
    "KANNEL_USER": lambda: "demo",
    "KANNEL_PASSWORD": lambda: secrets.token_hex(8),
    "KANNEL_SECRET": lambda: secrets.token_urlsafe(16),
    "FEED_SECRET": lambda: secrets.token_hex(16),
    "SECRET_KEY": lambda: secrets.token_hex(16),
    "DEMO_SECRET": lambda: secrets.token_hex(16),
    **dict.fromkeys(PASSWORD_SETTINGS.values(), generated_password),
}

#: Settings that commands in another terminal share with the demo.
_SHARED = (
    *("HOTLINE", "SHORT_CODE", "SHARDS", "RULE_BOOK"),
    *("TEXT_PROVIDER", "FLASH_PROVIDER", "TWILIO_PACE", "KANNEL_PACE"),
)

#: The file of a demo's settings in its data folder.
_SETTINGS_FILE = "demo.env"

#: Settings of a real service; beside one of them, those of a demo are not used.
_PRODUCTION_GROUPS = ("Twilio", "Kannel", "Secrets")
_PRODUCTION = ("REDIS_URL", "PUBLIC_URL")

_START_TIMEOUT_SECONDS = 60

#: The exit status with which the simulated network asks for a start afresh.
_AFRESH_STATUS = 79


class DemoError(Exception):
    """The demo did not start; the message names the reason and a fix."""


def settings_for(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """The environment of the demo's processes; ``environ`` takes precedence. Raises DemoError."""
    network = f"http://127.0.0.1:{port + 1}"
    doors_url = f"http://127.0.0.1:{port}"
    file = _folder(environ) / _SETTINGS_FILE
    known = settings_file.read_saved(file)
    made = {name: known.get(name) or make() for name, make in _GENERATED.items()} | {
        "PUBLIC_URL": doors_url,
        "DOORS_URL": doors_url,
        "PORT": str(port),
        "TWILIO_API_URL": network,
        "TWILIO_FROM": environ.get("SHORT_CODE") or "7500",
        "KANNEL_URL": network,
        "NETWORK_PORT": str(port + 1),
        "NETWORK_URL": network,
        "CLOCK": "movable",
        "LOG_FORMAT": "console",
        "FRONT_PAGE": network,
        "AGENT_NUMBER": "+8610086",
        # The simulated network has no limit of its own.
        "TWILIO_PACE": "1000",
        "KANNEL_PACE": "1000",
    }
    ours = made.keys() | set(_SHARED)
    whole = made | {name: value for name, value in environ.items() if value and name in ours}
    if whole != known:
        try:
            settings_file.save(file, whole)
        except OSError as error:
            reason = f"DATA_DIR={file.parent} cannot be used: {error.strerror}"
            raise DemoError(reason) from error
    return dict(environ) | whole


def run(environ: Mapping[str, str], port: int, say: Callable[[str], None]) -> None:
    """Run until interrupted.

    Raises DemoError, SettingsError, StoreUnavailableError or RuleBookError.
    """
    stop = stop_signals()
    while _run_once(environ, port, say, stop):
        say("all data of this demo was deleted, as its phones page asked; it starts afresh")


def _run_once(
    environ: Mapping[str, str], port: int, say: Callable[[str], None], stop: list[int]
) -> bool:
    """Run until a signal; True when all data was deleted and the demo should start again."""
    store = None if environ.get("REDIS_URL") else LocalServer(_folder(environ))
    with closing(Supervisor(environ, store)) as supervisor:
        # Before the settings are written: a demo that runs in this folder keeps its own.
        if store is not None:
            _claim(store, environ, port)
        for needed in (port, port + 1):
            if why := bind_error("127.0.0.1", needed):
                raise DemoError(
                    f"{why}. Stop the program that listens there, or take another port: "
                    + _other_demo(port)
                )
        # A store of others is never erased.
        afresh = {} if store is None else {"NETWORK_AFRESH": "1"}
        supervisor.environ = settings_for(environ, port) | afresh
        with settings_shared(environ):
            _run(supervisor, port, say, stop)
        asked = supervisor.has_ended_with("network", _AFRESH_STATUS)
    if store is None or not asked or stop:
        return False
    try:
        store.erase()
        folder = environ.get("ARCHIVE_DIR") or _folder(environ) / "archive"
        ArchiveFolder(Path(folder)).delete()
    finally:
        store.stop()
    MovableClock(_folder(environ)).move("now")
    return True


def _run(supervisor: Supervisor, port: int, say: Callable[[str], None], stop: list[int]) -> None:
    settings = Settings.read(supervisor.environ).need_doors().need_providers()
    if settings.metrics_port and (why := bind_error("127.0.0.1", settings.metrics_port)):
        raise DemoError(f"METRICS_PORT: {why}. Set another METRICS_PORT, or 0 for no metrics.")
    supervisor.start_store()
    # Reports an error of the store or the rule book once, not from each process.
    services = bootstrap.services(settings)
    with closing(services.clients):
        staff = list(make_accounts(services, supervisor.environ))
        make_customers(services)
    network, doors_url = f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port}"
    supervisor.start("doors", "app.server", str(os.cpu_count() or 2))
    supervisor.start("worker", "commands.main", "work")
    supervisor.start("network", "simulator")
    if settings.metrics_port:
        supervisor.start("metrics", "app.metrics.server")
    for url in (f"{doors_url}/readyz", f"{network}/healthz"):
        _await(url, stop, supervisor)
    if not stop:
        say(_welcome(network, doors_url, supervisor, settings, staff))
    supervisor.watch(
        stop,
        lambda name: say(f"the {name} stopped and was started again"),
        lambda: supervisor.has_ended_with("network", _AFRESH_STATUS),
    )


def _claim(store: LocalServer, environ: Mapping[str, str], port: int) -> None:
    try:
        store.claim()
    except StoreInUseError as error:
        raise DemoError(
            f"{error} A second demo beside it needs a folder and a port of its own: "
            + _other_demo(port, _folder(environ))
        ) from error


def _other_demo(port: int, folder: Path | None = None) -> str:
    """The command of a demo on free ports, and in another folder than the one in use."""
    near = (port, *range(7600, 65_000, 100))
    free = next(
        at for at in near if not bind_error("127.0.0.1", at) and not bind_error("127.0.0.1", at + 1)
    )
    beside = f"DATA_DIR={shlex.quote(f'{folder}-{free}')} " if folder else ""
    return f"{beside}sms-receipt demo --port {free} (or {beside}make run PORT={free})"


def _welcome(
    network: str,
    doors_url: str,
    supervisor: Supervisor,
    settings: Settings,
    staff: Iterable[DemoAccount],
) -> str:
    moved = clock_notice(settings.data_dir, movable=settings.movable_clock)
    pids = ", ".join(f"{name} {pid}" for name, pid in supervisor.pids().items())
    clerk, operator = map(_sign_in, staff)
    return (
        f"\nSMS Receipt 短信回执 is running.\n"
        f"  Phones    {network}    open this page: text 7500, dial 10086, text a friend\n"
        f"  Portal    {doors_url}/hall/    sign in with the code texted to a phone\n"
        f"  Counter   {doors_url}/counter/    {clerk}\n"
        f"  Console   {doors_url}/console/    {operator}\n"
        f"  Webhooks  {doors_url}\n"
        f"  Terminal  sms-receipt phone    a simulated phone without a browser\n"
        f"  Processes {pids}\n"
        f"{moved}"
        f"Stop with Ctrl-C."
    )


def _sign_in(account: DemoAccount) -> str:
    password = account.password or "changed since"
    shop = f", store {account.shop}" if account.shop else ""
    return f"name {account.name}, password {password}{shop}"


def running_settings(environ: Mapping[str, str], say: Callable[[str], None]) -> dict[str, str]:
    """The settings of the demo that runs in this data folder; none beside a real service's.

    ``say`` gets a sentence when they are used, or left out for a reason.
    """
    file = _folder(environ) / _SETTINGS_FILE
    try:
        descriptor = settings_file.open_plain(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        say(f"the settings at {file} are not used: {error.strerror}")
        return {}
    with os.fdopen(descriptor, "rb") as opened:
        if not settings_file.is_locked(descriptor):  # left by a demo that has ended
            return {}
        if given := next((name for name in _production_settings() if environ.get(name)), ""):
            say(f"the running demo's settings at {file} are not used: {given} is set")
            return {}
        say(f"using the running demo's settings at {file}")
        return settings_file.parse(opened)


@contextmanager
def settings_shared(environ: Mapping[str, str]) -> Iterator[None]:
    """Let other commands use the settings of this demo, until its process ends.

    Raises DemoError.
    """
    file = _folder(environ) / _SETTINGS_FILE
    try:
        descriptor = settings_file.open_plain(file)
    except OSError as error:
        raise DemoError(f"{file} cannot be used: {error.strerror}") from error
    # The kernel drops the lock with the process, so that no file of an ended demo is locked.
    with os.fdopen(descriptor, "rb"):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _production_settings() -> tuple[str, ...]:
    grouped = (each.name for each in described_settings() if each.group in _PRODUCTION_GROUPS)
    return (*_PRODUCTION, *grouped)


def _folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DATA_DIR") or "var")


def _await(url: str, stop: list[int], supervisor: Supervisor) -> None:
    until = time.monotonic() + _START_TIMEOUT_SECONDS
    while not stop:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except OSError as error:
            if fallen := supervisor.ended():
                names = " and ".join(fallen)
                raise DemoError(f"the {names} could not start; see the message above") from error
            if time.monotonic() > until:
                raise DemoError(f"{url} does not answer: {error}") from error
            time.sleep(0.05)
