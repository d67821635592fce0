"""The units of deploy/systemd: accepted by systemd, hardened, and their commands really run."""

import configparser
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from secrets import token_hex

import certifi
import pytest
import requests

from app.edge import limits
from app.serving.sockets import listen
from app.settings import Settings
from tests.deploy.sandbox import sandboxed
from tests.deploy.units import FOLDER, INSTALLED, SERVICES, environment, values
from tests.support.manager import Manager
from tests.support.passed_sockets import passing
from tests.support.product import COMMAND, Service, surroundings
from tests.support.redis_nodes import Node

#: Of systemd's scale from 0 to 10; below 2 it says that all is well.
_MOST_EXPOSED = 1.5

_SITE = FOLDER.parent / "nginx.conf"


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with the command of this folder."""
    copy = tmp_path_factory.mktemp("units") / "systemd"
    shutil.copytree(FOLDER, copy)
    for each in copy.glob("*.service"):
        each.write_text(each.read_text().replace(INSTALLED, str(COMMAND)))
    return copy


def _systemd(*words: str | Path, units: Path) -> str:
    environ = surroundings(SYSTEMD_UNIT_PATH=f"{units}:", SYSTEMD_COLORS="0")
    done = subprocess.run(
        ["systemd-analyze", *words], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_accepts_all_units(units: Path) -> None:
    named = [each for kind in ("service", "socket", "timer", "target") for each in
             units.glob(f"*.{kind}")]  # fmt: skip
    said = _systemd("verify", "--man=no", *named, units=units)
    assert [line for line in said.splitlines() if "sms-receipt" in line] == []


@pytest.mark.parametrize("service", SERVICES)
def test_service_is_hardly_exposed(service: str, units: Path) -> None:
    said = _systemd("security", "--no-pager", "--offline=true", units / service, units=units)
    (score,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert float(score) <= _MOST_EXPOSED, said


def test_all_services_have_the_same_sandbox() -> None:
    texts = [(FOLDER / each).read_text() for each in SERVICES]
    sandboxes = {text.partition("# The sandbox")[2].partition("\n\n")[0].strip() for text in texts}
    assert len(sandboxes) == 1


#: Started by the others; `test_systemd_accepts_all_units` reads them with these.
OTHERS = {"sms-receipt.target", "sms-receipt-bill.timer", "sms-receipt-backup.timer"}


def test_target_starts_all_units() -> None:
    wanted = {unit for line in values("sms-receipt.target")["Wants"] for unit in line.split()}
    started = {re.sub("@[0-9]", "@", unit) for unit in wanted}
    timed = {f"{unit.removesuffix('.timer')}.service" for unit in wanted if "timer" in unit}
    there = {each.name for each in FOLDER.glob("sms-receipt*.*") if each.suffix != ".env"}
    assert started | timed | OTHERS == there


def test_sockets_are_those_of_the_settings() -> None:
    settings = environment()
    wanted = {f"{settings['HOST']}:{settings[name]}" for name in ("PORT", "INSIDE_PORT")}
    assert set(values("sms-receipt.socket")["ListenStream"]) == wanted


def test_environment_file_serves_all_processes(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.write_text(f"TWILIO_AUTH_TOKEN={token_hex(16)}\nSECRET_KEY={token_hex(16)}\n")
    secrets.chmod(0o640)
    given = environment() | {"SECRETS_FILE": str(secrets), "DATA_DIR": str(tmp_path)}
    given["REDIS_URL"] = given["REDIS_URL"].replace("/etc/sms-receipt/ca.crt", certifi.where())
    assert Settings.read(given).need_doors().need_providers().inside_port


def test_time_to_stop_is_longer_than_a_graceful_stop() -> None:
    (serve,) = values("sms-receipt-serve@.service")["TimeoutStopSec"]
    assert int(serve) > limits.STOP_SECONDS + 5
    kept = re.search(r"keepalive_timeout (\d+)s;", _SITE.read_text())
    assert kept
    assert float(kept[1]) < limits.DRAIN_SECONDS


def test_user_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    root = f"--root={tmp_path}"
    subprocess.run(["systemd-sysusers", root, FOLDER / "sysusers.conf"], check=True)
    assert "sms-receipt:" in (tmp_path / "etc" / "passwd").read_text()
    for line in (FOLDER / "tmpfiles.conf").read_text().splitlines():
        assert re.fullmatch(r"#.*|d /\S+ +07[05]0 (root|sms-receipt) +sms-receipt -", line)


def test_journal_is_bounded() -> None:
    journal = configparser.ConfigParser()
    journal.read(FOLDER / "journald@sms-receipt.conf")
    assert journal["Journal"]["SystemMaxUse"]
    assert {*values("sms-receipt-serve@.service")["LogNamespace"]} == {"sms-receipt"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A store and the settings of a service whose processes the tests start by its units."""
    folder = tmp_path_factory.mktemp("deploy")
    with ExitStack() as stack:
        node = Node(folder / "server")
        node.start()
        stack.callback(node.stop)
        made = Service(folder / "data", {"REDIS_URL": node.url})
        made.folder.mkdir()
        stack.callback(made.kill_everything)
        with made.container():  # the store gets its stamp
            pass
        yield made


