"""Signed requests, an unavailable store, and an application with its own rule book."""

import dataclasses
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client

from app import bootstrap, rulebook_reload
from app.bootstrap import Container
from app.factory import create_app
from app.protection import file_watch
from app.settings import Settings
from receipts.rulebook.loader import SHIPPED
from tests.conftest import Network, TestClock
from tests.support.requests import Knock, out_of_reach

OPEN = "开通短信回执"
BEFORE, AFTER = "每月1元", "每月2.5元"


@pytest.fixture
def knock(client: FlaskClient) -> Knock:
    """A client that signs as the provider does."""
    return Knock(client)


@pytest.fixture
def offline(settings: Settings, built: Container) -> Knock:
    """A signing client of an application whose store is unavailable."""
    return Knock(create_app(settings, out_of_reach(built)).test_client())


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """The operator's rule book, an hour old."""
    path = tmp_path / "rules.toml"
    write(path, SHIPPED.read_text(), old=3600)
    return path


def write(path: Path, text: str, old: float = 1) -> None:
    path.write_text(text)
    os.utime(path, (time.time() - old, time.time() - old))


def dearer(text: str) -> str:
    """The book with a new version and a higher price in Guangdong."""
    text = text.replace('version = "invented-1"', 'version = "second"')
    text = text.replace("monthly_fen = 100", "monthly_fen = 250", 1)
    return text.replace('version = "GD-1"', 'version = "GD-2"')


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request checks the file."""
    monkeypatch.setattr(file_watch, "_EVERY", 0.0)


@pytest.fixture
def with_book(settings: Settings, book: Path) -> Settings:
    return dataclasses.replace(settings, rule_book=book)


@pytest.fixture
def doors(
    with_book: Settings, clock: TestClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Network]:
    """The web application with the operator's rule book."""
    monkeypatch.setattr(bootstrap, "clock_for", lambda *_, **__: clock)
    built = bootstrap.services(with_book)
    yield Network(Client(rulebook_reload.ReloadingApp(with_book, built)))  # type: ignore[arg-type] # a plain client does
    built.clients.close()
