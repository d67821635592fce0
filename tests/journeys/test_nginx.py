"""The site of deploy/nginx.conf in a real nginx, before a real service."""

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.conftest import GUANGDONG
from tests.support.product import Service, answers_at, free_port, until
from tests.support.signing import twilio_headers

_SITE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
_NAME = "sms.example.org"


@dataclass(frozen=True)
class Front:
    """nginx with TLS, and the service behind it."""

    port: int
    certificate: Path
    service: Service

    def get(self, path: str, **headers: str) -> requests.Response:
        return self._session().get(self._url(path), headers={"Host": _NAME, **headers}, timeout=10)

    def text(self, body: str, sid: str, **headers: str) -> requests.Response:
        """A text to the short code, signed for the public address."""
        settings = self.service.settings
        fields = {"AccountSid": settings["TWILIO_ACCOUNT_SID"], "MessageSid": sid, "Body": body}
        fields |= {"From": GUANGDONG, "To": "7500"}
        token = settings["TWILIO_AUTH_TOKEN"].split(",")[0]
        signed = twilio_headers(token, f"https://{_NAME}/sms", fields)
        headers = {"Host": _NAME, **signed, **headers}
        url = self._url("/sms")
        return self._session().post(url, data=fields, headers=headers, timeout=10)

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        return context.wrap_socket(plain, server_hostname=_NAME)

    def _url(self, path: str) -> str:
        return f"https://localhost:{self.port}{path}"

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env, session.verify = False, str(self.certificate)
        return session


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    names = f"subjectAltName=DNS:{_NAME},DNS:localhost"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={_NAME}", "-addext", names),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def _configuration(folder: Path, service: Service, port: int) -> Path:
    """The shipped site with other ports and certificate, in an nginx of our own."""
    certificate, key = _certificate(folder)
    site = _SITE.read_text()
    for shipped, ours in (
        ("127.0.0.1:7500", f"127.0.0.1:{service.port}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/sms-receipt/fullchain.pem", str(certificate)),
        ("/etc/ssl/sms-receipt/privkey.pem", str(key)),
    ):
        assert shipped in site
        site = site.replace(shipped, ours)
    paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in paths)
    main = folder / "nginx.conf"
    main.write_text(
        f"user root;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\ndaemon off;\n"
        "worker_processes 1;\nevents { worker_connections 2048; }\n"
        f"http {{\naccess_log off;\n{temporary}{site}}}\n"
    )
    return main


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    more = {"PUBLIC_URL": f"https://{_NAME}", "TRUSTED_PROXIES": "127.0.0.1"}
    service, port = Service(folder / "data", more | {"INSIDE_PORT": str(free_port())}), free_port()
    main = _configuration(folder, service, port)
    command = ["nginx", "-c", str(main), "-p", str(folder)]
    service.start("network", "doors")
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as nginx:
        try:
            running = Front(port, folder / "fullchain.pem", service)
            until(lambda: answers_at(port), 10, "nginx to listen")
            yield running
        finally:
            nginx.terminate()
            nginx.wait(10)
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
        started = time.monotonic()
        assert front.text("CXDXHZ", "SM4").status_code == 200
        assert time.monotonic() - started < 3
        for connection in connections:
            connection.settimeout(20)
            assert connection.recv(100)[9:12] in {b"", b"408"}
