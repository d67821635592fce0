from collections.abc import Iterator

import pytest
import responses

from tests.contracts.provider_ends import LINES, FarEnd, Line


@pytest.fixture(params=LINES, ids=lambda line: line.name)
def line(request: pytest.FixtureRequest) -> Line:
    """Each provider in turn."""
    found: Line = request.param
    return found


@pytest.fixture
def far_end(line: Line) -> Iterator[FarEnd]:
    """The provider's HTTP end."""
    with line.far_end() as end:
        yield end


@pytest.fixture
def outside() -> Iterator[responses.RequestsMock]:
    """Twilio's HTTP end."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock
