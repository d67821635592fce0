import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulator.support import PHONE, Network
from tests.support.product import Service, run_to_end, surroundings, until

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "simulator"], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.faults


def test_restart_begins_empty_and_resets_earlier_readers(process: Service):
    with Network(process.network) as client:
        client.post("/api/phones", 201, number="13912345678")
        client.post(f"/api/phones/{PHONE}/power", 200, on=False)
        last = client.get("/healthz")["last"]
        process.kill("network")
        process.start("network")
        assert len(client.get("/api/phones")["phones"]) == 5
        client.post("/api/phones/13957112345/power", 200, on=False)
        news = client.get(f"/api/events?after={last}&wait=5")
    assert (news["reset"], [e["phone"] for e in news["events"]]) == (True, ["13957112345"])
    assert news["last"] > last


@pytest.mark.usefixtures("process")
def test_port_in_use_is_named(settings: dict[str, str]):
    second = run_to_end(sys.executable, "-m", "simulator", **settings)
    assert second.returncode == 2
    assert second.stderr.startswith("network: NETWORK_PORT")


def test_network_ends_with_its_killed_parent(settings: dict[str, str]):
    argv = [sys.executable, "-c", PARENT]
    with subprocess.Popen(
        argv, env=surroundings(**settings), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()
    until(lambda: not _runs(child), why="the end of the network")


def test_sigint_stops_the_network_within_two_seconds(process: Service):
    child = process.children["network"]
    assert process.stop(signal.SIGINT) < 2
    assert child.returncode == 0


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"
