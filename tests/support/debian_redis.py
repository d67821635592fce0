"""Debian's Redis with the files of deploy/redis, for TLS and users, which the bundled server lacks.

The files are used as an operator gets them: only addresses, ports and folders are replaced.
"""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import redis

from tests.support.redis_nodes import Cluster, Node
from tests.support.sentinel import SERVICE, SentinelGroup, SentinelNode

_ROOT = Path(__file__).parents[2]
_FILES = _ROOT / "deploy" / "redis"
_UNPACKED = _ROOT / ".venv" / "debian"

#: The login of the service, as the files name it.
LOGIN = "sms-receipt:PASSWORD-OF-SMS-RECEIPT"
SENTINEL_LOGIN = (
    "sentinel_username=sms-receipt&sentinel_password=PASSWORD-FOR-SENTINELS-OF-SMS-RECEIPT"
)


@cache
def program() -> Path:
    """The server of Debian's package; it is unpacked into .venv/debian unless it is installed."""
    if installed := shutil.which("redis-server"):
        return Path(installed)
    found = _UNPACKED / "usr" / "bin" / "redis-server"
    if not found.exists():
        packages = ("redis-server", "redis-tools", "liblzf1", "libjemalloc2", "libatomic1")
        subprocess.run([_ROOT / "tools" / "apt_unpack", *packages], cwd=_ROOT, check=True)
    return found


def _libraries() -> dict[str, str]:
    folders = (_UNPACKED / "usr" / "lib").glob("*-linux-*")
    return {"LD_LIBRARY_PATH": ":".join(map(str, folders))}


@dataclass(frozen=True)
class Certificates:
    """A CA with a certificate for 127.0.0.1, one for a client, and another CA."""

    folder: Path

    def make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("ca", "other"):
            self._openssl(
                *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
                *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
            )
        for name, subject in (("server", "IP:127.0.0.1"), ("elsewhere", "DNS:redis.example.org")):
            self._openssl(
                *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                *("-nodes", "-days", "2", "-subj", f"/CN={name}", "-CA", "ca.crt"),
                *("-CAkey", "ca.key", "-addext", f"subjectAltName={subject}"),
                *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
            )

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def path(self, name: str) -> Path:
        return self.folder / name


@dataclass
class DebianNode(Node):
    """A server with redis.conf and users.acl."""

    certificates: Certificates | None = None
    #: The text from which on redis.conf is left out.
    until: str = ""
    lines: tuple[str, ...] = ()

    def program(self) -> Path:
        return program()

    def environment(self) -> dict[str, str]:
        return _libraries()

    def arguments(self) -> list[str]:
        shutil.copy(_FILES / "users.acl", self.folder)
        text = (_FILES / "redis.conf").read_text()
        kept = text.partition(self.until)[0] if self.until else text
        (self.folder / "redis.conf").write_text("\n".join([self.placed(kept), *self.lines, ""]))
        return ["redis.conf"]

    def placed(self, text: str) -> str:
        """The text of a file with this server's address, port and folders."""
        assert self.certificates is not None
        for before, after in (
            ("10.0.0.11", "127.0.0.1"),
            ("tls-port 6379", f"tls-port {self.port}"),
            ("tls-port 26379", f"tls-port {self.port}"),
            ("/etc/redis/tls", str(self.certificates.folder)),
            ("/etc/redis/users.acl", str(self.folder / "users.acl")),
            ("/var/lib/redis", str(self.folder)),
        ):
            text = text.replace(before, after)
        return text

    def client(self) -> "redis.Redis":
        assert self.certificates is not None
        return redis.Redis(
            port=self.port, socket_timeout=5, username="operator", password="PASSWORD-OF-OPERATOR",
            ssl=True, ssl_ca_certs=str(self.certificates.path("ca.crt")), host="127.0.0.1",
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"rediss://{LOGIN}@127.0.0.1:{self.port}"


class DebianSentinel(DebianNode, SentinelNode):
    """A Sentinel with sentinel.conf."""

    def watch(self, primary: Node, quorum: int = 2) -> None:
        text = (_FILES / "sentinel.conf").read_text()
        monitor = f"monitor {SERVICE} 10.0.0.11"
        assert f"{monitor} 6379 {quorum}" in text
        text = text.replace(f"{monitor} 6379", f"{monitor} {primary.port}")
        text = text.replace("down-after-milliseconds mymaster 2000",
                            "down-after-milliseconds mymaster 1000")  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sentinel.conf").write_text(self.placed(text))

    def arguments(self) -> list[str]:
        return ["sentinel.conf", "--sentinel"]


def one_server(folder: Path, certificates: Certificates, *lines: str) -> DebianNode:
    """A single server with TLS."""
    return DebianNode(folder, certificates=certificates, until="# Replicas log in", lines=lines)


class DebianSentinelGroup(SentinelGroup):
    """Three servers and three Sentinels with TLS and users."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        super().__init__(folder, hurried=True)
        first = DebianNode(folder / "server-0", certificates=certificates)
        follow = (f"replicaof 127.0.0.1 {first.port}",)
        self.servers = [first, *(
            DebianNode(folder / f"server-{n}", certificates=certificates, lines=follow)
            for n in (1, 2)
        )]  # fmt: skip
        self.sentinels = [
            DebianSentinel(folder / f"sentinel-{n}", certificates=certificates) for n in range(3)
        ]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"rediss+sentinel://{LOGIN}@{hosts}/{SERVICE}/0?{SENTINEL_LOGIN}"


class DebianCluster(Cluster):
    """Three primaries with a replica each, with TLS and users."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self._certificates = certificates
        super().__init__(folder)

    def _node(self, index: int) -> Node:
        lines = (
            *("cluster-enabled yes", "tls-cluster yes", "cluster-replica-validity-factor 0"),
            "cluster-node-timeout 2000",
        )
        folder = self._folder / f"node-{index}"
        return DebianNode(
            folder, certificates=self._certificates, until="# With Sentinel alone", lines=lines
        )
