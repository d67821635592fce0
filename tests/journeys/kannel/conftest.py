"""One Kannel and one message centre for all tests here; the store is empty for each."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app import bootstrap
from app.factory import create_app
from app.settings import Settings
from receipts.worker.worker import Worker
from tests.conftest import ACCOUNT, TOKEN, TestClock, gathering, shipped_book
from tests.journeys.kannel.product import FEED, SECRET, Doors, Product
from tests.support.kannel import Boxes
from tests.support.smsc import Centre


@pytest.fixture(scope="session")
def line() -> Iterator[Centre]:
    """The carrier's message centre."""
    centre = Centre()
    yield centre
    centre.close()


@pytest.fixture(scope="session")
def doors() -> Iterator[Doors]:
    opened = Doors()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def kannel(line: Centre, doors: Doors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    """The real Kannel, started once: both lines bound, sendsms answering."""
    boxes = Boxes(tmp_path_factory.mktemp("kannel"), line.port, doors.port, SECRET)
    try:
        boxes.start()
        line.until(lambda: line.bound("carrier", "second"))
        yield boxes
    finally:
        boxes.stop()


@pytest.fixture
def centre(line: Centre) -> Centre:
    """The message centre, with nothing remembered."""
    line.begin()
    return line


@pytest.fixture
def smsc() -> str:
    """Which of the carrier's lines receipts are routed to; none by default."""
    return ""


@pytest.fixture
def password() -> str:
    """The one that the example gives to our user of sendsms."""
    return "CHANGE-ME-sendsms"


@pytest.fixture
def settings(
    store_url: str,
    raw: "redis.Redis",
    tmp_path: Path,
    kannel: Boxes,
    doors: Doors,
    smsc: str,
    password: str,
) -> Settings:
    """Settings of an operator whose texts all go over the carrier's line."""
    del raw
    return Settings.read(
        {
            "REDIS_URL": store_url,
            "DATA_DIR": str(tmp_path),
            "PUBLIC_URL": f"http://127.0.0.1:{doors.port}",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "KANNEL_URL": kannel.url,
            "KANNEL_USER": "receipts",
            "KANNEL_PASSWORD": password,
            "KANNEL_SECRET": SECRET,
            "KANNEL_SMSC": smsc,
            "TEXT_PROVIDER": "kannel",
            "FLASH_PROVIDER": "kannel",
            "FEED_SECRET": FEED,
        }
    )


@pytest.fixture
def product(
    settings: Settings, clock: TestClock, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    """Doors on a real port, with the test's clock; its time stands still, so no flash waits."""
    monkeypatch.setattr(bootstrap, "clock_for", lambda *_, **__: clock)
    built = bootstrap.services(settings.need_providers(), gathering(shipped_book(), 0))
    doors.app = create_app(settings, built)
    yield Product(built, doors)
    doors.app = None
    built.clients.close()


@pytest.fixture
def worker(product: Product) -> Iterator[Worker]:
    """A worker that sends what is due."""
    working = product.built.worker()
    thread = threading.Thread(target=working.run)
    thread.start()
    yield working
    working.stop()
    thread.join()
