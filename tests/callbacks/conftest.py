"""A message centre that signs batches of reports, and a customer with the service."""

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from msgspec.structs import replace
from werkzeug.test import TestResponse

from app.bootstrap import Container
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, ZHEJIANG

SECRET = "feed"  # as in the settings of every test


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
        stamp = str(int(time.time())) if stamp is None else stamp
        signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
        signature = f"sha256={signed.hexdigest()}"
        return self.knock(body, {"X-Feed-Timestamp": stamp, "X-Feed-Signature": signature})

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
def customer(built: Container) -> Msisdn:
    """A customer in Guangdong."""
    number = Msisdn(GUANGDONG)
    held = built.store.load(number).subscription
    active = replace(held, version=held.version + 1, state=SubscriptionState.ACTIVE)
    built.store.commit(ChangeSet(number, records=(active,)))
    return number


def receipts(built: Container, number: str = GUANGDONG, limit: int = 100) -> list[Receipt]:
    """A customer's receipts, newest first."""
    return built.store.receipts_of(Msisdn(number), limit, MessageKind.RECEIPT)
