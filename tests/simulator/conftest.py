from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.app import create_app
from simulator.bootstrap import build_simulator
from simulator.settings import read_settings
from tests.simulator.product import Product
from tests.simulator.support import Network
from tests.support.product import Service, free_port
from tests.support.wsgi import serving

TOKEN = "a-pretend-token"


@pytest.fixture
def product() -> Iterator[Product]:
    product = Product(TOKEN)
    with serving(product.app()) as product.port:
        yield product
    assert product.unsigned == [], "requests with a wrong signature"


@pytest.fixture
def settings(product: Product) -> dict[str, str]:
    return {
        "NETWORK_PORT": str(free_port()), "PUBLIC_URL": product.url,
        "TWILIO_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2,
        "TWILIO_AUTH_TOKEN": f"{TOKEN},an-old-token", "KANNEL_USER": "kannel",
        "KANNEL_PASSWORD": "a-pretend-password", "NETWORK_SPEECH": "0", "NETWORK_SILENCE": "0.1",
    }  # fmt: skip


@pytest.fixture
def network(settings: dict[str, str]) -> Iterator[Network]:
    """The network in this process; `process` starts a real one."""
    simulator = build_simulator(read_settings(settings))
    served = serving(create_app(simulator), int(settings["NETWORK_PORT"]))
    with served as port, Network(f"http://127.0.0.1:{port}") as network:
        yield network
    simulator.jobs.close()


@pytest.fixture
def process(settings: dict[str, str], tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / "data", settings, int(settings["NETWORK_PORT"]) - 1)
    service.start("network")
    yield service
    children = list(service.children.values())
    service.stop()
    assert not any(child.returncode for child in children)
