"""The product beside a real Kannel: its doors on a real port, and what tests ask of it."""

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass
from uuid import uuid4

import requests
from flask import Flask
from werkzeug.serving import make_server

from app import bootstrap
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet
from statemachines.receipt import ReceiptState
from statemachines.subscription import SubscriptionState
from tests.support.kannel import eventually

SECRET = "from-kannel-alone"
FEED = "from-the-centre-alone"


class Doors:
    """A port that outlives the app behind it: Kannel's configuration names it once."""

    def __init__(self) -> None:
        self.app: Flask | None = None
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._server.log = lambda *_: None  # type: ignore[method-assign]
        self.port = self._server.port
        self.calls: list[str] = []
        self.called_at = time.monotonic()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def _answer(self, environ, start_response):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        app = self.app
        self.calls.append(environ["REQUEST_URI"])
        self.called_at = time.monotonic()
        if app is None:
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        return app(environ, start_response)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class Product:
    """What tests ask of the product; only doors change anything, but for one shortcut."""

    built: bootstrap.Container
    doors: Doors

    def subscriber(self, number: str, mode: DisplayMode, language: Language) -> None:
        """Somebody who opened long ago: the shortcut of tests about something else."""
        held = self.built.store.load(Msisdn(number)).subscription
        opened = Subscription(
            Msisdn(number),
            held.version + 1,
            SubscriptionState.ACTIVE,
            mode,
            language,
            opened_at=self.built.clock.now(),
        )
        self.built.store.commit(ChangeSet(opened.number, records=(opened,)))

    def person_to_person(self, sender: str, friend: str = "13957112345") -> None:
        """A text between people arrived, says the centre's feed: a receipt is due."""
        # No id is used twice: Kannel lives on between tests, and still calls about older receipts.
        line = {"id": uuid4().hex, "from": sender, "to": friend, "status": "DELIVRD"}
        body, stamp = json.dumps(line).encode(), str(int(time.time()))
        made = hmac.digest(FEED.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
        answer = requests.post(
            f"http://127.0.0.1:{self.doors.port}/feed/reports",
            data=body,
            headers={"X-Feed-Timestamp": stamp, "X-Feed-Signature": f"sha256={made.hex()}"},
            timeout=5,
        )
        assert answer.json()["accepted"] == 1, answer.text

    def settled(self) -> bool:
        """Whether nobody has called for twice as long as Kannel waits between two tries."""
        return time.monotonic() - self.doors.called_at > 2

    def receipt(self, number: str) -> Receipt:
        """The newest receipt of a customer."""
        eventually(
            lambda: self.built.store.receipts_of(Msisdn(number), 1, MessageKind.RECEIPT),
            "a receipt",
        )
        return self.built.store.receipts_of(Msisdn(number), 1, MessageKind.RECEIPT)[0]

    def becomes(self, number: str, state: ReceiptState, seconds: float = 20.0) -> Receipt:
        """The newest receipt, once it has come so far."""
        eventually(lambda: self.receipt(number).state is state, f"{state}", seconds)
        return self.receipt(number)
