# ruff: noqa: ANN401 - fixtures reach the tests without their types
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from simulator.app import create_app
from simulator.network import open_network
from simulator.settings import read_settings
from tests.running import free_port

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "a-pretend-token"

_spec = importlib.util.spec_from_file_location(
    "stand_in_product", Path(__file__).with_name("product.py")
)
assert _spec
assert _spec.loader
_stand_in = importlib.util.module_from_spec(_spec)
sys.modules["stand_in_product"] = _stand_in
_spec.loader.exec_module(_stand_in)


@pytest.fixture(name="free_port")
def _free_port() -> Callable[[], int]:
    return free_port


@pytest.fixture(name="until")
def _until() -> Callable[..., Any]:
    return until


def until(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


@dataclass
class RunningNetwork:
    settings: dict[str, str]
    process: subprocess.Popen[str] | None = None
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings['NETWORK_PORT']}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulator"],
            env={**_quiet_environment(), **self.settings},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        assert "phones at" in self.process.stdout.readline()

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(how)
        code = self.process.wait(5)
        self.process.stdout.close()
        self.process = None
        return code

    def post(self, path: str, expect: int | None = None, **body: Any) -> Any:
        answer = self.session.post(self.url + path, json=body, timeout=10)
        assert expect is None or answer.status_code == expect, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        return self.session.get(self.url + path, timeout=40).json()

    def events(self, number: str, kind: str = "", after: int = 0) -> list[dict[str, Any]]:
        found = self.get(f"/api/phones/{number}/events?after={after}")["events"]
        return [event for event in found if not kind or event["kind"] == kind]

    def texts(self, number: str, direction: str = "in") -> list[str]:
        return [e["body"] for e in self.events(number, "text") if e["direction"] == direction]


def _quiet_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def product() -> Iterator[Any]:
    stand_in = _stand_in.Product(TOKEN)
    stop = stand_in.serve()
    yield stand_in
    stop()
    assert stand_in.unsigned == [], "the network sent something with a wrong signature"


@pytest.fixture
def settings(product: Any, tmp_path: Path) -> dict[str, str]:
    return {
        "NETWORK_PORT": str(free_port()),
        "PUBLIC_URL": product.url,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": f"{TOKEN},an-old-token",
        "KANNEL_USER": "kannel",
        "KANNEL_PASSWORD": "a-pretend-password",
        "DATA_DIR": str(tmp_path / "data"),
        "NETWORK_SPEECH": "0",
        "NETWORK_SILENCE": "0.1",
    }


@pytest.fixture
def network(settings: dict[str, str]) -> Iterator[RunningNetwork]:
    # The same network in this process: the tests of its life and death start real processes.
    opened = open_network(read_settings(settings))
    server = make_server(
        "127.0.0.1", int(settings["NETWORK_PORT"]), create_app(opened), threaded=True
    )
    server.log = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    running = RunningNetwork(settings)
    yield running
    running.session.close()
    server.shutdown()
    thread.join()
    server.server_close()
    opened.close()


@pytest.fixture
def process(settings: dict[str, str]) -> Iterator[RunningNetwork]:
    running = RunningNetwork(settings)
    running.start()
    yield running
    running.session.close()
    if running.process:
        assert running.stop() == 0
