# ruff: noqa: ANN401 - JSON has no type
"""The simulated account on a port of this process, and commands that read it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from click.testing import CliRunner, Result

from commands.main import main
from simulator.app import create_app
from simulator.bootstrap import Simulator, build_simulator
from simulator.settings import read_settings
from tests.support.product import UNSET
from tests.support.wsgi import serving

SID = "AC" + "0123456789abcdef" * 2
SERVICE = "MG" + "0123456789abcdef" * 2
BASE = "https://your-name.ngrok.app"
#: Numbers for fiction: a long one of the US, and two people.
NUMBER, FRIEND, BRITON = "+14155550199", "+14155550101", "+447700900123"

_NETWORK = {
    "PUBLIC_URL": BASE, "DOORS_URL": "http://127.0.0.1:9", "TWILIO_ACCOUNT_SID": SID,
    "TWILIO_AUTH_TOKEN": "a-pretend-token", "TWILIO_API_KEY": "SK" + "0" * 32,
    "TWILIO_API_SECRET": "a-pretend-secret", "KANNEL_USER": "kannel",
    "KANNEL_PASSWORD": "a-pretend-password", "TWILIO_FROM": NUMBER,
}  # fmt: skip


@dataclass
class Account:
    """The simulated account, and the settings of commands that use it."""

    simulator: Simulator
    settings: dict[str, str] = field(default_factory=dict)

    def plant(self, **fields: Any) -> None:
        self.simulator.account.change(fields)

    @property
    def state(self) -> Any:
        return self.simulator.account.state

    def run(self, *words: str, given: str = "", **more: str) -> Result:
        environ = UNSET | self.settings | more
        return CliRunner().invoke(main, ["twilio", *words], env=environ, input=given or None)

    def plan(self, *words: str, **more: str) -> dict[str, Any]:
        done = self.run("plan", *words, **more)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.exit_code == (0 if answer["ready"] else 1)
        return answer


def registered() -> dict[str, Any]:
    """An account whose US number may text: in a service with a campaign, set up for us."""
    number = {
        "sms_url": f"{BASE}/sms", "sms_fallback_url": f"{BASE}/sms",
        "voice_url": f"{BASE}/voice", "voice_fallback_url": f"{BASE}/voice",
        "status_callback": f"{BASE}/voice/ended",
    }  # fmt: skip
    service = {"senders": [NUMBER], "campaigns": ["VERIFIED"]}
    return {"numbers": {NUMBER: number}, "services": {SERVICE: service}}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Simulator, int]]:
    simulator = build_simulator(read_settings(_NETWORK))
    with serving(create_app(simulator)) as port:
        yield simulator, port
    simulator.jobs.close()


@pytest.fixture
def account(running: tuple[Simulator, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.chdir("/")
    simulator, port = running
    before = simulator.account.state
    settings = {
        "TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": "a-pretend-token", "PUBLIC_URL": BASE,
        "TWILIO_FROM": NUMBER, "TWILIO_API_URL": f"http://127.0.0.1:{port}", "TWILIO_PACE": "1",
    }  # fmt: skip
    held = Account(simulator, settings)
    held.plant(**registered())
    yield held
    simulator.account.state = before
