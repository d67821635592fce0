"""One Kannel with one modem for all tests here, by deploy/kannel-modem.conf."""

from collections.abc import Iterator

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
def kannel(
    plugged_in: Modem, doors: Doors, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Boxes]:
    """The real Kannel, started once: the modem is set up, sendsms answers."""
    folder = tmp_path_factory.mktemp("kannel-modem")
    boxes = Boxes.on_modem(folder, plugged_in.path, doors.port, SECRET)
    try:
        boxes.start()
        plugged_in.until(lambda: plugged_in.ready)
        yield boxes
    finally:
        boxes.stop()


@pytest.fixture
def modem(plugged_in: Modem, kannel: Boxes) -> Modem:
    """The modem without texts of earlier tests, and no reference in use."""
    plugged_in.until(lambda: plugged_in.delivered)
    kannel.forget_references()
    plugged_in.begin()
    return plugged_in
