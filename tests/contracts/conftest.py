from collections.abc import Iterator

import pytest
import responses

from tests.contracts.lines import LINES, Line


@pytest.fixture(params=LINES, ids=lambda line: line.name)
def line(request: pytest.FixtureRequest) -> Line:
    """Each provider in turn."""
    found: Line = request.param
    return found


@pytest.fixture
def outside() -> Iterator[responses.RequestsMock]:
    """The provider's side of the line."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock
