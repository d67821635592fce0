"""The faults: each is injected into a running service under load and has ended on return."""

import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from tests.drills.attacks import ATTACKS, attack
from tests.drills.proxy import Mode
from tests.drills.rig import WORKERS, Rig
from tests.support.product import kill, until
from tests.support.redis_nodes import Node

#: Longer than the lease of a worker (5 s), shorter than the lease and all look-ups together.
_PAST_LEASE_SECONDS = 8.0

#: Longer than the time-out of a request to a provider.
_PAST_TIMEOUT_SECONDS = 13.0

_OUTAGE_SECONDS = 6.0


@dataclass(frozen=True)
class Drill:
    """A drill: its fault, the title in the table and the service that it needs."""

    name: str
    title: str
    inject: Callable[[Rig], None]
    store: str = "embedded"
    kannel: bool = False
    small_disk: str = ""
    #: The generator sends every batch twice at once, and again later.
    duplicates: bool = False
    #: Hours that the service's clock moves after the load, past the report timeout.
    hours: int = 0


# -- processes -----------------------------------------------------------------------------------


def _restart(
    rig: Rig, *names: str, outage: float = 0.0, times: int = 1, pause: float = 0.0
) -> None:
    for _ in range(times):
        rig.kill(*names)
        time.sleep(outage)
        rig.start(*names, wait=False)
        time.sleep(pause)


def _kill(pid: Callable[[], int], pause: float) -> None:
    """Kill a process three times; its parent starts it again."""
    for _ in range(3):
        kill(pid())
        time.sleep(pause)


def _stop(*pids: int, seconds: float = _PAST_LEASE_SECONDS) -> None:
    for pid in pids:
        kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in pids:
        kill(pid, signal.SIGCONT)


def _cut(rig: Rig, wire: str, *modes: Mode, seconds: float = _OUTAGE_SECONDS) -> None:
    for mode in modes:
        with rig.cut(mode, wire):
            time.sleep(seconds)


def _kill_web_server(rig: Rig) -> None:
    rig.kill("doors")
    until(lambda: not rig.find("serv"), 20, "web processes and store to follow")
    rig.start("doors", wait=False)


def _kill_all(rig: Rig) -> None:
    # The simulated network lives on: real providers keep the texts that they took.
    with rig.cut(Mode.REFUSE, "provider"):
        rig.kill_everything(spared="network")
    rig.start("doors", *WORKERS, wait=False)


def _move_clock(rig: Rig) -> None:
    for minutes in (5, 40):
        rig.move_clock(minutes / 60)
        time.sleep(2)


# -- the store -----------------------------------------------------------------------------------


def _fill_disk(rig: Rig) -> None:
    ballast = rig.folder / "store" / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
    time.sleep(_OUTAGE_SECONDS)
    ballast.unlink()


def _limit_file_size(pid: int) -> None:
    subprocess.run(["prlimit", "--fsize=4096", "--pid", str(pid)], check=True)


def _limit_store_file(rig: Rig) -> None:
    for _ in range(2):
        server = rig.store_server()
        _limit_file_size(server)
        time.sleep(3)
        kill(server)  # unless the limit has killed it; the next one starts without a limit


def _master(rig: Rig) -> Node:
    return rig.nodes.master_of("{s0}:outbox")


def _restart_nodes(rig: Rig, nodes: Sequence[Node], outage: float = _OUTAGE_SECONDS) -> None:
    for node in nodes:
        node.kill()
    time.sleep(outage)
    for node in nodes:
        node.start()
    rig.nodes.whole()


def _stop_master(rig: Rig) -> None:
    _stop(_master(rig).pid)
    rig.nodes.whole()


def _limit_master_file(rig: Rig) -> None:
    node = _master(rig)
    _limit_file_size(node.pid)
    time.sleep(_OUTAGE_SECONDS)
    _restart_nodes(rig, [node], outage=0)


