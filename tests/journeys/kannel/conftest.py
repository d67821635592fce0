"""One Kannel and one message centre for all tests here; an empty store for each test."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app import bootstrap
from app.factory import create_app
from app.settings import Settings
from receipts.worker.worker import Worker
from tests.conftest import TestClock, gathering, shipped_book
from tests.journeys.kannel.product import FEED, SECRET, Doors, Product
from tests.support.kannel import PASSWORD, Boxes
from tests.support.smsc import Centre
from tests.support.wsgi import serving


@pytest.fixture(scope="session")
def line() -> Iterator[Centre]:
    centre = Centre()
    yield centre
    centre.close()


@pytest.fixture(scope="session")
def doors() -> Iterator[Doors]:
    opened = Doors()
    with serving(opened) as opened.port:
        yield opened


@pytest.fixture(scope="session")
def kannel(line: Centre, doors: Doors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    """The real Kannel, started once: both SMSC links bound, sendsms answering."""
    boxes = Boxes.on_smpp(tmp_path_factory.mktemp("kannel"), line.port, doors.port, SECRET)
    try:
        boxes.start()
        line.until(lambda: line.bound("carrier", "second"))
        yield boxes
    finally:
        boxes.stop()


@pytest.fixture
def centre(line: Centre) -> Centre:
    """The message centre without texts of earlier tests."""
    line.begin()
    return line


@pytest.fixture
def smsc() -> str:
    """Setting KANNEL_SMSC; tests override it."""
    return ""


@pytest.fixture
def password() -> str:
    """Setting KANNEL_PASSWORD; tests override it."""
    return PASSWORD


@pytest.fixture
def reports() -> str:
    """Setting KANNEL_REPORTS; tests override it."""
    return "final"


@pytest.fixture
def settings(
    settings: Settings, kannel: Boxes, doors: Doors, smsc: str, password: str, reports: str
) -> Settings:
    """Settings with Kannel alone, on an empty store."""
    return replace(
        settings, public_url=f"http://127.0.0.1:{doors.port}", kannel_url=kannel.url,
        kannel_password=password, kannel_secret=SECRET, kannel_smsc=smsc, kannel_reports=reports,
        text_provider=("kannel",), flash_provider=("kannel",), feed_secret=FEED,
    )  # fmt: skip


@pytest.fixture
def product(
    settings: Settings, clock: TestClock, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Product]:
    """The application on a real port and the test's clock; a flash waits for no digest."""
    monkeypatch.setattr(bootstrap, "clock_for", lambda *_, **__: clock)
    built = bootstrap.services(settings.need_providers(), gathering(shipped_book(), 0))
    doors.app = create_app(settings, built)
    yield Product(built, doors)
    doors.app = None
    built.clients.close()


@pytest.fixture
def worker(product: Product) -> Iterator[Worker]:
    working = product.built.worker()
    thread = threading.Thread(target=working.run)
    thread.start()
    yield working
    working.stop()
    thread.join()
