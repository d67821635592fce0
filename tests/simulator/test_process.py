import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulator.support import Network, until
from tests.support.product import surroundings

PHONE = "13802880000"

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "simulator"], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.faults


def test_restart_begins_empty_and_resets_readers_of_the_earlier_run(process: Network) -> None:
    process.post("/api/phones", 201, number="13912345678")
    process.post(f"/api/phones/{PHONE}/power", 200, on=False)
    last = process.get("/healthz")["last"]
    process.stop(signal.SIGKILL)
    process.start()
    assert len(process.get("/api/phones")["phones"]) == 5
    process.post("/api/phones/13957112345/power", 200, on=False)
    news = process.get(f"/api/events?after={last}&wait=5")
    assert (news["reset"], [e["phone"] for e in news["events"]]) == (True, ["13957112345"])
    assert news["last"] > last


def test_port_in_use_is_named(process: Network) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "simulator"],
        env=surroundings(**process.settings),
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert second.returncode == 2
    assert second.stderr.startswith("network: NETWORK_PORT")


def test_network_ends_with_its_killed_parent(settings: dict[str, str]) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(5)
    parent.stdout.close()
    until(lambda: not _runs(child))


def test_sigint_stops_the_network_within_two_seconds(process: Network) -> None:
    start = time.monotonic()
    assert process.stop(signal.SIGINT) == 0
    assert time.monotonic() - start < 2


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"