def _words(unit: str, name: str = "ExecStart") -> list[str | Path]:
    line = values(unit)[name][0].replace(INSTALLED, str(COMMAND)).replace("%%", "%")
    return [*shlex.split(line)]


def _environ(service: Service, manager: Manager | None = None, **more: str) -> dict[str, str]:
    told = manager.environ(watchdog_seconds=1) if manager else {}
    return {**service.settings, **told, **more}


@pytest.mark.faults
def test_command_of_the_web_service_runs_in_its_sandbox(service: Service) -> None:
    command = sandboxed(service.folder, _words("sms-receipt-serve@.service"))
    with closing(Manager()) as manager, closing(listen("127.0.0.1", service.port)) as listener:
        running = subprocess.Popen(
            passing([listener.fileno()], ["/usr/bin/env", *command]),
            env=_environ(service, manager), pass_fds=[listener.fileno()], cwd="/",
        )  # fmt: skip
        try:
            manager.wait("READY=1")
            assert requests.get(f"{service.doors}/readyz", timeout=10).ok
            running.send_signal(signal.SIGHUP)
            manager.wait("READY=1", times=2)
            running.terminate()
            assert running.wait(30) == 0
            assert manager.count("STOPPING=1") == 1
        finally:
            running.kill()


@pytest.mark.faults
def test_command_of_a_worker_runs_in_its_sandbox(service: Service) -> None:
    command = sandboxed(service.folder, _words("sms-receipt-work@.service"))
    with closing(Manager()) as manager:
        running = subprocess.Popen(command, env=_environ(service, manager), cwd="/")
        try:
            manager.wait("WATCHDOG=1", times=2)
            assert manager.count("READY=1") == 1
            running.terminate()
            assert running.wait(30) == 0
        finally:
            running.kill()


@pytest.mark.faults
@pytest.mark.parametrize("unit", ["sms-receipt-bill.service", "sms-receipt-backup.service"])
def test_command_of_a_timer_runs_in_its_sandbox(service: Service, unit: str) -> None:
    backups = service.folder / "backups"
    backups.mkdir(exist_ok=True)
    (old := backups / "old.backup").touch()
    os.utime(old, (0, 0))
    environ = _environ(service, BACKUPS=str(backups))
    names = [name for name in ("ExecStart", "ExecStartPost") if name in values(unit)]
    for each in (_words(unit, name) for name in names):
        words_now = [str(word).replace("${BACKUPS}", str(backups)) for word in each]
        command = sandboxed(service.folder, words_now)
        subprocess.run(command, env=environ, cwd="/", check=True, timeout=60)
    made = [each for each in backups.glob("*.backup") if each.stat().st_size]
    assert bool(made) == ("backup" in unit)
    assert old.exists() == ("backup" not in unit)
