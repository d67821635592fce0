"""One running service for all journeys."""

from collections.abc import Iterator

import pytest

from tests.support.phones import Phones
from tests.support.product import Service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`make run` in a folder of its own, on free ports."""
    with Service(tmp_path_factory.mktemp("journeys") / "data").running_demo() as running:
        yield running


@pytest.fixture(scope="session")
def phones(service: Service) -> Iterator[Phones]:
    with Phones(service.network) as opened:
        yield opened
