"""The site of deploy/nginx.conf in a real nginx, before a real service."""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.front import NAME, Front, running
from tests.support.product import Service, free_port
from tests.support.stopwatch import Stopwatch


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    more = {"PUBLIC_URL": f"https://{NAME}", "TRUSTED_PROXIES": "127.0.0.1"}
    service = Service(folder / "data", more | {"INSIDE_PORT": str(free_port())})
    service.start("network", "doors")
    try:
        with running(folder / "front", service) as found:
            yield found
    finally:
        service.stop()


def test_signed_text_comes_through_tls(front: Front) -> None:
    answer = front.text("KTDXHZ", "SM1")
    assert answer.status_code == 200
    assert "开通短信回执" in answer.text


def test_stranger_cannot_claim_another_address_or_scheme(front: Front) -> None:
    claimed = {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.9"}
    assert front.text("CXDXHZ", "SM2", **claimed).status_code == 200


def test_portal_is_https_throughout(front: Front) -> None:
    answer = front.get("/hall/sign-in")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    cookies = answer.headers["Set-Cookie"]
    assert re.search(r"; Secure", cookies)


@pytest.mark.parametrize("path", ["/kannel/sms", "/feed/reports", "/metrics"])
def test_inside_doors_are_not_reached_from_outside(front: Front, path: str) -> None:
    assert front.get(path).status_code == 404


def test_large_body_is_refused(front: Front) -> None:
    assert front.text("x" * 20_000, "SM3").status_code == 413


def test_half_requests_are_closed_and_hinder_no_one(front: Front) -> None:
    half = b"POST /sms HTTP/1.1\r\nHost: sms.example.org\r\nContent-Length: 100\r\n\r\nFrom="
    with ExitStack() as held:
        connections = [held.enter_context(front.connect()) for _ in range(100)]
        for number, connection in enumerate(connections):
            connection.sendall(half if number % 2 else half[:20])
        watch = Stopwatch()
        assert front.text("CXDXHZ", "SM4").status_code == 200
        assert watch.seconds() < 3
        for connection in connections:
            connection.settimeout(20)
            assert connection.recv(100)[9:12] in {b"", b"408"}
