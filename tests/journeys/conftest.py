"""One running service for all the stories."""

from collections.abc import Iterator

import pytest

from tests.support.phones import Phones
from tests.support.product import Running


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`make run` in a folder of its own, on free ports."""
    running = Running(tmp_path_factory.mktemp("journeys") / "data")
    running.demo()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def phones(service: Running) -> Iterator[Phones]:
    phones = Phones(service.network)
    yield phones
    phones.session.close()
