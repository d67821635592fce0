"""The real Kannel, bearerbox and smsbox, on loopback: docs/kannel.conf.example with our ports."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import requests

from tests.support.product import free_port

EXAMPLE = Path(__file__).parents[2] / "docs" / "kannel.conf.example"

#: A second line, over which the carrier writes ids in decimal in answers and in hex in reports.
#: Only what asks for it by name goes there.
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


#: Seconds after which an smsbox that does not answer is started again.
_HANGS = 10.0


def eventually(look: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait until it is so; the test fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


class Boxes:
    """Both processes. They are ended by process id, and their folder is the test's own."""

    def __init__(self, folder: Path, centre_port: int, doors_port: int, secret: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder, self._config = folder, folder / "kannel.conf"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._smsbox_since = 0.0
        for kept in ("store", "dlr"):
            (folder / kept).mkdir(parents=True)
        admin, self._boxes_port = free_port(), free_port()
        boxes = self._boxes_port
        self._config.write_text(
            _changed(
                EXAMPLE.read_text(),
                {
                    "admin-port = 13000": f"admin-port = {admin}",
                    "smsbox-port = 13001": f"smsbox-port = {boxes}",
                    "bearerbox-port = 13001": f"bearerbox-port = {boxes}",
                    "sendsms-port = 13013": f"sendsms-port = {self.url.rpartition(':')[2]}",
                    "host = smpp.carrier.example": "host = 127.0.0.1",
                    "port = 2775": f"port = {centre_port}",
                    "CHANGE-ME-system-id": "carrier",
                    "127.0.0.1:8000/": f"127.0.0.1:{doors_port}/",
                    "CHANGE-ME-secret": secret,
                    "/var/log/kannel/": f"{folder}/",
                    "/var/spool/kannel/": f"{folder}/",
                    # Real lines wait longer before they try again; a test need not.
                    "log-level = 2": "log-level = 1",
                    "sms-resend-freq = 10": "sms-resend-freq = 1",
                    "http-queue-delay = 10": "http-queue-delay = 1",
                    "reconnect-delay = 5": "reconnect-delay = 1",
                },
            )
            + _SECOND_LINE.format(port=centre_port)
        )

    def start(self) -> None:
        """Both boxes up, and sendsms answering."""
        self._run("bearerbox")
        # smsbox gives up at once when it is first: Debian's run_kannel_box starts it again.
        eventually(self._listens, "bearerbox")
        self._run("smsbox")
        eventually(self._answers, "smsbox")

    def _run(self, name: str) -> None:
        program = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        # Missing, it is a failure and no reason to skip: `make test` installs it.
        assert program, f"{name} is missing: install the package kannel"
        log = self._folder / f"{name}.out"
        with log.open("ab") as out:
            self.running[name] = subprocess.Popen(
                [program, "-v", "3", str(self._config)], stdout=out, stderr=out
            )

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._boxes_port)) == 0

    def _answers(self) -> bool:
        for name, process in self.running.items():
            assert process.poll() is None, (self._folder / f"{name}.out").read_text()[-2000:]
        try:
            requests.get(self.url, timeout=1)
        except requests.ConnectionError:
            return False
        return True

    def freeze(self, name: str) -> None:
        """Stop a box in its tracks: it holds its connections and answers nothing."""
        process = self.running[name]
        process.send_signal(signal.SIGSTOP)
        state = Path(f"/proc/{process.pid}/stat")
        eventually(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", "a stop")

    def kill(self, *names: str) -> None:
        """End boxes as a crash would."""
        for name in names or tuple(self.running):
            process = self.running.pop(name)
            process.kill()
            process.wait()

    def mend(self) -> None:
        """Start again whatever has ended, as a supervisor does."""
        for name in [name for name, process in self.running.items() if process.poll() is not None]:
            self.running.pop(name)
        if "bearerbox" not in self.running:
            self._run("bearerbox")
            eventually(self._listens, "bearerbox")
        self._smsbox_since = time.monotonic()
        eventually(self._smsbox_again, "smsbox", 40)

    def _smsbox_again(self) -> bool:
        """Whether smsbox answers; it may end by itself a while after its bearerbox did."""
        smsbox = self.running.get("smsbox")
        if smsbox is None or smsbox.poll() is not None:
            self._run("smsbox")
            self._smsbox_since = time.monotonic()
        elif time.monotonic() - self._smsbox_since > _HANGS:
            # It has been seen to wait for a bearerbox that is there: a supervisor ends that.
            self.kill("smsbox")
            return False
        return self._answers()

    def asked(self, number: str) -> int:
        """How often we asked smsbox to send something to this number: it keeps a log of that."""
        log = (self._folder / "smsbox.log").read_text(errors="replace")
        return sum(
            "sendsms sender:" in line and f"to:<{number}>" in line for line in log.splitlines()
        )

    def stop(self) -> None:
        """End both, kindly at first."""
        for process in reversed(self.running.values()):
            process.terminate()
        for process in reversed(self.running.values()):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _changed(text: str, changes: dict[str, str]) -> str:
    """The example with our values; each must be there to be changed."""
    for was, becomes in changes.items():
        assert was in text, f"the example no longer says {was}"
        text = text.replace(was, becomes)
    return text
