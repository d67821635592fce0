"""Real servers on loopback: a primary with two replicas, watched by three Sentinels."""

import signal
from pathlib import Path

import redis

from tests.support.product import until
from tests.support.redis_nodes import Node

SERVICE = "mymaster"

#: The time after which Sentinels call a server down; a failover takes about two seconds more.
_DOWN_AFTER_MS = 1000


class SentinelNode(Node):
    """A Sentinel: the same program with a file that it rewrites."""

    def watch(self, primary: Node, quorum: int = 2) -> None:
        """Write its file, for a primary."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = (
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} {quorum}",
            f"sentinel down-after-milliseconds {SERVICE} {_DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} 3000",
        )
        (self.folder / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def arguments(self) -> list[str]:
        return ["sentinel.conf", "--sentinel", "--port", str(self.port), "--bind", "127.0.0.1"]


class SentinelGroup:
    """Servers and Sentinels in a folder. The first server begins as the primary."""

    def __init__(self, folder: Path, replicas: int = 2, *, hurried: bool = False) -> None:
        """``hurried``: Sentinels look at the servers more often than once in ten seconds."""
        first = Node(folder / "server-0")
        follow = ("--replicaof", f"127.0.0.1 {first.port}")
        others = [Node(folder / f"server-{n + 1}", more=follow) for n in range(replicas)]
        self.servers = [first, *others]
        self.sentinels = [SentinelNode(folder / f"sentinel-{n}") for n in range(3)]
        self._hurried = hurried

    @property
    def url(self) -> str:
        """The value of REDIS_URL."""
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    def start(self) -> None:
        """Start all; return when each Sentinel knows the others and all replicas are in step."""
        for server in self.servers:
            server.start()
        for sentinel in self.sentinels:
            sentinel.watch(self.servers[0])
            self._start(sentinel)
        self.whole()

    def _start(self, node: Node) -> None:
        node.start()
        if self._hurried and node in self.sentinels:
            node.ask("SENTINEL DEBUG", "info-period", 500, "publish-period", 500)

    def stop(self) -> None:
        for node in (*self.sentinels, *self.servers):
            node.stop()

    def primary(self) -> Node:
        """The primary that most Sentinels name."""
        named = [self._named(each) for each in self.sentinels if each.process]
        port = max(named, key=named.count)
        return next(server for server in self.servers if server.port == port)

    def replicas(self) -> list[Node]:
        return [server for server in self.servers if server is not self.primary()]

    def failover(self) -> None:
        """Let a Sentinel promote a replica, and the primary follow it."""
        until(self._asked_for_failover, why="a Sentinel to begin a failover")

    def await_other_primary(self, before: Node) -> Node:
        """Return the promoted server once all Sentinels name it."""
        running = [each for each in self.sentinels if each.process]
        until(lambda: before.port not in set(map(self._named, running)), why="another primary")
        return self.primary()

    def freeze(self, node: Node) -> None:
        assert node.process is not None
        node.process.send_signal(signal.SIGSTOP)

    def thaw(self, node: Node) -> None:
        assert node.process is not None
        node.process.send_signal(signal.SIGCONT)

    def whole(self) -> None:
        """Start servers that ended; return when all replicas are in step for all Sentinels."""
        for node in (*self.servers, *self.sentinels):
            if node.process is None:
                self._start(node)
        until(lambda: all(map(self._is_whole, self.sentinels)), 60, "all replicas to be in step")

    def _asked_for_failover(self) -> bool:
        try:
            return bool(self.sentinels[0].ask("SENTINEL FAILOVER", SERVICE))
        except redis.ResponseError:  # the last one has not ended, or no replica is ready
            return False

    def _is_whole(self, sentinel: Node) -> bool:
        with sentinel.client() as client:
            state, replicas = client.sentinel_master(SERVICE), client.sentinel_slaves(SERVICE)
        others = len(self.sentinels) - 1
        in_step = [r for r in replicas if not r["is_sdown"] and r["master-link-status"] == "ok"]
        return (
            state["flags"] == "master"
            and state["num-other-sentinels"] == others
            and len(in_step) == len(self.servers) - 1 == self._following()
            and len({self._named(each) for each in self.sentinels}) == 1
        )

    def _following(self) -> int:
        """How many replicas the primary itself has online."""
        with self.primary().client() as client:
            return len([*client.execute_command("ROLE")[2]]) if client.ping() else 0

    @staticmethod
    def _named(sentinel: Node) -> int:
        with sentinel.client() as client:
            _, port = client.sentinel_get_master_addr_by_name(SERVICE)
        return int(port)
