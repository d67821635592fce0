"""A message centre that signs batches of reports, and a customer with the service."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.bootstrap import Container
from tests.conftest import GUANGDONG, ZHEJIANG
from tests.support.fixtures import stand
from tests.support.months import run
from tests.support.signing import feed_headers

__all__ = ["run"]

SECRET = "feed-secret-of-the-tests"  # as in the settings of every test


def a_line(message: str = "1", status: str = "DELIVRD", **more: object) -> dict[str, Any]:
    """One report of the feed."""
    return {"id": message, "from": GUANGDONG, "to": ZHEJIANG, "status": status} | more


def batch(*lines: dict[str, Any] | str | bytes) -> bytes:
    """Reports, one a line; text and bytes stay as they are."""
    texts = (json.dumps(line) if isinstance(line, dict) else line for line in lines)
    return b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)


@dataclass
class Centre:
    """Posts batches signed over time and body."""

    client: FlaskClient

    def post(self, body: bytes, stamp: str | None = None, secret: str = SECRET) -> TestResponse:
        return self.knock(body, feed_headers(secret, body, stamp))

    def knock(self, body: bytes, headers: dict[str, str]) -> TestResponse:
        return self.client.post(
            "/feed/reports", data=body, headers=headers, content_type="application/x-ndjson"
        )

    def tell(self, *lines: dict[str, Any] | str | bytes) -> dict[str, Any]:
        """The response to an accepted batch."""
        answer = self.post(batch(*lines))
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())


@pytest.fixture
def centre(client: FlaskClient) -> Centre:
    return Centre(client)


@pytest.fixture
def customer(built: Container) -> None:
    """A customer in Guangdong."""
    stand(built, GUANGDONG, "active")
