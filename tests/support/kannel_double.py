"""Double of Kannel's smsbox: a real HTTP server on this machine with scripted answers."""

import json as jsons
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """Fields of the query, read strictly as UTF-8."""
        query = urlsplit(self.target).query
        return dict(parse_qsl(query, strict_parsing=True, errors="strict"))


class Smsbox:
    """Gives its answers in order and repeats the last; None closes the connection instead."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.calls: list[Request] = []
        self._answers: list[tuple[int, Mapping[str, str], bytes] | None] = []

    def answers(
        self,
        status: int = 202,
        body: str = "0: Accepted for delivery",
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        text = body if json is None else jsons.dumps(json)
        self._answers.append((status, headers or {}, text.encode()))

    def hangs_up(self) -> None:
        self._answers.append(None)

    def next_answer(self, request: Request) -> tuple[int, Mapping[str, str], bytes] | None:
        self.calls.append(request)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class _Server(ThreadingHTTPServer):
    # Threads of kept connections end when the caller hangs up, which may be later.
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextmanager
def smsbox() -> Iterator[Smsbox]:
    """Run one on a free port while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = box.next_answer(Request(self.command, self.path, body))
            if answer is None:
                self.close_connection = True
                return
            status, headers, text = answer
            self.send_response(status)
            for name, value in (*headers.items(), ("Content-Length", str(len(text)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - the library's own name

        def log_message(self, *_: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        box = Smsbox(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
