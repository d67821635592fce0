"""The real Prometheus server with our configuration; nothing answers at its targets."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prometheus import PrometheusServer, prometheus_server

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("prometheus")
    for name in ("prometheus.yml", "alerts.yml"):
        shutil.copy(DEPLOY / name, folder)
    with prometheus_server(folder, folder / "prometheus.yml") as running:
        yield running
