"""An external store (REDIS_URL) that stops answering, and answers again."""

import signal
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import pytest
import requests

from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.load import FRIEND, StoreReader, WebhookClient, fresh, store_reader
from tests.support.product import Service, kill, until
from tests.support.redis_nodes import Node

pytestmark = pytest.mark.faults

#: Twilio's limit for an answer to a webhook.
WEBHOOK_TIMEOUT_SECONDS = 15


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    running = Node(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def service(serve: Serve, server: Node) -> Service:
    running = serve(REDIS_URL=server.url, FLASH_PROVIDER="twilio")
    running.start("network", "doors", "worker")
    return running


@pytest.fixture
def client(service: Service) -> Iterator[WebhookClient]:
    with WebhookClient(service) as opened:
        yield opened


def test_redis_url_replaces_the_local_store(service: Service, server: Node, client: WebhookClient):
    number = fresh()
    client.open(number)
    message = client.report(number)
    with store_reader(service) as store:
        _await_delivered(store, number, message)
    with server.client() as redis_client:
        assert redis_client.dbsize() > 0
    assert not (service.folder / "store").exists()
    assert service.find("valkey") == []


def test_hanging_store_gives_apology_or_503(service: Service, server: Node, client: WebhookClient):
    number = fresh()
    client.open(number)
    kill(server.pid, signal.SIGSTOP)
    try:
        # Two at a time: each answer comes after the doors have waited for the server.
        with ThreadPoolExecutor(2) as callers:
            ready = callers.submit(_awaits_503, f"{service.doors}/readyz")
            callers.submit(_hears_an_apology, client, number).result()
            ready.result()
            text = {"MessageSid": "SMhung", "From": number, "To": "7500", "Body": "PT"}
            answer = callers.submit(_gets_503, service, "/sms", text)
            report = {"MessageSid": "SMp2p", "MessageStatus": "delivered"}
            report |= {"From": number, "To": FRIEND}
            callers.submit(_gets_503, service, "/messages/status", report).result()
            assert answer.result() != "text/plain"
        assert requests.get(f"{service.doors}/healthz", timeout=20).status_code == 200
    finally:
        kill(server.pid, signal.SIGCONT)
    assert "普通短信" in client.text(number, "PT")
    message = client.report(number)
    with store_reader(service) as store:
        _await_delivered(store, number, message)


def _await_delivered(store: StoreReader, number: str, message: str) -> None:
    """Return when the one receipt of a customer, about this message, is delivered."""
    expected = [(message, ReceiptState.DELIVERED)]
    until(lambda: [(r.message_id, r.state) for r in store.receipts(number)] == expected)


def _awaits_503(url: str) -> None:
    """Return when a page answers 503; for a moment it may repeat what it found before."""
    until(lambda: requests.get(url, timeout=20).status_code == 503, why=f"503 of {url}")


def _gets_503(service: Service, path: str, fields: Mapping[str, str]) -> str:
    """Assert a timely 503, after which Twilio retries; return its content type."""
    start = time.monotonic()
    with WebhookClient(service) as client:
        answer = client.once(path, **fields)
    assert answer is not None, "no answer"
    assert answer.status_code == 503
    assert time.monotonic() - start < WEBHOOK_TIMEOUT_SECONDS
    return answer.headers["Content-Type"]


def _hears_an_apology(client: WebhookClient, number: str) -> None:
    start = time.monotonic()
    call = client.once("/voice", CallSid="CAhung", From=number, To="10086", CallStatus="ringing")
    assert call is not None, "no answer"
    assert time.monotonic() - start < WEBHOOK_TIMEOUT_SECONDS
    assert call.status_code == 200
    assert call.headers["Content-Type"].startswith("text/xml")
    verbs = list(ET.fromstring(call.content))
    assert [verb.tag for verb in verbs] == ["Say", "Say", "Hangup"]
    assert "系统出现问题" in (verbs[0].text or "")
    assert "something went wrong" in (verbs[1].text or "")
