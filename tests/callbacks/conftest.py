"""The message centre: it signs batches of reports, and a customer who waits for receipts."""

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
    """One report as the centre writes it."""
    return {"id": message, "from": GUANGDONG, "to": ZHEJIANG, "status": status} | more


def batch(*lines: dict[str, Any] | str | bytes) -> bytes:
    """Reports one a line; text and bytes go out as they are."""
    return b"\n".join(_raw(line) for line in lines)


def _raw(line: dict[str, Any] | str | bytes) -> bytes:
    if isinstance(line, bytes):
        return line
    return (line if isinstance(line, str) else json.dumps(line)).encode()


@dataclass
class Centre:
    """Posts batches as the message centre does: signed over the time and the body."""

    client: FlaskClient

    def post(self, body: bytes, stamp: str | None = None, secret: str = SECRET) -> TestResponse:
        stamp = str(int(time.time())) if stamp is None else stamp
        signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
        return self.knock(
            body, {"X-Feed-Timestamp": stamp, "X-Feed-Signature": f"sha256={signed.hexdigest()}"}
        )

    def knock(self, body: bytes, headers: dict[str, str]) -> TestResponse:
        return self.client.post(
            "/feed/reports", data=body, headers=headers, content_type="application/x-ndjson"
        )

    def tell(self, *lines: dict[str, Any] | str | bytes) -> dict[str, Any]:
        """What the door answers to a good batch."""
        answer = self.post(batch(*lines))
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.get_json()
        return told


@pytest.fixture
def centre(client: FlaskClient) -> Centre:
    return Centre(client)


@pytest.fixture
def customer(built: Container) -> Msisdn:
    """Somebody in Guangdong with the service."""
    number = Msisdn(GUANGDONG)
    held = built.store.load(number).subscription
    active = replace(held, version=held.version + 1, state=SubscriptionState.ACTIVE)
    built.store.commit(ChangeSet(number, records=(active,)))
    return number


def receipts(built: Container, number: str = GUANGDONG, limit: int = 100) -> list[Receipt]:
    """A customer's receipts, newest first."""
    return built.store.receipts_of(Msisdn(number), limit, MessageKind.RECEIPT)
