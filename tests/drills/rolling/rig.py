"""The service as deploy/ sets it up: nginx, passed sockets, Sentinels, secrets in a file."""

import re
import signal
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from secrets import token_hex

import requests

from app.serving.sockets import listen
from tests.drills.rig import QUICK, WORKERS, Rig
from tests.support import front
from tests.support.front import NAME, Front
from tests.support.manager import Manager
from tests.support.phones import Phones
from tests.support.product import free_port, kill, until
from tests.support.rulebook import write_book
from tests.support.sentinel import SentinelGroup

#: Two web services, as the units `sms-receipt-serve@1` and `@2`.
DOORS = ("serve-1", "serve-2")


@dataclass
class RollingRig(Rig):
    """`serve` with sockets that stay open, two workers, the simulated network, and the front."""

    manager: Manager = field(default_factory=Manager)
    inside_port: int = field(default_factory=free_port)
    group: SentinelGroup | None = None
    front: Front | None = None
    #: Twilio's tokens and the keys of sessions, the old one first.
    tokens: tuple[str, str] = field(default_factory=lambda: (token_hex(16), token_hex(16)))
    keys: tuple[str, str] = field(default_factory=lambda: (token_hex(16), token_hex(16)))
    _stack: ExitStack = field(default_factory=ExitStack)
    _listeners: list[socket.socket] = field(default_factory=list)
    _secrets: dict[str, str] = field(default_factory=dict)

    def up(self) -> None:
        """Start all of it; return when it answers."""
        self.folder.mkdir(parents=True)
        self._listeners = [listen("127.0.0.1", port) for port in (self.port, self.inside_port)]
        self.passed = tuple(each.fileno() for each in self._listeners)
        self.group = SentinelGroup(self.folder / "store")
        self.group.start()
        # The network signs with the new token from the beginning, and takes both.
        self.set_secrets(TWILIO_AUTH_TOKEN=",".join(self.tokens), SECRET_KEY=self.keys[0])
        self.more = self.manager.environ(watchdog_seconds=20) | {
            "REDIS_URL": self.group.url,
            "PUBLIC_URL": f"https://{NAME}",
            "TRUSTED_PROXIES": "127.0.0.1",
            "INSIDE_PORT": str(self.inside_port),
            "SECRETS_FILE": str(self.folder / "secrets"),
            "TWILIO_AUTH_TOKEN": ",".join(reversed(self.tokens)),
            "RULE_BOOK": str(write_book(self.folder, QUICK)),
            "SHARDS": "16",
        }
        self.start("network", *DOORS, *WORKERS)
        self.manager.wait("READY=1", times=len(DOORS) + len(WORKERS))
        self.front = self._stack.enter_context(front.running(self.folder / "front", self))

    def down(self) -> None:
        """End all of it."""
        self._stack.close()
        self.kill_everything()
        if self.group is not None:
            self.group.stop()
        for each in self._listeners:
            each.close()
        self.manager.close()

    def start(self, *names: str, wait: bool = True) -> None:
        """Run processes; each `serve` has one web process and accepts from the common sockets."""
        for name in names:
            if name in DOORS:
                self.run("serve", "--workers", "1", name=name)
            else:
                super().start(name, wait=wait)

    def environment_of(self, name: str) -> dict[str, str]:
        """The settings of one process: a `serve` has a folder of its own."""
        own = {"DATA_DIR": str(self.folder / name)} if name in DOORS else {}
        return self.settings | own

    # -- changes under load ----------------------------------------------------------------------

    def set_secrets(self, **changed: str) -> None:
        """Replace the file of SECRETS_FILE as a whole."""
        self._secrets |= changed
        fresh = self.folder / "secrets.new"
        fresh.write_text("".join(f"{name}={value}\n" for name, value in self._secrets.items()))
        fresh.chmod(0o600)
        fresh.replace(self.folder / "secrets")

    def reload(self) -> None:
        """Replace the web processes of each `serve`, as `systemctl reload` does."""
        for name in DOORS:
            self.manager.forget()
            kill(self.pid(name), signal.SIGHUP)
            self.manager.wait("READY=1", seconds=60)

    def replace(self, name: str) -> None:
        """Stop one process in order and start it again, as `systemctl restart` does."""
        self.children[name].terminate()
        assert self.children.pop(name).wait(40) == 0, f"{name} did not end in order"
        self.manager.forget()
        self.start(name, wait=False)
        self.manager.wait("READY=1", seconds=60)

    def change_book(self) -> None:
        """Put another rule book in force."""
        write_book(self.folder, QUICK | {"max_attempts": "41"})

    def lose_primary(self) -> None:
        """Kill the store's primary; it comes back as a replica."""
        assert self.group is not None
        before = self.group.primary()
        before.kill()
        self.group.await_other_primary(before)
        self.group.whole()

    # -- observation -----------------------------------------------------------------------------

    def memory(self) -> dict[str, int]:
        """Resident bytes of each process of ours, by role and process id."""
        found = {}
        for pid, words in self.processes().items():
            if (role := _role(words)) and (size := _resident(pid)):
                found[f"{role} {pid}"] = size
        return found

    def session(self, number: str) -> str:
        """The cookie of a customer who has signed in through the front."""
        assert self.front is not None
        with requests.Session() as browser:
            browser.trust_env, browser.verify = False, str(self.front.certificate)
            browser.headers["Host"] = NAME
            base = f"https://localhost:{self.front.port}/hall/"
            browser.headers["Referer"] = f"https://{NAME}/hall/"
            page = browser.get(f"{base}sign-in").text
            page = browser.post(f"{base}code", data=_fields(page, "code") | {"number": number}).text
            with Phones(self.network) as phones:
                texts = until(lambda: phones.sent_to(number[3:]), 20, "the text with the code")
            codes = [re.findall(r"(?<![0-9])[0-9]{6}(?![0-9])", text["body"]) for text in texts]
            (code, *_) = next(filter(None, codes))
            data = _fields(page, "enter") | {"code": code}
            answer = browser.post(f"{base}enter", data=data, allow_redirects=False)
            assert answer.status_code == 303, answer.text[:500]
            return "; ".join(f"{each.name}={each.value}" for each in browser.cookies)


def _fields(page: str, action: str) -> dict[str, str]:
    """The hidden fields of a form."""
    (form,) = re.findall(rf'<form[^>]*action="[^"]*{action}"[^>]*>(.*?)</form>', page, re.DOTALL)
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf'{each}="([^"]*)"', tag) for each in ("name", "value"))
        if name:
            found[name[1]] = unescape(value[1]) if value else ""
    return found


def _role(words: str) -> str:
    if "app.server process" in words:
        return "web process"
    names = {" serve": "serve", " work": "worker"}
    return next((role for part, role in names.items() if f"sms-receipt{part}" in words), "")


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except OSError:
        return 0
