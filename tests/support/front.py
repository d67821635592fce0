"""The site of deploy/nginx.conf in a real nginx, before a real service."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.conftest import GUANGDONG
from tests.support.product import Service, answers_at, free_port, until
from tests.support.signing import twilio_headers

_SITE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "sms.example.org"


@dataclass(frozen=True)
class Front:
    """nginx with TLS, and the service behind it."""

    port: int
    certificate: Path
    service: Service

    def get(self, path: str, **headers: str) -> requests.Response:
        return self._session().get(self._url(path), headers={"Host": NAME, **headers}, timeout=10)

    def text(self, body: str, sid: str, **headers: str) -> requests.Response:
        """A text to the short code, signed for the public address."""
        settings = self.service.settings
        fields = {"AccountSid": settings["TWILIO_ACCOUNT_SID"], "MessageSid": sid, "Body": body}
        fields |= {"From": GUANGDONG, "To": "7500"}
        token = settings["TWILIO_AUTH_TOKEN"].split(",")[0]
        signed = twilio_headers(token, f"https://{NAME}/sms", fields)
        headers = {"Host": NAME, **signed, **headers}
        url = self._url("/sms")
        return self._session().post(url, data=fields, headers=headers, timeout=10)

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        return context.wrap_socket(plain, server_hostname=NAME)

    def _url(self, path: str) -> str:
        return f"https://localhost:{self.port}{path}"

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env, session.verify = False, str(self.certificate)
        return session


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    names = f"subjectAltName=DNS:{NAME},DNS:localhost"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", names),
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


@contextmanager
def running(folder: Path, service: Service) -> Iterator[Front]:
    """Nginx in a folder, before a service whose PUBLIC_URL is https://NAME."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = ["nginx", "-c", str(_configuration(folder, service, port)), "-p", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as nginx:
        try:
            until(lambda: answers_at(port), why="nginx to listen")
            yield Front(port, folder / "fullchain.pem", service)
        finally:
            nginx.terminate()
            nginx.wait(10)
