"""The supervisor restarts children that end, and gives up after several failures in a row."""

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from commands.supervisor import ChildFailedError, Supervisor
from receipts.store.local_server import LocalServer
from tests.receipts.store.local_store import answers, has_all_writes, write_until_killed
from tests.support.product import until

pytestmark = pytest.mark.faults


@pytest.fixture
def supervisor(data_dir: Path) -> Iterator[Supervisor]:
    with closing(Supervisor(os.environ, LocalServer(data_dir), most_falls=4)) as supervisor:
        yield supervisor


def test_killed_server_restarts_and_loses_no_write(supervisor: Supervisor, data_dir: Path):
    supervisor.start_store()
    for _ in range(3):
        count = write_until_killed(
            data_dir, lambda: os.kill(supervisor.pids()["store"], signal.SIGKILL)
        )
        assert count > 10
        until(lambda: supervisor.restart_ended() == ["store"], why="the supervisor to restart it")
        until(lambda: answers(data_dir), why="the store to answer")
        assert has_all_writes(data_dir, count)


def test_repeatedly_failing_server_is_given_up_with_its_reason(
    supervisor: Supervisor, data_dir: Path
):
    supervisor.start_store()
    (data_dir / "store/aof/appendonly.aof.manifest").write_text("nonsense\n")
    os.kill(supervisor.pids()["store"], signal.SIGKILL)
    with pytest.raises(ChildFailedError, match=r"The store ended 4 times.*store\.log ends with: "):
        until(lambda: supervisor.restart_ended() == ["never"], why="the supervisor to give up")


def test_restart_pause_grows_with_each_failure(supervisor: Supervisor):
    supervisor.start("child", "app.no_such_module")
    moments = [time.monotonic()]

    def note_restarts() -> None:
        if supervisor.restart_ended():
            moments.append(time.monotonic())

    with pytest.raises(ChildFailedError, match="The child ended 4 times in a row"):
        until(note_restarts, why="the supervisor to give up")
    pauses = [after - before for before, after in itertools.pairwise(moments)]
    assert len(pauses) == 3
    # A child also runs for a while, on a busy machine for longer than the shortest pause.
    assert all(each >= 0.1 * 2**turn for turn, each in enumerate(pauses)), pauses
