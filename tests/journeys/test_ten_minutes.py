"""The README's eight commands, from an empty folder to a receipt, on the simulated account."""

# ruff: noqa: ANN401 - the README's own commands; JSON has no type
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import requests
import yaml

from tests.support.product import COMMAND, answers, free_port, surroundings, until

ROOT = Path(__file__).parents[2]
NUMBER, PERSON, FRIEND = "+18885550199", "+14155550100", "+14155550101"
SID, TOKEN = "AC" + "0123456789abcdef" * 2, "fedcba9876543210" * 2
ADDRESS = "https://sms-try.ngrok-free.app"
PEOPLE = f"{PERSON}=CN-GD,{FRIEND}=CN-ZJ"
#: The account of a person who has signed up and verified both phones.
GOOD = {
    "type": "Trial",
    "verified_callers": [PERSON, FRIEND],
    "balance": "15.50",
    "toll_free": {NUMBER: "TWILIO_APPROVED"},
}
#: Faults of an account that twelve and more texts or calls would fail with.
FAULTY = {
    "verified_callers": [],
    "balance": "0.00",
    "toll_free": {NUMBER: "IN_REVIEW"},
    "no_texts_to": ["US"],
    "no_calls_to": ["GB"],
    "bundles": {"BU1": "twilio-rejected"},
    "numbers": {
        NUMBER: {
            "texts": False,
            "bundle_sid": "BU1",
            "sms_application_sid": "AP1",
            "trunk_sid": "TK1",
        }
    },
    "services": {"MG1": {"senders": [NUMBER], "use_inbound_webhook_on_number": False}},
}
MENDED = GOOD | {"no_texts_to": [], "no_calls_to": [], "numbers": {NUMBER: {}}, "services": {}}
CODES = {"21608", "21219", "30002", "30032", "21408", "21215, 13227", "21649"}
CODES |= {"21661, 21606, 14108", "21609, 11100"}


def readme_commands() -> list[str]:
    section = (ROOT / "README.md").read_text().partition("## A Twilio number in ten minutes\n")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    return block[1].splitlines()


COMMANDS = readme_commands()


def test_readme_has_at_most_eight_commands():
    assert 1 <= len(COMMANDS) <= 8


def test_one_port_from_ngrok_to_serve():
    endpoint = yaml.safe_load((ROOT / "ngrok.yml").read_text())["endpoints"][0]
    port = re.search(r"(?m)^PORT=(\d+)$", (ROOT / ".env.example").read_text())
    assert port
    assert endpoint["upstream"]["url"] == f"http://127.0.0.1:{port[1]}"
    assert endpoint["url"].endswith(".ngrok-free.app")


@dataclass
class Terminal:
    """One bash in an empty folder: each command is typed as the README has it."""

    folder: Path
    environ: dict[str, str]
    _lines: "Queue[str]" = field(default_factory=Queue)

    def __post_init__(self) -> None:
        self.bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=self.folder, env=self.environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.bash.stdout
        for line in self.bash.stdout:
            self._lines.put(line)

    def type(self, command: str) -> tuple[int, str]:
        """Run a command to its end; its status and output."""
        assert self.bash.stdin
        self.bash.stdin.write(f"{command}\necho status-$?\n")
        self.bash.stdin.flush()
        output = ""
        while True:
            line = self._lines.get(timeout=60)
            if found := re.fullmatch(r"(.*)status-(\d+)\n", line, re.DOTALL):
                return int(found[2]), output + found[1]
            output += line

    def close(self) -> None:
        """End the programs that it started, by their ids."""
        _, listed = self.type("jobs -p")
        for pid in reversed(re.findall(r"(?m)^\d+$", listed)):
            os.kill(int(pid), signal.SIGTERM)
        self.type("wait")
        assert self.bash.stdin
        assert self.bash.stdout
        self.bash.stdin.close()
        self.bash.wait(20)
        self._reader.join(20)
        self.bash.stdout.close()


def program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)


