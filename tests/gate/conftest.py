import pytest
from flask.testing import FlaskClient

from switchboard.factory import create_app
from switchboard.settings import Settings
from switchboard.wiring import Services
from tests.gate.knocking import Knock, out_of_reach


@pytest.fixture
def knock(client: FlaskClient) -> Knock:
    """A caller who signs as the provider does."""
    return Knock(client)


@pytest.fixture
def deaf(settings: Settings, built: Services) -> Knock:
    """The same caller at doors whose store is out of reach: touching it would show."""
    return Knock(create_app(settings, out_of_reach(built)).test_client())
