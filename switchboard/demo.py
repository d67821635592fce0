"""The whole service on one machine: doors, worker, store, and a pretend network with phones."""

import secrets
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from switchboard.processes import Family
from switchboard.server import busy
from switchboard.settings import Settings

#: Settings the demo invents for itself, kept in its folder so that a restart knows them.
_INVENTED: dict[str, Callable[[], str]] = {
    "TWILIO_ACCOUNT_SID": lambda: "AC" + secrets.token_hex(16),
    "TWILIO_AUTH_TOKEN": lambda: secrets.token_hex(16),
    "KANNEL_USER": lambda: "demo",
    "KANNEL_PASSWORD": lambda: secrets.token_hex(8),
    "KANNEL_SECRET": lambda: secrets.token_urlsafe(16),
    "FEED_SECRET": lambda: secrets.token_hex(16),
    "SECRET_KEY": lambda: secrets.token_hex(16),
}

#: Settings of ours that commands in another terminal must share with the demo.
_SHARED = (
    *("HOTLINE", "SHORT_CODE", "SHARDS", "RULE_BOOK"),
    *("TEXT_PROVIDER", "FLASH_PROVIDER", "TWILIO_PACE", "KANNEL_PACE"),
)

#: Where a demo keeps its settings, in its folder.
_LENT = "demo.env"

#: Seconds until everything must answer.
_PATIENCE = 60


class DemoFailed(Exception):
    """The demo could not be started; the message says why and what to do."""


def settings_for(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """The environment of the demo's processes: what is set already wins. Raises DemoFailed."""
    network = f"http://127.0.0.1:{port + 1}"
    doors = f"http://127.0.0.1:{port}"
    made = _secrets(_read(_folder(environ) / _LENT)) | {
        "PUBLIC_URL": doors,
        "DOORS_URL": doors,
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
        # The pretend network has no limit of its own.
        "TWILIO_PACE": "1000",
        "KANNEL_PACE": "1000",
    }
    ours = made.keys() | set(_SHARED)
    whole = made | {name: value for name, value in environ.items() if value and name in ours}
    _keep(_folder(environ) / _LENT, whole)
    return dict(environ) | whole


def run(environ: Mapping[str, str], port: int, say: Callable[[str], None]) -> None:
    """Run until interrupted. Raises DemoFailed or SettingsWrong."""
    for needed in (port, port + 1):
        if why := busy("127.0.0.1", needed):
            raise DemoFailed(f"{why}. Stop what runs there, or take another: demo --port 7600")
    settings = settings_for(environ, port)
    # What is wrong is told once here, not by every process.
    Settings.read(settings).need_doors().need_providers()
    family = Family(settings)
    network, doors = f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port}"
    with _told_to_stop() as told:
        try:
            family.start("doors", "switchboard.cli", "serve")
            family.start("worker", "switchboard.cli", "work")
            # Not by our own command, which only becomes this: half a second of loading for nothing.
            family.start("network", "simulator")
            for url in (f"{doors}/readyz", f"{network}/healthz"):
                _await(url, told, family)
            if not told:
                say(_welcome(network, doors, family))
            while not told:
                time.sleep(0.3)
                for name in family.mend():
                    say(f"the {name} stopped and was started again")
        finally:
            family.end()


def _welcome(network: str, doors: str, family: Family) -> str:
    pids = ", ".join(f"{name} {pid}" for name, pid in family.pids().items())
    return (
        f"\nSMS Receipt 短信回执 is running.\n"
        f"  Phones    {network}    open this page: text 7500, dial 10086, text a friend\n"
        f"  Hall      {doors}/hall/    sign in with the code that comes to a phone\n"
        f"  Doors     {doors}\n"
        f"  Terminal  sms-receipt phone    a handset without a browser\n"
        f"  Processes {pids}\n"
        f"Stop with Ctrl-C."
    )


def lent(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of the demo that ran in this folder, for a command in another terminal."""
    return {} if environ.get("REDIS_URL") else _read(_folder(environ) / _LENT)


def _folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DATA_DIR") or "var")


def _read(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _secrets(known: Mapping[str, str]) -> dict[str, str]:
    """The demo's own secrets, made once a folder."""
    return {name: known.get(name) or make() for name, make in _INVENTED.items()}


def _keep(file: Path, settings: Mapping[str, str]) -> None:
    """Write settings down, whole or not at all, where nobody else may read them.

    Raises DemoFailed.
    """
    fresh = file.with_suffix(".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text("".join(f"{n}={v}\n" for n, v in settings.items()), encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        raise DemoFailed(f"DATA_DIR={file.parent} cannot be used: {error.strerror}") from error


def _await(url: str, told: list[int], family: Family) -> None:
    until = time.monotonic() + _PATIENCE
    while not told:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError) as error:
            if fallen := family.fallen():
                names = " and ".join(fallen)
                raise DemoFailed(f"the {names} could not start, for what is told above") from error
            if time.monotonic() > until:
                raise DemoFailed(f"{url} does not answer: {error}") from error
            time.sleep(0.05)


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """The signals that told us to stop, so far; the old handlers come back afterwards."""
    told: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        told.append(number)

    old = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
