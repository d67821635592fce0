"""The simulated network answers this machine's own names only."""

import http.client
from collections.abc import Iterator

import pytest

from tests.support.product import Service


def status(port: int, host: str | None, path: str = "/healthz") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("GET", path, skip_host=True)
    if host is not None:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    service = Service(tmp_path_factory.mktemp("network") / "data")
    service.start("network")
    yield service.port + 1
    service.stop()


def test_own_names_are_answered(port: int):
    for name in ("127.0.0.1", "localhost", "[::1]", "LOCALHOST"):
        for host in (name, f"{name}:{port}", f"{name}:{port + 1}"):
            assert status(port, host) == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/none", "/static/desk.js"])
def test_other_hosts_are_refused_on_every_page(port: int, path: str):
    foreign = (
        None, "", "evil.example.org", f"evil.example.org:{port}", f"127.0.0.1.evil.org:{port}",
        f"localhost.evil.org:{port}", f"127.0.0.1:{port}@evil.org", f"127.0.0.2:{port}",
        "127.0.0.1:x", f"[::1%25lo]:{port}", f"0.0.0.0:{port}",
    )  # fmt: skip
    for host in foreign:
        assert status(port, host, path) in {400, 421}, host
