"""One Kannel with one modem for all tests here, by deploy/kannel-modem.conf."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.kannel.product import SECRET, Doors
from tests.support.kannel import Boxes
from tests.support.modem.device import Modem


@pytest.fixture(scope="session")
def plugged_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Modem]:
    modem = Modem(tmp_path_factory.mktemp("modem") / "sms-modem")
    yield modem
    modem.unplug()


@pytest.fixture(scope="session")
def kannel(plugged_in: Modem, doors: Doors) -> Iterator[Boxes]:
    """The real Kannel, started once: the modem is set up, sendsms answers.

    Its folder is in memory where there is one: Kannel syncs each text and each report.
    """
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="sms-receipt-kannel-", dir=place))
    boxes = Boxes.on_modem(folder, plugged_in.path, doors.port, SECRET)
    try:
        boxes.start()
        plugged_in.until(lambda: plugged_in.ready)
        yield boxes
    finally:
        boxes.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def modem(plugged_in: Modem, kannel: Boxes) -> Modem:
    """The modem without texts of earlier tests, and no reference in use."""
    plugged_in.until(lambda: plugged_in.delivered)
    kannel.forget_references()
    plugged_in.begin()
    return plugged_in