@dataclass
class Rehearsal:
    """The empty folder, the simulated account, and stand-ins for nano and ngrok."""

    terminal: Terminal
    network: str

    def api(self, path: str, **body: Any) -> Any:
        url = f"{self.network}/api/{path}"
        answer = requests.post(url, json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def texts(self, phone: str) -> list[dict[str, Any]]:
        url = f"{self.network}/api/phones/{phone}/events"
        events = requests.get(url, timeout=10).json()["events"]
        return [each for each in events if each["kind"] == "text" and each["direction"] == "in"]

    def text(self, body: str) -> str:
        """Text our number from the person's phone; the reply that comes."""
        earlier = len(self.texts(PERSON))
        self.api(f"phones/{PERSON}/texts", to=NUMBER, body=body)
        until(lambda: len(self.texts(PERSON)) > earlier, why=f"a reply to {body}")
        return str(self.texts(PERSON)[earlier]["body"])


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    port, network_port = free_port(), free_port()
    network = f"http://127.0.0.1:{network_port}"
    account = {
        "TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": NUMBER,
        "HOTLINE": NUMBER, "SHORT_CODE": NUMBER, "PUBLIC_URL": ADDRESS,
    }  # fmt: skip
    tools, source = tmp_path / "tools", tmp_path / "source"
    # The editor writes what the README's table names, and the address of the simulated account.
    filled = account | {
        "TWILIO_PACE": "3", "TRIAL_PEOPLE": PEOPLE, "PORT": str(port), "TWILIO_API_URL": network,
    }  # fmt: skip
    sed = "; ".join(f"s|^{name}=.*|{name}={value}|" for name, value in filled.items())
    domain = ADDRESS.removeprefix("https://")
    program(
        tools / "nano", f"sed -i '{sed}' \"$1\"",
        f"sed -i 's|your-name.ngrok-free.app|{domain}|; s|:7500$|:{port}|' \"$2\"",
    )  # fmt: skip
    program(tools / "ngrok", 'test "$1" = start && test -f ngrok.yml && exec sleep 600')
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, source], check=True)
    environ = surroundings(REPOSITORY=str(source))
    environ["PATH"] = f"{tools}:{environ['PATH']}"
    simulated = account | {
        "DOORS_URL": f"http://127.0.0.1:{port}", "NETWORK_PORT": str(network_port),
        "KANNEL_USER": "kannel", "KANNEL_PASSWORD": "a-pretend-password",
        "NETWORK_PHONES": f"{PERSON} {FRIEND}", "NETWORK_ACCOUNT": json.dumps(GOOD),
        "DATA_DIR": str(tmp_path / "none"),
    }  # fmt: skip
    empty = tmp_path / "empty"
    empty.mkdir()
    with subprocess.Popen([COMMAND, "network"], env=surroundings(**simulated)) as simulator:
        until(lambda: answers(f"{network}/healthz"), why="the simulated network")
        terminal = Terminal(empty, environ)
        try:
            yield Rehearsal(terminal, network)
        finally:
            terminal.close()
            simulator.terminate()


def use_this_environment(folder: Path) -> None:
    """Let `make install` find its packages, which would take a minute to install."""
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(COMMAND.parent)
    (folder / ".venv" / ".run").touch()


def test_readme_leads_from_an_empty_folder_to_a_receipt(rehearsal: Rehearsal):
    clone, install, edit, load, ngrok, plan, configure, start = COMMANDS
    for command in (clone, install, edit, load, ngrok):
        status, output = rehearsal.terminal.type(command)
        assert status == 0, output
        if command == clone:
            use_this_environment(rehearsal.terminal.folder / "sms-receipt")
    # Twelve faults and more are named before the first text.
    rehearsal.api("account", **FAULTY)
    faulty = f"AGENT_NUMBER=+447700900123 PUBLIC_URL=https://sms_receipt.local {plan}"
    status, output = rehearsal.terminal.type(faulty)
    blocks = [each for each in json.loads(output)["findings"] if each["result"] == "block"]
    assert status == 1
    assert len(blocks) >= 12
    assert {each["code"] for each in blocks} >= CODES
    # They are corrected; the plan has none left, and configure points the number here.
    rehearsal.api("account", **MENDED)
    status, output = rehearsal.terminal.type(plan)
    assert status == 0, output
    status, output = rehearsal.terminal.type(configure)
    assert status == 0, output
    assert f"after   {ADDRESS}/sms" in output
    rehearsal.terminal.type(start)
    assert "Y" in rehearsal.text("SUBSCRIBE")
    assert "trial" in rehearsal.text("Y").casefold()
    earlier = len(rehearsal.texts(PERSON))
    rehearsal.api(f"phones/{PERSON}/texts", to=NUMBER, body=f"{FRIEND} See you at eight!")
    until(lambda: rehearsal.texts(FRIEND), why="the friend's text")
    assert "See you at eight!" in rehearsal.texts(FRIEND)[0]["body"]
    assert rehearsal.texts(FRIEND)[0]["peer"] == NUMBER

    def receipt() -> bool:
        news = [each["body"] for each in rehearsal.texts(PERSON)[earlier:]]
        return any("delivered" in body for body in news)

    until(receipt, why="the receipt")
    assert rehearsal.texts(PERSON)[-1]["peer"] == NUMBER
