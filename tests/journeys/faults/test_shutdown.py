"""However the demo ends, everything ends with it; whatever falls in it is put up again."""

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.journeys.faults.conftest import Serve
from tests.support.product import COMMAND, Running, answers, kill, two_free_ports, until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def one(serve: Serve) -> Running:
    return serve()


@pytest.fixture
def service(one: Running) -> Running:
    """The demo, running: started again in the same folder if a test has ended it."""
    if not one.runs:
        one.demo()
    return one


def test_the_demo_puts_up_again_what_falls(service: Running) -> None:
    for words, url in (
        ("app.server", f"{service.doors}/readyz"),
        ("-m simulator", f"{service.network}/healthz"),
    ):
        before = set(service.find(words))
        kill(min(before))
        until(lambda w=words, b=before: not b & set(service.find(w)), 10, f"{words} to fall")
        until(lambda u=url: answers(u), 15, f"{url} to answer again")
    (worker,) = service.find("commands.main work")
    kill(worker)
    until(lambda: set(service.find("commands.main work")) - {worker}, 10, "another worker")
    (server,) = service.find("valkey.sock")
    kill(server)
    until(lambda: answers(f"{service.doors}/readyz"), 5, "the doors to reach the store again")
    for name in ("doors", "network", "worker", "store"):
        told = f"the {name} stopped and was started again"
        until(lambda told=told: told in service.said(), 5, f"the demo to say that {told}")


@pytest.mark.parametrize("taken", ["port", "folder"])
def test_the_mend_that_a_refused_demo_names_works(
    service: Running, taken: str, tmp_path: Path
) -> None:
    port = service.port if taken == "port" else two_free_ports()
    folder = service.folder if taken == "folder" else tmp_path / "data"
    refused = service.command("demo", "--port", str(port), DATA_DIR=str(folder))
    assert refused.returncode == 2
    mend = re.search(r"(DATA_DIR=\S+ )?sms-receipt demo --port \d+", refused.stderr)
    assert mend is not None, refused.stderr
    environ = service.environ | {"DATA_DIR": str(folder), "PATH": f"{COMMAND.parent}:/usr/bin:/bin"}
    log = tmp_path / "log"
    with log.open("wb") as out:
        other = subprocess.Popen(["/bin/sh", "-c", f"exec env {mend[0]}"], env=environ, stdout=out)
    try:
        until(lambda: "Stop with Ctrl-C" in log.read_text(), 30, "the second demo to be ready")
        assert answers(f"{service.doors}/readyz")
    finally:
        other.terminate()
        assert other.wait(20) == 0


def test_a_demo_killed_without_a_word_leaves_no_process_behind(service: Running) -> None:
    service.kill("demo")
    service.gone(2)
    service.demo()
    assert answers(f"{service.doors}/readyz")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_the_demo_ends_with_all_its_processes_within_seconds(
    service: Running, how: signal.Signals
) -> None:
    assert len(service.processes()) >= 7, service.processes()
    assert service.stop(how) < 10
    assert "Traceback" not in service.said()


def test_a_demo_started_again_in_its_folder_knows_its_secrets(service: Running) -> None:
    lent = service.folder / "demo.env"
    assert lent.stat().st_mode & 0o077 == 0, "nobody else may read them"
    before = lent.read_text()
    assert len(before.splitlines()) > 10
    service.stop()
    service.demo()
    assert lent.read_text() == before
