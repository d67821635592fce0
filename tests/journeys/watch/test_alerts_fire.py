"""The real Prometheus collects from real processes, and a planted fault makes one alert fire."""

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.watch.conftest import Watched
from tests.support.product import until
from tests.support.prometheus import PrometheusServer, prometheus_server

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture(scope="module")
def prometheus(
    watched: Watched, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """The shipped configuration on the ports of the test, with every time cut to a second."""
    folder = tmp_path_factory.mktemp("prometheus")
    config = (DEPLOY / "prometheus.yml").read_text().replace("15s", "1s")
    # One of the two web services that the units run.
    config = config.replace(', "127.0.0.1:9082"', "")
    ports = {"9081": watched.service.metrics_port, "9101": watched.worker_port}
    ports["9102"] = watched.worker_port + 1
    for shipped, port in ports.items():
        config = config.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:{port}")
    rules = re.sub(r"(?m)^( +for:) .*", r"\1 1s", (DEPLOY / "alerts.yml").read_text())
    (folder / "prometheus.yml").write_text(config)
    (folder / "alerts.yml").write_text(rules)
    with prometheus_server(folder, folder / "prometheus.yml") as server:
        yield server


def test_healthy_service_is_collected_and_fires_no_alert(
    watched: Watched, prometheus: PrometheusServer
):
    watched.feeds("alerts-1")
    watched.phone.flash()
    targets = 'up{instance=~".*:(%d|%d|%d)"} == 1' % (  # noqa: UP031 - PromQL has braces
        watched.service.metrics_port, watched.worker_port, watched.worker_port + 1,
    )  # fmt: skip

    def collected() -> bool:
        return len(prometheus.get("query", query=targets)["result"]) == 3

    until(collected, why="three targets")
    until(lambda: prometheus.get("query", query="sms_receipt_workers_alive")["result"])
    assert prometheus.firing() == set()


def test_open_circuit_breaker_fires_its_alert(watched: Watched, prometheus: PrometheusServer):
    watched.phones.trouble("kannel", "http_503")
    numbers = itertools.count()

    def fires() -> bool:
        # Receipts of one moment are one flash, and each worker counts its own failures.
        watched.feeds(f"alerts-failing-{next(numbers)}")
        time.sleep(0.5)
        return "ProviderDown" in prometheus.firing()

    until(fires, 60, "the alert of the provider")
    (alert,) = [
        each for each in prometheus.get("alerts")["alerts"]
        if each["labels"]["alertname"] == "ProviderDown"
    ]  # fmt: skip
    assert alert["labels"]["provider"] == "kannel"
    assert alert["annotations"]["runbook_url"] == "docs/runbook.md#providerdown"
    watched.phones.trouble("kannel", "none")


def test_killed_workers_fire_their_alert(watched: Watched, prometheus: PrometheusServer):
    watched.service.kill("worker", "second worker")
    until(lambda: {"NoWorker", "WorkerLost"} <= prometheus.firing(), 40, "the workers' alerts")
    assert "StoreDown" not in prometheus.firing()
