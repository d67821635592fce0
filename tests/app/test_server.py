"""A door process loads what doors need, and no more; it looks for garbage again once it answers."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app import server

#: Of the sender, of the developers, and of commands: each would make every start longer.
NOT_FOR_DOORS = {"requests", "twilio", "selenium", "commands.main", "commands.demo"}


def test_web_process_imports_no_unneeded_modules():
    program = "import sys, app.server, app.rulebook_reload; print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert not NOT_FOR_DOORS & set(told.stdout.split())


@pytest.fixture
def collector() -> Iterator[None]:
    """The search for garbage is afterwards as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)
    gc.enable()


@pytest.mark.usefixtures("collector")
def test_garbage_collection_resumes_after_the_start():
    gc.disable()
    server.settled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
