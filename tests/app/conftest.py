import pytest
from flask.testing import FlaskClient

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from tests.support.requests import Knock, out_of_reach


@pytest.fixture
def knock(client: FlaskClient) -> Knock:
    """A caller who signs as the provider does."""
    return Knock(client)


@pytest.fixture
def offline(settings: Settings, built: Container) -> Knock:
    """The same caller at doors whose store is out of reach: touching it would show."""
    return Knock(create_app(settings, out_of_reach(built)).test_client())
