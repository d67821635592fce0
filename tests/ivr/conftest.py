from itertools import count

import pytest

from tests.conftest import GUANGDONG, Network
from tests.support.caller import Call, Line


@pytest.fixture
def line(network: Network) -> Line:
    """Calls by number, each with a sid of its own: ``line(GUANGDONG).dials()``."""
    calls = count(1)
    return lambda number=GUANGDONG: Call(network, number, f"CA{next(calls):032x}")


@pytest.fixture
def call(line: Line) -> Call:
    """A call from Guangdong."""
    return line()
