"""The faults: each happens to a running service under load, and is over when its function ends."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.drills.proxy import Mode
from tests.drills.rig import WORKERS, Rig
from tests.support.product import kill, until

#: Longer than a worker may be silent before others take over what it held (5 s), and shorter than
#: that and all look-ups at the provider together.
_PAST_THE_LEASE = 8.0

#: Seconds a thing is out of reach.
_AWAY = 6.0


@dataclass(frozen=True)
class Fault:
    """What happens, in the words of the table, and what it happens to."""

    name: str
    what: str
    happen: Callable[[Rig], None]
    store: str = "embedded"
    kannel: bool = False
    small_disk: str = ""
    greedy: bool = False
    #: Hours the service's clock has moved on after which "no answer yet" is due.
    hours: int = 0


FAULTS: list[Fault] = []


def _fault(name: str, what: str, **more: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
    def noted(happen: Callable[[Rig], None]) -> Callable[[Rig], None]:
        FAULTS.append(Fault(name, what, happen, **more))  # type: ignore[arg-type]
        return happen

    return noted


def _restart(rig: Rig, *names: str, away: float = 0.0) -> None:
    rig.kill(*names)
    time.sleep(away)
    rig.begin(*names)


# -- the worker ----------------------------------------------------------------------------------


@_fault("worker-killed", "one of two workers killed -9, another started later")
def _(rig: Rig) -> None:
    _restart(rig, WORKERS[0], away=_AWAY)


@_fault("workers-killed", "both workers killed -9 in the middle of sends, three times")
def _(rig: Rig) -> None:
    for _ in range(3):
        _restart(rig, *WORKERS)
        time.sleep(2)


@_fault("worker-stopped", "one worker stopped until the other has taken over what it held")
def _(rig: Rig) -> None:
    with rig.stopped(rig.pid(WORKERS[0])):
        time.sleep(_PAST_THE_LEASE)


@_fault("worker-stopped-long", "one worker stopped for longer than lease and look-ups together")
def _(rig: Rig) -> None:
    with rig.stopped(rig.pid(WORKERS[0])):
        time.sleep(22)


@_fault("workers-stopped", "both workers stopped, both go on")
def _(rig: Rig) -> None:
    with rig.stopped(*map(rig.pid, WORKERS)):
        time.sleep(_PAST_THE_LEASE)


@_fault("workers-refused", "workers refused by the store, open connections reset", store="server")
def _(rig: Rig) -> None:
    with rig.cut(Mode.REFUSE, "store of workers"):
        time.sleep(_PAST_THE_LEASE)


@_fault("workers-cut-off", "workers' bytes to and from the store held back", store="server")
def _(rig: Rig) -> None:
    with rig.cut(Mode.HOLD, "store of workers"):
        time.sleep(_PAST_THE_LEASE)


# -- the doors -----------------------------------------------------------------------------------


@_fault("door-killed", "a door process killed -9, three times")
def _(rig: Rig) -> None:
    for _ in range(3):
        kill(min(rig.door_processes()))
        time.sleep(1.5)


@_fault("doors-killed", "the door server with all its processes killed -9, started again")
def _(rig: Rig) -> None:
    rig.kill("doors")
    until(lambda: not rig.find("serv"), 20, "doors and store to follow")
    rig.begin("doors")


@_fault("door-stopped", "a door process stopped in the middle of batches, and goes on")
def _(rig: Rig) -> None:
    with rig.stopped(max(rig.door_processes())):
        time.sleep(_PAST_THE_LEASE)


@_fault("doors-refused", "the doors' port refuses, open connections reset")
def _(rig: Rig) -> None:
    with rig.cut(Mode.REFUSE, "doors"):
        time.sleep(_AWAY)


@_fault("doors-unheard", "batches reach the doors, no answer comes back")
def _(rig: Rig) -> None:
    with rig.cut(Mode.NO_ANSWER, "doors"):
        time.sleep(_AWAY)


@_fault("doors-lost-store", "doors refused by the store, then held back", store="server")
def _(rig: Rig) -> None:
    for mode in (Mode.REFUSE, Mode.HOLD):
        with rig.cut(mode, "store of doors"):
            time.sleep(4)


# -- the embedded store --------------------------------------------------------------------------


@_fault("store-killed", "the embedded server killed -9, three times")
def _(rig: Rig) -> None:
    for _ in range(3):
        kill(rig.store_server())
        time.sleep(2)


@_fault("store-stopped", "the embedded server stopped, and goes on")
def _(rig: Rig) -> None:
    with rig.stopped(rig.store_server()):
        time.sleep(_AWAY)


@_fault("store-disk-full", "no room left on the embedded store's file system", small_disk="96m")
def _(rig: Rig) -> None:
    with rig.full(rig.folder / "store"):
        time.sleep(_AWAY)


@_fault("store-file-limit", "the embedded server may not let its file grow (RLIMIT_FSIZE)")
def _(rig: Rig) -> None:
    for _ in range(2):
        server = rig.store_server()
        # Killed by the limit or not, the next one has none.
        subprocess.run(["prlimit", "--fsize=4096", "--pid", str(server)], check=False)
        time.sleep(3)
        kill(server)


# -- a node of a cluster -------------------------------------------------------------------------


@_fault("node-killed", "a cluster's master killed -9, back later as a replica", store="cluster")
def _(rig: Rig) -> None:
    assert rig.nodes is not None
    node = rig.nodes.master_of("{s0}:outbox")
    node.kill()
    time.sleep(_AWAY)
    node.start()
    rig.nodes.whole()


@_fault("node-stopped", "a cluster's master stopped until it is replaced", store="cluster")
def _(rig: Rig) -> None:
    assert rig.nodes is not None
    with rig.stopped(rig.nodes.master_of("{s0}:outbox").pid):
        time.sleep(_PAST_THE_LEASE)
    rig.nodes.whole()


@_fault("replica-killed", "a cluster's replica killed -9, back later", store="cluster")
def _(rig: Rig) -> None:
    assert rig.nodes is not None
    node = rig.nodes.nodes[-1]
    node.kill()
    time.sleep(_AWAY)
    node.start()
    rig.nodes.whole()


@_fault("node-file-limit", "a cluster's master may not let its file grow", store="cluster")
def _(rig: Rig) -> None:
    assert rig.nodes is not None
    node = rig.nodes.master_of("{s0}:outbox")
    subprocess.run(["prlimit", "--fsize=4096", "--pid", str(node.pid)], check=True)
    time.sleep(_AWAY)
    node.kill()
    node.start()
    rig.nodes.whole()


@_fault("slots-moved", "two masters join a cluster of three, half of the shards move there",
        store="cluster")  # fmt: skip
def _(rig: Rig) -> None:
    assert rig.nodes is not None
    fresh = [rig.nodes.grow() for _ in range(2)]
    for shard in range(0, 16, 2):
        rig.nodes.move(f"{{s{shard}}}:outbox", fresh[shard % 4 // 2])


@_fault("nodes-killed", "all six nodes of a cluster killed -9, started again", store="cluster")
def _(rig: Rig) -> None:
    assert rig.nodes is not None
    for node in rig.nodes.nodes:
        node.kill()
    time.sleep(1)
    for node in rig.nodes.nodes:
        node.start()
    rig.nodes.whole()


# -- Kannel --------------------------------------------------------------------------------------


@_fault("smsbox-killed", "Kannel's smsbox killed -9, started again", kannel=True)
def _(rig: Rig) -> None:
    assert rig.boxes is not None
    for _ in range(2):
        rig.boxes.kill("smsbox")
        time.sleep(1.5)
        rig.boxes.mend()


@_fault("bearerbox-killed", "Kannel's bearerbox killed -9, started again", kannel=True)
def _(rig: Rig) -> None:
    assert rig.boxes is not None
    rig.boxes.kill("bearerbox")
    time.sleep(1.5)
    rig.boxes.mend()


@_fault("smsbox-stopped", "Kannel's smsbox stopped for longer than we wait", kannel=True)
def _(rig: Rig) -> None:
    assert rig.boxes is not None
    with rig.stopped(rig.boxes.running["smsbox"].pid):
        time.sleep(13)


@_fault("bearerbox-stopped", "Kannel's bearerbox stopped, and goes on", kannel=True)
def _(rig: Rig) -> None:
    assert rig.boxes is not None
    with rig.stopped(rig.boxes.running["bearerbox"].pid):
        time.sleep(_PAST_THE_LEASE)


@_fault("kannel-worker-killed", "both workers killed -9 in the middle of sends by Kannel",
        kannel=True)  # fmt: skip
def _(rig: Rig) -> None:
    for _ in range(2):
        _restart(rig, *WORKERS)
        time.sleep(3)


# -- the provider --------------------------------------------------------------------------------


def _troubled(kind: str, seconds: float = 0) -> Callable[[Rig], None]:
    def happen(rig: Rig) -> None:
        rig.trouble(kind, seconds=seconds)
        time.sleep(_AWAY)
        rig.trouble("none")

    return happen


for _kind, _what in {
    "http_500": "providers answer 500: nobody knows whether they took the text",
    "http_503": "providers answer 503",
    "http_429": "providers answer 429: too fast",
    "cut_before": "providers cut the connection before they take the text",
    "cut_after": "providers take the text and cut the connection",
}.items():
    _fault(f"provider-{_kind.replace('_', '-')}", _what)(_troubled(_kind))

_fault("provider-slow", "providers take the text and answer after we have given up waiting")(
    _troubled("slow", 14)
)


@_fault("provider-unheard", "texts reach the providers, no answer comes back")
def _(rig: Rig) -> None:
    with rig.cut(Mode.NO_ANSWER, "provider"):
        time.sleep(_AWAY)


@_fault("provider-cut-off", "bytes to and from the providers held back past our patience")
def _(rig: Rig) -> None:
    with rig.cut(Mode.HOLD, "provider"):
        time.sleep(13)


@_fault("provider-stopped", "the providers stopped past our patience, and go on")
def _(rig: Rig) -> None:
    with rig.stopped(rig.pid("network")):
        time.sleep(13)


@_fault("provider-refused", "the providers refuse connections, open ones are reset")
def _(rig: Rig) -> None:
    with rig.cut(Mode.REFUSE, "provider"):
        time.sleep(_AWAY)


# -- and the rest --------------------------------------------------------------------------------


@_fault("everything-killed", "doors, workers and store killed -9 at one moment, providers cut off")
def _(rig: Rig) -> None:
    # The providers keep what they took, as real ones do: their process lives on.
    with rig.cut(Mode.REFUSE, "provider"):
        rig.kill_everything(spared="network")
    rig.begin("doors", *WORKERS)


@_fault("everything-stopped", "every process of the service stopped, all go on")
def _(rig: Rig) -> None:
    with rig.stopped(*rig.processes()):
        time.sleep(_PAST_THE_LEASE)


@_fault("clock-moved", "the clock moved on, twice under load and past the chase after it", hours=51)
def _(rig: Rig) -> None:
    for words in ("+5m", "+40m"):
        told = rig.tool("clock", words)
        assert told.returncode == 0, told.stderr
        time.sleep(2)


@_fault("repeated", "every batch sent twice at once and again later, answers lost meanwhile",
        greedy=True)  # fmt: skip
def _(rig: Rig) -> None:
    with rig.cut(Mode.NO_ANSWER, "doors"):
        time.sleep(_AWAY)
