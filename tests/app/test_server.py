"""A web process imports few modules, and collects garbage again after its start."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app import server

#: Modules of workers, tests and commands: each would make the start longer.
UNNEEDED = {"requests", "twilio", "selenium", "commands.main", "commands.demo"}


def test_web_process_imports_no_unneeded_modules():
    program = "import sys, app.server, app.rulebook_reload; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert not UNNEEDED & set(loaded.split())


def test_sign_of_life_to_a_killed_parent_is_no_error():
    heard, beats = os.pipe()
    os.close(heard)
    server.give_sign_of_life(beats, 0.0)
    os.close(beats)


@pytest.fixture
def collector() -> Iterator[None]:
    """Restores the settings of the garbage collector."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)
    gc.enable()


@pytest.mark.usefixtures("collector")
def test_garbage_collection_resumes_after_the_start():
    gc.disable()
    server.freeze_garbage()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
