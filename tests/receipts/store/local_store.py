"""The local store in tests: an owner in another process, writes during a kill."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from receipts.ports.store import StoreUnavailableError
from receipts.store.local_server import running_server_url
from tests.support.processes import processes_of
from tests.support.product import until

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


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose processes have all ended at the end of the test."""
    folder = tmp_path / "var"
    yield folder
    until(lambda: not processes_of(folder), why="every process of the folder to end")


#: A slow disk or a busy machine must not leave a kill without writes before it.
_FEWEST_WRITES = 11


def start_owner(data_dir: Path) -> "subprocess.Popen[str]":
    """A process that runs the store of a folder until its standard input ends."""
    words, pipe = [sys.executable, "-c", OWNER, data_dir], subprocess.PIPE
    owner = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)
    assert owner.stdout is not None
    owner.stdout.readline()
    return owner


def client(data_dir: Path) -> "redis.Redis":
    return redis.Redis.from_url(running_server_url(data_dir))


def answers(data_dir: Path) -> bool:
    try:
        running_server_url(data_dir)
    except StoreUnavailableError:
        return False
    return True


def write_until_killed(data_dir: Path, kill: Callable[[], None]) -> int:
    """Write until the server is killed; return the number of acknowledged writes."""
    acknowledged = 0
    killer = threading.Timer(0.2, kill)
    with client(data_dir) as writer:
        try:
            while True:
                writer.set(f"k{acknowledged}", acknowledged)
                acknowledged += 1
                if acknowledged == _FEWEST_WRITES:
                    killer.start()
        except redis.RedisError:
            killer.join()
            return acknowledged


def has_all_writes(data_dir: Path, count: int) -> bool:
    with client(data_dir) as reader:
        found = reader.mget([f"k{n}" for n in range(count)])
    return [int(value) for value in found if value is not None] == list(range(count))
