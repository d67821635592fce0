from collections.abc import Iterator

import pytest

from tests.contracts.provider_ends import LINES, FarEnd, Line


@pytest.fixture(params=LINES, ids=lambda line: line.name)
def line(request: pytest.FixtureRequest) -> Line:
    """Each provider in turn."""
    found: Line = request.param
    return found


@pytest.fixture
def far_end(line: Line) -> Iterator[FarEnd]:
    """The provider's side of the line."""
    with line.far_end() as end:
        yield end
