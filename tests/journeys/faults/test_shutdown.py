"""The demo restarts dead processes, and its end is the end of all of them."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.journeys.faults.conftest import Serve
from tests.support.product import COMMAND, Service, answers, free_port, kill, two_free_ports, until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def one(serve: Serve) -> Service:
    return serve()


@pytest.fixture
def service(one: Service) -> Service:
    """The running demo, started again in the same folder after its end."""
    if not one.runs:
        one.demo()
    return one


def test_demo_restarts_dead_processes(service: Service):
    for words, url in (
        ("app.server", f"{service.doors}/readyz"),
        ("-m simulator", f"{service.network}/healthz"),
    ):
        before = set(service.find(words))
        kill(min(before))
        until(lambda w=words, b=before: not b & set(service.find(w)), why=f"{words} to fall")
        until(lambda u=url: answers(u), why=f"{url} to answer again")
    (worker,) = service.find("commands.main work")
    kill(worker)
    until(lambda: set(service.find("commands.main work")) - {worker}, why="another worker")
    (server,) = service.find("valkey.sock")
    kill(server)
    until(lambda: answers(f"{service.doors}/readyz"), why="the doors to reach the store again")
    for name in ("doors", "network", "worker", "store"):
        line = f"the {name} stopped and was started again"
        until(lambda line=line: line in service.said(), why=line)


@pytest.mark.parametrize("taken", ["port", "folder"])
def test_fix_in_the_refusal_of_a_demo_works(service: Service, taken: str, tmp_path: Path):
    port = service.port if taken == "port" else two_free_ports()
    folder = service.folder if taken == "folder" else tmp_path / "data"
    refused = service.command("demo", "--port", str(port), DATA_DIR=str(folder))
    assert refused.returncode == 2
    fix = re.search(r"(DATA_DIR=\S+ )?sms-receipt demo --port \d+", refused.stderr)
    assert fix is not None, refused.stderr
    environ = service.environ | {"DATA_DIR": str(folder), "METRICS_PORT": str(free_port())}
    environ |= {"PATH": f"{COMMAND.parent}:/usr/bin:/bin"}
    log = tmp_path / "log"
    with log.open("wb") as out:
        other = subprocess.Popen(["/bin/sh", "-c", f"exec env {fix[0]}"], env=environ, stdout=out)
    try:
        until(lambda: "Stop with Ctrl-C" in log.read_text(), why="the second demo to be ready")
        until(lambda: answers(f"{service.doors}/readyz"), why="the first demo to answer")
    finally:
        other.terminate()
        assert other.wait(20) == 0


def test_killed_demo_leaves_no_process(service: Service):
    service.kill("demo")
    service.gone()
    service.demo()
    until(lambda: answers(f"{service.doors}/readyz"), why="the demo to answer")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_demo_ends_with_all_its_processes_within_ten_seconds(service: Service, how: signal.Signals):
    assert len(service.processes()) >= 7, service.processes()
    assert service.stop(how) < 10
    assert service.said().partition("Traceback")[2] == ""


def test_demo_started_again_in_its_folder_keeps_its_secrets(service: Service):
    saved = service.folder / "demo.env"
    assert saved.stat().st_mode & 0o077 == 0, "readable by other users"
    before = saved.read_text()
    assert len(before.splitlines()) > 10
    service.stop()
    service.demo()
    assert saved.read_text() == before
