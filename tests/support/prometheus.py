"""Debian's own promtool and Prometheus server, unpacked by ``tools/install_test_packages``."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.support.product import answers, free_port, surroundings, until

_UNPACKED = Path(sys.prefix) / "debian" / "usr" / "bin"


def program(name: str) -> str:
    """The path of a program, installed or unpacked beside the virtual environment's own."""
    found = shutil.which(name) or shutil.which(name, path=str(_UNPACKED))
    assert found, f"{name} is missing: run tools/install_test_packages"
    return found


def promtool(*words: str | Path, given: str = "") -> str:
    """Run promtool; return its output, and fail with it on an error."""
    done = subprocess.run(
        [program("promtool"), *words], input=given, capture_output=True, text=True, timeout=60,
        check=False, env=surroundings(),
    )  # fmt: skip
    said = (done.stdout + done.stderr).strip()
    assert done.returncode == 0, said
    return said


class PrometheusServer:
    """A running server; ``url`` is its address."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        answer = requests.get(f"{self.url}/api/v1/{path}", params=query, timeout=10)
        assert answer.ok, answer.text
        return answer.json()["data"]

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        alerts = self.get("alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}


@contextmanager
def prometheus_server(folder: Path, config: Path) -> Iterator[PrometheusServer]:
    """Run the server with a configuration, its data in a folder, until the block ends."""
    port = free_port()
    words = [
        program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    with (
        (folder / "prometheus.log").open("wb") as log,
        subprocess.Popen(words, stdout=log, stderr=log, env=surroundings(), cwd=folder) as process,
    ):
        try:
            server = PrometheusServer(port)
            until(lambda: answers(f"{server.url}/-/ready"), why="Prometheus to be ready")
            yield server
        finally:
            process.terminate()
            process.wait(20)
