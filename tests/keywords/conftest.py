import pytest

from tests.conftest import Network
from tests.support.texter import Phone, Texter


@pytest.fixture
def phone(network: Network) -> Phone:
    """Factory of phones: ``phone(GUANGDONG).says("PT")``."""
    return lambda number: Texter(network, number)


@pytest.fixture
def me(network: Network) -> Texter:
    """A phone from Guangdong."""
    return Texter(network)
