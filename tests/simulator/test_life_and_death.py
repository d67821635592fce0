# ruff: noqa: ANN401 - fixtures reach the tests without their types
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

PHONE = "13802880000"
FRIEND = "13957112345"

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "simulator"], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""

pytestmark = pytest.mark.faults


def send_flash(network: Any, text: str) -> None:
    answer = network.session.get(
        f"{network.url}/cgi-bin/sendsms",
        params={
            "username": "kannel",
            "password": "a-pretend-password",
            "from": "7500",
            "to": PHONE,
            "text": text,
            "mclass": "0",
        },
        timeout=5,
    )
    assert answer.status_code == 202


def test_kill_9_forgets_nothing_that_was_acknowledged(
    process: Any, product: Any, until: Any
) -> None:
    product.answer("/sms", "<Response><Message>one</Message></Response>")
    process.post("/api/phones", 201, number="13912345678", label="new")
    process.post("/api/phones/13844012345/power", 200, on=False)
    process.post(f"/api/phones/{PHONE}/texts", 202, to="7500", body="KTDXHZ")
    until(lambda: process.texts(PHONE) == ["one"])
    send_flash(process, "at once before the end")
    process.post(f"/api/phones/{PHONE}/texts", 202, to=FRIEND, body="hi")
    last = process.get("/healthz")["last"]
    process.stop(signal.SIGKILL)
    process.start()
    until(lambda: len(product.posts("/messages/status")) >= 2)
    assert {"sent", "delivered"} == {p["MessageStatus"] for p in product.posts("/messages/status")}
    until(lambda: process.texts(FRIEND) == ["hi"])
    assert process.texts(PHONE) == ["one"]
    phones = {p["number"]: p for p in process.get("/api/phones")["phones"]}
    assert phones["13912345678"]["zh"] == "new"
    assert phones["13844012345"]["on"] is False
    until(lambda: process.get(f"/api/phones/{PHONE}/events")["phone"]["flash"])
    assert process.get("/api/messages")["counts"]["total"] == 1
    assert process.get("/healthz")["last"] > last


def test_a_call_cut_off_by_the_networks_death_is_ended_at_the_next_start(
    process: Any, product: Any, until: Any
) -> None:
    product.answer("/voice", '<Response><Gather timeout="60"/></Response>')
    call = process.post(f"/api/phones/{PHONE}/call", 202, to="10086")["call"]
    until(lambda: process.events(PHONE, "listening"))
    process.stop(signal.SIGKILL)
    process.start()
    until(lambda: [p["CallSid"] for p in product.posts("/voice/ended")] == [call])
    assert process.events(PHONE, "call")[-1]["by"] == "network"


def test_a_journal_torn_in_its_last_line_is_read_up_to_there(
    process: Any, settings: dict[str, str]
) -> None:
    process.post("/api/phones", 201, number="13912345678")
    process.stop(signal.SIGKILL)
    journal = Path(settings["DATA_DIR"]) / "network" / "journal.jsonl"
    with journal.open("ab") as torn:
        torn.write(b'{"record":"pho')
    process.start()
    assert len(process.get("/api/phones")["phones"]) == 6
    process.post("/api/phones", 201, number="13912345679")
    process.stop(signal.SIGKILL)
    process.start()
    assert len(process.get("/api/phones")["phones"]) == 7


def test_a_second_network_on_the_same_data_is_refused(process: Any, free_port: Any) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "simulator"],
        env={
            **os.environ,
            **process.settings,
            "NETWORK_PORT": str(free_port()),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert second.returncode == 2
    assert "another network is running" in second.stderr


def test_a_taken_port_is_named(process: Any, tmp_path: Path) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "simulator"],
        env={
            **os.environ,
            **process.settings,
            "DATA_DIR": str(tmp_path / "other"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert second.returncode == 2
    assert second.stderr.startswith("network: NETWORK_PORT")


def test_the_network_ends_with_its_parent_even_when_that_is_killed(
    settings: dict[str, str], until: Any
) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT,
        ],
        env={**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(5)
    parent.stdout.close()
    until(lambda: not _runs(child))


def test_it_stops_cleanly_when_asked(process: Any) -> None:
    start = time.monotonic()
    assert process.stop(signal.SIGINT) == 0
    assert time.monotonic() - start < 2


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"
