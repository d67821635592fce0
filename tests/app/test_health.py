"""Health checks answer a word each; the metrics have a port of their own on loopback."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from app.bootstrap import Container
from app.factory import create_app
from app.metrics.server import registry
from app.settings import Settings
from receipts.ports.store import StoreUnavailableError
from tests.support.product import PATIENCE_SECONDS, free_port, surroundings, until
from tests.support.requests import Knock, out_of_reach


def test_reasons_of_readyz_are_in_the_log_alone(settings: Settings, built: Container):
    client = create_app(settings, out_of_reach(built)).test_client()
    with capture_logs() as logged:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "not ready"})
    assert [each["event"] for each in logged] == ["not ready"]
    assert logged[0]["why"]


def test_readyz_asks_the_store_once_a_second(
    settings: Settings, built: Container, monkeypatch: pytest.MonkeyPatch
):
    asked = []
    monkeypatch.setattr(type(built.store), "ping", lambda _: asked.append(1))
    client = create_app(settings, built).test_client()
    began = time.monotonic()
    assert {client.get("/readyz").status_code for _ in range(200)} == {200}
    assert len(asked) <= 2 + (time.monotonic() - began)


def test_readyz_notices_a_lost_and_a_returned_store(
    settings: Settings, built: Container, monkeypatch: pytest.MonkeyPatch
):
    def away(_: object) -> None:
        raise StoreUnavailableError("redis://inner.example.org:6379 is away")

    client = create_app(settings, built).test_client()
    assert client.get("/readyz").status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr(type(built.store), "ping", away)
        until(lambda: client.get("/readyz").status_code == 503)
        assert "inner" not in client.get("/readyz").text
    until(lambda: client.get("/readyz").status_code == 200)


def test_no_metrics_on_the_port_of_the_webhooks(knock: Knock):
    assert knock.client.get("/metrics").status_code == 404


def test_metrics_of_the_store_stay_whole_however_often_they_are_read(built: Container):
    shown = registry(built, CollectorRegistry())
    pages: list[bytes] = []
    for _ in range(150):  # more than the store's client has connections
        reader = threading.Thread(target=lambda: pages.append(generate_latest(shown)))
        reader.start()
        reader.join()
    assert all(b"sms_receipt_workers_alive 0.0" in page for page in pages)


@pytest.mark.usefixtures("raw")
def test_metrics_are_served_on_loopback_alone(store_url: str, tmp_path: Path):
    port = free_port()
    environ = surroundings(
        REDIS_URL=store_url, DATA_DIR=str(tmp_path), METRICS_PORT=str(port), HOST="0.0.0.0"
    )
    url = f"http://127.0.0.1:{port}/metrics"
    with subprocess.Popen([sys.executable, "-m", "app.metrics.server"], env=environ) as process:

        def page() -> str:
            try:
                return requests.get(url, timeout=20).text
            except requests.RequestException:
                return ""

        assert "sms_receipt_reports_missing 0.0" in until(page)
        listening = Path(f"/proc/{process.pid}/net/tcp").read_text()
        (line,) = [each for each in listening.splitlines() if f":{port:04X} 00000000:0000" in each]
        assert "0100007F" in line
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
