"""The real Kannel, bearerbox and smsbox, on loopback: a shipped configuration with our ports."""

import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Self

import requests

from tests.support.product import answers_at, free_port, until

_ROOT = Path(__file__).parents[2]
EXAMPLE = _ROOT / "docs" / "kannel.conf.example"
MODEM = _ROOT / "deploy" / "kannel-modem.conf"
REPORTS = _ROOT / "deploy" / "kannel-modem.sql"

#: The number of the SIM in the modem.
SIM_NUMBER = "+8613802889999"

#: A second SMSC connection with ids in decimal in answers and in hex in reports.
#: It takes only texts that name it.
_SECOND_LINE = """
group = smsc
smsc = smpp
smsc-id = second
allowed-smsc-id = second
preferred-smsc-id = second
host = 127.0.0.1
port = {port}
smsc-username = second
smsc-password = second
system-type = ""
transceiver-mode = true
reconnect-delay = 1
msg-id-type = 0x02
"""

#: The line of the smsbox log for a request to send.
#: KANNEL_PASSWORD of the boxes.
PASSWORD = "password-of-the-boxes"

_REQUESTED = re.compile(r"(?m)sendsms sender:\S+ \(\S+\) to:<(\S+)> msg:<(.*?)>?$")

#: Seconds after which an smsbox that does not answer is started again.
_HANG_SECONDS = 20.0


class Boxes:
    """Both processes, in a folder of their own, with an example of a configuration."""

    def __init__(
        self,
        folder: Path,
        doors_port: int,
        secret: str,
        changes: Mapping[str, str],
        example: Path = EXAMPLE,
        more: str = "",
    ) -> None:
        """``changes`` of the example besides those of all; ``more`` groups at its end."""
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder, self._config = folder, folder / "kannel.conf"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._smsbox_since = 0.0
        (folder / "store").mkdir(parents=True)
        (folder / "dlr").mkdir()
        self._boxes_port = boxes = free_port()
        changes = {
            "admin-port = 13000": f"admin-port = {free_port()}",
            "smsbox-port = 13001": f"smsbox-port = {boxes}",
            "bearerbox-port = 13001": f"bearerbox-port = {boxes}",
            "sendsms-port = 13013": f"sendsms-port = {self.url.rpartition(':')[2]}",
            "127.0.0.1:7500/": f"127.0.0.1:{doors_port}/",
            "CHANGE-ME-secret": secret,
            "CHANGE-ME-sendsms": PASSWORD,
            "/var/log/kannel/": f"{folder}/",
            "/var/spool/kannel/": f"{folder}/",
            # Shorter waits between two attempts.
            "log-level = 2": "log-level = 1",
            "http-queue-delay = 10": "http-queue-delay = 1",
            "reconnect-delay = 5": "reconnect-delay = 1",
            **changes,
        }
        text = example.read_text()
        for was, becomes in changes.items():
            assert was in text, f"the example no longer says {was}"
            text = text.replace(was, becomes)
        self._config.write_text(text + more)

    @classmethod
    def on_smpp(cls, folder: Path, centre_port: int, doors_port: int, secret: str) -> Self:
        """Boxes between a message centre and the service."""
        changes = {
            "host = smpp.carrier.example": "host = 127.0.0.1",
            "port = 2775": f"port = {centre_port}",
            "CHANGE-ME-system-id": "carrier",
            "sms-resend-freq = 10": "sms-resend-freq = 1",
        }
        more = _SECOND_LINE.format(port=centre_port)
        return cls(folder, doors_port, secret, changes, more=more)

    @classmethod
    def on_modem(cls, folder: Path, device: Path, doors_port: int, secret: str) -> Self:
        """Boxes between a modem and the service."""
        changes = {
            "/dev/serial/by-id/CHANGE-ME-device": str(device),
            "CHANGE-ME-number": SIM_NUMBER,
            "sms-resend-freq = 60": "sms-resend-freq = 1",
            "sms-resend-retry = 60": "sms-resend-retry = 2",
            "sendline-sleep = 100": "sendline-sleep = 1",
            "keepalive = 15": "keepalive = 5",
        }
        boxes = cls(folder, doors_port, secret, changes, MODEM)
        boxes.forget_references()
        return boxes

    def forget_references(self) -> None:
        """Make the table of reports anew: no reference of the SIM is in use."""
        with closing(sqlite3.connect(self._folder / "reports.db", timeout=20)) as reports:
            reports.executescript(REPORTS.read_text())
            with reports:
                for table in ("dlr", "in_use", "counter"):
                    reports.execute(f"DELETE FROM {table}")

    def start(self) -> None:
        """Start both boxes; return when sendsms answers."""
        self._start_bearerbox()
        self._run("smsbox")
        until(self._answers, why="an answer of smsbox")

    def _start_bearerbox(self) -> None:
        # Without bearerbox smsbox ends at once: Debian's run_kannel_box starts it again.
        self._run("bearerbox")
        until(lambda: answers_at(self._boxes_port), why="an answer of bearerbox")

    def _run(self, name: str) -> None:
        program = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        # No reason to skip: `make test` installs it.
        assert program, f"{name} is missing: install the package kannel"
        log = self._folder / f"{name}.out"
        with log.open("ab") as out:
            self.running[name] = subprocess.Popen(
                [program, "-v", "3", str(self._config)], stdout=out, stderr=out
            )

    def _answers(self) -> bool:
        for name, process in self.running.items():
            assert process.poll() is None, (self._folder / f"{name}.out").read_text()[-2000:]
        try:
            requests.get(self.url, timeout=5)
        except requests.RequestException:
            return False
        return True

    def freeze(self, name: str) -> None:
        """Stop a box: it keeps its connections and answers no request."""
        process = self.running[name]
        process.send_signal(signal.SIGSTOP)
        state = Path(f"/proc/{process.pid}/stat")
        until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", why="a stop")

    def kill(self, *names: str) -> None:
        for name in names or tuple(self.running):
            process = self.running.pop(name)
            process.kill()
            process.wait()

    def mend(self) -> None:
        """Start boxes that have ended, as a supervisor does."""
        for name in [name for name, process in self.running.items() if process.poll() is not None]:
            self.running.pop(name)
        if "bearerbox" not in self.running:
            self._start_bearerbox()
        self._smsbox_since = time.monotonic()
        until(self._smsbox_again, why="an answer of smsbox")

    def _smsbox_again(self) -> bool:
        """Return whether smsbox answers; it may end by itself after its bearerbox did."""
        smsbox = self.running.get("smsbox")
        if smsbox is None or smsbox.poll() is not None:
            self._run("smsbox")
            self._smsbox_since = time.monotonic()
        elif time.monotonic() - self._smsbox_since > _HANG_SECONDS:
            # It sometimes waits for a bearerbox that is there: a supervisor ends that.
            self.kill("smsbox")
            return False
        return self._answers()

    def requested(self) -> Counter[tuple[str, str]]:
        """Return the requests to send that smsbox has logged, by number and text."""
        log = (self._folder / "smsbox.log").read_text(errors="replace")
        return Counter(_REQUESTED.findall(log))

    def asked(self, number: str) -> int:
        """Return how many sends to this number smsbox has logged."""
        return sum(count for (to, _), count in self.requested().items() if to == number)

    def stop(self) -> None:
        """End both, by SIGKILL after five seconds."""
        for process in reversed(self.running.values()):
            process.terminate()
        for name, process in list(self.running.items()):
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            self.kill(name)
