"""Services that are there to be killed, each in a folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import bootstrap
from app.settings import Settings
from tests.journeys.faults.outbox import Desk
from tests.support.phones import Phones
from tests.support.product import Running, write_book

#: The shipped rule book, with waits that a test can wait for, or pass by moving the clock; and
#: one receipt after another may fail without a word about the provider.
QUICK = {
    "max_attempts": "3",
    "delays_seconds": "[1, 60]",
    "look_after_seconds": "[1, 1]",
    "demote_after": "1000",
}

Serve = Callable[..., Running]


@pytest.fixture(scope="session")
def quick_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rule book under which retries and look-ups come within seconds."""
    return write_book(tmp_path_factory.mktemp("book"), QUICK)


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory, quick_book: Path) -> Iterator[Serve]:
    """Make services; whatever is left of them afterwards is killed."""
    made: list[Running] = []

    def make(**more: str) -> Running:
        folder = tmp_path_factory.mktemp("faults") / "data"
        running = Running(folder, {"RULE_BOOK": str(quick_book)} | more)
        made.append(running)
        return running

    yield make
    for running in made:
        running.kill_everything()


@pytest.fixture(scope="module")
def desk(service: Running) -> Iterator[Desk]:
    """The other side of the counter of a running service: what it holds, and its phones."""
    built = bootstrap.services(Settings.read(service.settings))
    phones = Phones(service.network)
    yield Desk(built, phones)
    phones.session.close()
    built.clients.connection.client.close()
    built.clients.close()
