"""A running service of real processes with a worker's metrics, and some traffic behind it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.support.phones import Phone, Phones
from tests.support.product import Service, answers, free_port, until
from tests.support.signing import feed_headers

FEED_SECRET = "feed-secret-of-the-tests"


@dataclass
class Watched:
    """Doors, two workers and the simulated network; ``phone`` holds the service."""

    service: Service
    phones: Phones
    phone: Phone

    @property
    def worker_port(self) -> int:
        return int(self.service.more["WORKER_METRICS_PORT"])

    def page(self, port: int) -> str:
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text

    @property
    def doors_page(self) -> str:
        return until(lambda: self.service.metrics, why="the metrics of the doors")

    def feeds(self, message: str, status: str = "DELIVRD") -> None:
        """Report the fate of a text of the phone, as the message centre does."""
        line = {"id": message, "from": self.phone.number, "to": "13957112345", "status": status}
        body = json.dumps(line).encode()
        url = f"{self.service.doors}/feed/reports"
        answer = requests.post(url, body, headers=feed_headers(FEED_SECRET, body), timeout=10)
        assert answer.ok, answer.text


@contextmanager
def running_service(folder: Path, **settings: str) -> Iterator[Watched]:
    """Doors, two workers and the network, with a phone that holds the service."""
    port = free_port(low=9_000, high=11_000)
    more = {"WORKER_METRICS_PORT": str(port), "FEED_SECRET": FEED_SECRET, "LOG_FORMAT": "json"}
    service = Service(folder / "data", more | settings)
    service.start("network", wait=False)
    service.start("doors", "worker", "second worker")
    try:
        until(lambda: answers(f"{service.network}/healthz"), why="the network to answer")
        with Phones(service.network) as phones:
            phone = phones.fresh("CN-GD").opens()
            yield Watched(service, phones, phone)
    finally:
        service.kill_everything()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with running_service(tmp_path_factory.mktemp("watch")) as running:
        yield running
