import threading
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server

from simulator.app import create_app
from simulator.bootstrap import build_simulator
from simulator.settings import read_settings
from tests.simulator.product import Product
from tests.simulator.support import Network
from tests.support.product import free_port

TOKEN = "a-pretend-token"


@pytest.fixture
def product() -> Iterator[Product]:
    product = Product(TOKEN)
    stop = product.serve()
    yield product
    stop()
    assert product.unsigned == [], "requests with a wrong signature"


@pytest.fixture
def settings(product: Product) -> dict[str, str]:
    return {
        "NETWORK_PORT": str(free_port()),
        "PUBLIC_URL": product.url,
        "TWILIO_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2,
        "TWILIO_AUTH_TOKEN": f"{TOKEN},an-old-token",
        "KANNEL_USER": "kannel",
        "KANNEL_PASSWORD": "a-pretend-password",
        "NETWORK_SPEECH": "0",
        "NETWORK_SILENCE": "0.1",
    }


@pytest.fixture
def network(settings: dict[str, str]) -> Iterator[Network]:
    """The network in this process; `process` starts a real one."""
    simulator = build_simulator(read_settings(settings))
    server = make_server(
        "127.0.0.1", int(settings["NETWORK_PORT"]), create_app(simulator), threaded=True
    )
    server.log = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    network = Network(settings)
    yield network
    network.session.close()
    server.shutdown()
    thread.join()
    server.server_close()
    simulator.close()


@pytest.fixture
def process(settings: dict[str, str]) -> Iterator[Network]:
    network = Network(settings)
    network.start()
    yield network
    network.session.close()
    if network.process:
        assert network.stop() == 0
