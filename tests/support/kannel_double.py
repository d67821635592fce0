"""A Kannel's door on this machine: a real HTTP server that answers as it is told."""

import json as jsons
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One question that was put to it."""

    method: str
    target: str
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """The fields, read strictly as UTF-8."""
        given = urlsplit(self.target).query
        return dict(parse_qsl(given, strict_parsing=True, errors="strict"))


class Smsbox:
    """Gives its answers in order, the last again and again; with None it reads and hangs up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: list[Asked] = []
        self._answers: list[tuple[int, Mapping[str, str], bytes] | None] = []

    def answers(
        self,
        status: int = 202,
        body: str = "0: Accepted for delivery",
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """What it says next."""
        said = body if json is None else jsons.dumps(json)
        self._answers.append((status, headers or {}, said.encode()))

    def hangs_up(self) -> None:
        """It reads the next question and hangs up."""
        self._answers.append(None)

    def hear(self, asked: Asked) -> tuple[int, Mapping[str, str], bytes] | None:
        """One question, and what is said to it."""
        self.calls.append(asked)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@contextmanager
def smsbox() -> Iterator[Smsbox]:
    """One that listens on this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = box.hear(Asked(self.command, self.path, body))
            if answer is None:
                self.close_connection = True
                return
            status, headers, said = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815 - the library's own name

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # Threads of kept connections end when the caller hangs up, which may be later.
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        box = Smsbox(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
