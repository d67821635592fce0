"""The application on a real port beside a real Kannel."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIEnvironment

import requests
from flask import Flask

from app import bootstrap
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, ZHEJIANG
from tests.support.fixtures import stand
from tests.support.product import until
from tests.support.signing import feed_headers

SECRET = "from-kannel-alone"
FEED = "from-the-centre-alone"


@dataclass
class Doors:
    """WSGI application whose Flask application can be replaced: Kannel is configured once."""

    port: int = 0
    app: Flask | None = None
    calls: list[str] = field(default_factory=list)
    called_at: float = field(default_factory=time.monotonic)

    def count(self, words: str) -> int:
        """The number of calls whose address has these words."""
        return sum(words in call for call in self.calls)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        app = self.app
        self.calls.append(environ["REQUEST_URI"])
        self.called_at = time.monotonic()
        if app is None:
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        return app(environ, start_response)


@dataclass
class Product:
    """Receipts of one customer of the application, by its feed and its store."""

    built: bootstrap.Container
    doors: Doors

    def subscriber(
        self, mode: DisplayMode = DisplayMode.FLASH, language: Language = Language.ZH
    ) -> None:
        stand(self.built, GUANGDONG, "active", mode, language=language)

    def person_to_person(self) -> None:
        """Report a text between people as delivered by the feed: a receipt is due."""
        # No id is used twice: Kannel still reports on receipts of earlier tests.
        line = {"id": uuid4().hex, "from": GUANGDONG, "to": ZHEJIANG, "status": "DELIVRD"}
        body = json.dumps(line).encode()
        url = f"http://127.0.0.1:{self.doors.port}/feed/reports"
        answer = requests.post(url, data=body, headers=feed_headers(FEED, body), timeout=20)
        assert answer.json()["accepted"] == 1, answer.text

    def settled(self) -> bool:
        """Return whether no call came for twice Kannel's retry interval."""
        return time.monotonic() - self.doors.called_at > 2

    def receipt(self) -> Receipt:
        """Return the newest receipt once there is one."""
        number, found = Msisdn(GUANGDONG), self.built.store.receipts_of
        return until(lambda: found(number, 1, MessageKind.RECEIPT), why="a receipt")[0]

    def becomes(self, state: ReceiptState) -> Receipt:
        until(lambda: self.receipt().state is state, why=f"{state}")
        return self.receipt()
