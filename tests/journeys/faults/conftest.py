"""Services whose processes are killed, each in a folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.faults.outbox import Outbox
from tests.support.phones import Phones
from tests.support.product import Service
from tests.support.rulebook import write_book

#: The shipped rule book with short waits, and a circuit breaker that never trips.
QUICK = {
    "max_attempts": "3",
    "delays_seconds": "[1, 60]",
    "look_after_seconds": "[1, 1]",
    "demote_after": "1000",
}

Serve = Callable[..., Service]


@pytest.fixture(scope="session")
def quick_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rule book with retries and look-ups within seconds."""
    return write_book(tmp_path_factory.mktemp("book"), QUICK)


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory, quick_book: Path) -> Iterator[Serve]:
    """Make services; their processes are killed afterwards."""
    made: list[Service] = []

    def make(**more: str) -> Service:
        folder = tmp_path_factory.mktemp("faults") / "data"
        made.append(Service(folder, {"RULE_BOOK": str(quick_book)} | more))
        return made[-1]

    yield make
    for service in made:
        service.kill_everything()


@pytest.fixture(scope="module")
def phones(service: Service) -> Iterator[Phones]:
    with Phones(service.network) as opened:
        yield opened


@pytest.fixture(scope="module")
def outbox(service: Service, phones: Phones) -> Iterator[Outbox]:
    with service.container() as services:
        yield Outbox(services, phones)
