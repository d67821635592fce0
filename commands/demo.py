"""The whole service on one machine: web server, worker, store and simulated network."""

import errno
import fcntl
import os
import secrets
import shlex
import stat
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from app import bootstrap
from app.clock import clock_notice
from app.server import bind_error
from app.settings import Settings, described_settings
from commands.supervisor import Supervisor, stop_signals
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
}

#: Settings that commands in another terminal share with the demo.
_SHARED = (
    *("HOTLINE", "SHORT_CODE", "SHARDS", "RULE_BOOK"),
    *("TEXT_PROVIDER", "FLASH_PROVIDER", "TWILIO_PACE", "KANNEL_PACE"),
)

#: The file of a demo's settings in its data folder.
_SETTINGS_FILE = "demo.env"
_LARGEST_FILE_BYTES = 64 * 1024

#: Settings of a real service; beside one of them, those of a demo are not used.
_PRODUCTION_GROUPS = ("Twilio", "Kannel", "Secrets")
_PRODUCTION = ("REDIS_URL", "PUBLIC_URL")

#: Settings that only the simulated network reads.
_NETWORK = ("NETWORK_PORT", "NETWORK_URL", "DOORS_URL")

_START_TIMEOUT_SECONDS = 60


class DemoError(Exception):
    """The demo did not start; the message names the reason and a fix."""


def settings_for(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """The environment of the demo's processes; ``environ`` takes precedence. Raises DemoError."""
    network = f"http://127.0.0.1:{port + 1}"
    doors_url = f"http://127.0.0.1:{port}"
    file = _folder(environ) / _SETTINGS_FILE
    known = _saved(file)
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
        _save(file, whole)
    return dict(environ) | whole


def run(environ: Mapping[str, str], port: int, say: Callable[[str], None]) -> None:
    """Run until interrupted.

    Raises DemoError, SettingsError, StoreUnavailableError or RuleBookError.
    """
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
        supervisor.environ = settings_for(environ, port)
        with settings_shared(environ):
            _run(supervisor, port, say)


def _run(supervisor: Supervisor, port: int, say: Callable[[str], None]) -> None:
    settings = Settings.read(supervisor.environ).need_doors().need_providers()
    if settings.metrics_port and (why := bind_error("127.0.0.1", settings.metrics_port)):
        raise DemoError(f"METRICS_PORT: {why}. Set another METRICS_PORT, or 0 for no metrics.")
    supervisor.start_store()
    # Reports an error of the store or the rule book once, not from each process.
    bootstrap.services(settings).clients.close()
    network, doors_url = f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port}"
    stop = stop_signals()
    supervisor.start("doors", "app.server", str(os.cpu_count() or 2))
    supervisor.start("worker", "commands.main", "work")
    supervisor.start("network", "simulator")
    if settings.metrics_port:
        supervisor.start("metrics", "app.metrics_server")
    for url in (f"{doors_url}/readyz", f"{network}/healthz"):
        _await(url, stop, supervisor)
    if not stop:
        say(_welcome(network, doors_url, supervisor, settings))
    supervisor.watch(stop, lambda name: say(f"the {name} stopped and was started again"))


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


def _welcome(network: str, doors_url: str, supervisor: Supervisor, settings: Settings) -> str:
    moved = clock_notice(settings.data_dir, movable=settings.movable_clock)
    pids = ", ".join(f"{name} {pid}" for name, pid in supervisor.pids().items())
    return (
        f"\nSMS Receipt 短信回执 is running.\n"
        f"  Phones    {network}    open this page: text 7500, dial 10086, text a friend\n"
        f"  Portal    {doors_url}/hall/    sign in with the code texted to a phone\n"
        f"  Webhooks  {doors_url}\n"
        f"  Terminal  sms-receipt phone    a simulated phone without a browser\n"
        f"  Processes {pids}\n"
        f"{moved}"
        f"Stop with Ctrl-C."
    )


def running_settings(environ: Mapping[str, str], say: Callable[[str], None]) -> dict[str, str]:
    """The settings of the demo that runs in this data folder; none beside a real service's.

    ``say`` gets a sentence when they are used, or left out for a reason.
    """
    file = _folder(environ) / _SETTINGS_FILE
    try:
        descriptor = _open(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        say(f"the settings at {file} are not used: {error.strerror}")
        return {}
    with os.fdopen(descriptor, "rb") as opened:
        if not _is_locked(descriptor):  # left by a demo that has ended
            return {}
        if given := next((name for name in _production_settings() if environ.get(name)), ""):
            say(f"the running demo's settings at {file} are not used: {given} is set")
            return {}
        say(f"using the running demo's settings at {file}")
        return _parse(opened.read(_LARGEST_FILE_BYTES))


@contextmanager
def settings_shared(environ: Mapping[str, str]) -> Iterator[None]:
    """Let other commands use the settings of this demo, until its process ends.

    Raises DemoError.
    """
    file = _folder(environ) / _SETTINGS_FILE
    try:
        descriptor = _open(file)
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


def _saved(file: Path) -> dict[str, str]:
    """The settings in a file of this user; none where it is missing or cannot be trusted."""
    try:
        with os.fdopen(_open(file), "rb") as opened:
            return _parse(opened.read(_LARGEST_FILE_BYTES))
    except OSError:
        return {}


def _parse(content: bytes) -> dict[str, str]:
    """The settings of the service and of its simulated network in a file; other names not."""
    known = {each.name for each in described_settings()} - {"DATA_DIR"} | set(_NETWORK)
    lines = content.decode("utf-8", "replace").split("\n")
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    return {name: value for name, value in found.items() if name in known and "\0" not in value}


def _open(file: Path) -> int:
    """A descriptor of a plain file that only this user reads and writes. Raises OSError."""
    # A named pipe is opened without a wait for its writer.
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PermissionError(errno.EPERM, "it is a symbolic link", str(file)) from error
        raise
    found = os.fstat(descriptor)
    wrong = (
        (not stat.S_ISREG(found.st_mode) and "it is not a plain file")
        or (found.st_uid != os.geteuid() and "it belongs to another user")
        or (stat.S_IMODE(found.st_mode) & 0o177 and "other users have access to it: chmod 600")
    )
    if wrong:
        os.close(descriptor)
        raise PermissionError(errno.EPERM, wrong, str(file))
    return descriptor


def _is_locked(descriptor: int) -> bool:
    """Whether the demo that wrote this file still runs: it holds the lock of the file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _save(file: Path, settings: Mapping[str, str]) -> None:
    """Write settings atomically, readable by this user only. Raises DemoError."""
    fresh = file.with_suffix(".new")
    text = "".join(f"{n}={v}\n" for n, v in settings.items() if "\n" not in v)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        created = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(created, "w", encoding="utf-8") as opened:
            opened.write(text)
        fresh.replace(file)
    except OSError as error:
        raise DemoError(f"DATA_DIR={file.parent} cannot be used: {error.strerror}") from error


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