def _move_slots(rig: Rig) -> None:
    added = [rig.nodes.grow() for _ in range(2)]
    for shard in range(0, 16, 2):
        rig.nodes.move(f"{{s{shard}}}:outbox", added[shard % 4 // 2])


# -- the providers -------------------------------------------------------------------------------


def _kill_box(rig: Rig, name: str, times: int) -> None:
    for _ in range(times):
        rig.boxes.kill(name)
        time.sleep(1.5)
        rig.boxes.mend()


def _fail(rig: Rig, kind: str, seconds: float = 0) -> None:
    """Let the simulated providers fail in one way."""
    rig.trouble(kind, seconds=seconds)
    time.sleep(_OUTAGE_SECONDS)
    rig.trouble("none")


FAULTS = (
    # Workers.
    Drill("worker-killed", "one of two workers killed -9, another started later",
          lambda rig: _restart(rig, WORKERS[0], outage=_OUTAGE_SECONDS)),
    Drill("workers-killed", "both workers killed -9 in the middle of sends, three times",
          lambda rig: _restart(rig, *WORKERS, times=3, pause=2)),
    Drill("worker-stopped", "one worker stopped until the other has reclaimed its entries",
          lambda rig: _stop(rig.pid(WORKERS[0]))),
    Drill("worker-stopped-long", "one worker stopped for longer than lease and look-ups together",
          lambda rig: _stop(rig.pid(WORKERS[0]), seconds=22)),
    Drill("workers-stopped", "both workers stopped, both resumed",
          lambda rig: _stop(*map(rig.pid, WORKERS))),
    Drill("workers-refused", "workers refused by the store, open connections reset",
          lambda rig: _cut(rig, "store of workers", Mode.REFUSE, seconds=_PAST_LEASE_SECONDS),
          store="server"),
    Drill("workers-cut-off", "workers' bytes to and from the store held back",
          lambda rig: _cut(rig, "store of workers", Mode.HOLD, seconds=_PAST_LEASE_SECONDS),
          store="server"),
    # Web processes.
    Drill("door-killed", "a web process killed -9, three times",
          lambda rig: _kill(lambda: min(rig.door_processes()), 1.5)),
    Drill("doors-killed", "the web server with all its processes killed -9, started again",
          _kill_web_server),
    Drill("door-stopped", "a web process stopped in the middle of batches, then resumed",
          lambda rig: _stop(max(rig.door_processes()))),
    Drill("doors-refused", "the web port refuses, open connections reset",
          lambda rig: _cut(rig, "doors", Mode.REFUSE)),
    Drill("doors-unheard", "batches reach the web processes, no answer comes back",
          lambda rig: _cut(rig, "doors", Mode.NO_ANSWER)),
    Drill("doors-lost-store", "web processes refused by the store, then held back",
          lambda rig: _cut(rig, "store of doors", Mode.REFUSE, Mode.HOLD, seconds=4),
          store="server"),
    # Strangers at the web port; good signed requests must not suffer.
    *(
        Drill(f"attack-{name.replace(' ', '-').replace('/', '-').lower()}",
              f"{each.connections:,} {name}, opened again when closed", partial(attack, name=name))
        for name, each in ATTACKS.items()
    ),
    # The embedded store.
    Drill("store-killed", "the embedded server killed -9, three times",
          lambda rig: _kill(rig.store_server, 2)),
    Drill("store-stopped", "the embedded server stopped, then resumed",
          lambda rig: _stop(rig.store_server(), seconds=_OUTAGE_SECONDS)),
    Drill("store-disk-full", "no room left on the embedded store's file system",
          _fill_disk, small_disk="96m"),
    Drill("store-file-limit", "the embedded server may not let its file grow (RLIMIT_FSIZE)",
          _limit_store_file),
    # Nodes of a cluster.
    Drill("node-killed", "a cluster's master killed -9, back later as a replica",
          lambda rig: _restart_nodes(rig, [_master(rig)]), store="cluster"),
    Drill("node-stopped", "a cluster's master stopped until it is replaced",
          _stop_master, store="cluster"),
    Drill("replica-killed", "a cluster's replica killed -9, back later",
          lambda rig: _restart_nodes(rig, rig.nodes.nodes[-1:]), store="cluster"),
    Drill("node-file-limit", "a cluster's master may not let its file grow",
          _limit_master_file, store="cluster"),
    Drill("slots-moved", "two masters join a cluster of three, half of the shards move there",
          _move_slots, store="cluster"),
    Drill("nodes-killed", "all six nodes of a cluster killed -9, started again",
          lambda rig: _restart_nodes(rig, rig.nodes.nodes, outage=1), store="cluster"),
    # Kannel.
    Drill("smsbox-killed", "Kannel's smsbox killed -9, started again",
          lambda rig: _kill_box(rig, "smsbox", times=2), kannel=True),
    Drill("bearerbox-killed", "Kannel's bearerbox killed -9, started again",
          lambda rig: _kill_box(rig, "bearerbox", times=1), kannel=True),
    Drill("smsbox-stopped", "Kannel's smsbox stopped past the time-out",
          lambda rig: _stop(rig.boxes.running["smsbox"].pid, seconds=_PAST_TIMEOUT_SECONDS),
          kannel=True),
    Drill("bearerbox-stopped", "Kannel's bearerbox stopped, then resumed",
          lambda rig: _stop(rig.boxes.running["bearerbox"].pid), kannel=True),
    Drill("kannel-worker-killed", "both workers killed -9 in the middle of sends by Kannel",
          lambda rig: _restart(rig, *WORKERS, times=2, pause=3), kannel=True),
    # Simulated providers.
    Drill("provider-http-500", "providers answer 500: unknown whether they took the text",
          lambda rig: _fail(rig, "http_500")),
    Drill("provider-http-503", "providers answer 503", lambda rig: _fail(rig, "http_503")),
    Drill("provider-http-429", "providers answer 429: too fast",
          lambda rig: _fail(rig, "http_429")),
    Drill("provider-cut-before", "providers cut the connection before they take the text",
          lambda rig: _fail(rig, "cut_before")),
    Drill("provider-cut-after", "providers take the text and cut the connection",
          lambda rig: _fail(rig, "cut_after")),
    Drill("provider-slow", "providers take the text and answer after the time-out",
          lambda rig: _fail(rig, "slow", 14)),
    Drill("provider-unheard", "texts reach the providers, no answer comes back",
          lambda rig: _cut(rig, "provider", Mode.NO_ANSWER)),
    Drill("provider-cut-off", "bytes to and from the providers held back past the time-out",
          lambda rig: _cut(rig, "provider", Mode.HOLD, seconds=_PAST_TIMEOUT_SECONDS)),
    Drill("provider-stopped", "the providers stopped past the time-out, then resumed",
          lambda rig: _stop(rig.pid("network"), seconds=_PAST_TIMEOUT_SECONDS)),
    Drill("provider-refused", "the providers refuse connections, open ones are reset",
          lambda rig: _cut(rig, "provider", Mode.REFUSE)),
    # All of it.
    Drill("everything-killed",
          "web processes, workers and store killed -9 at one moment, providers cut off", _kill_all),
    Drill("everything-stopped", "every process of the service stopped, all resumed",
          lambda rig: _stop(*rig.processes())),
    Drill("clock-moved", "the clock moved, twice under load and past the report timeout after it",
          _move_clock, hours=51),
    Drill("repeated", "every batch sent twice at once and again later, answers lost meanwhile",
          lambda rig: _cut(rig, "doors", Mode.NO_ANSWER), duplicates=True),
)  # fmt: skip
