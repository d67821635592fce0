"""A reverse proxy that takes a path prefix off, as nginx does with ``proxy_pass http://host:port/``."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Headers of one connection, which a proxy does not pass on (RFC 9110, 7.6.1).
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True)
class Proxy:
    """Its own port, that of the service behind it, and the paths that browsers asked for."""

    port: int
    behind: int
    prefix: str
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The public address of the service."""
        return f"http://127.0.0.1:{self.port}{self.prefix}"


@contextmanager
def running_proxy(port: int, behind: int, prefix: str) -> Iterator[Proxy]:
    """Pass the requests below a prefix on to another port; any other path answers 404."""
    proxy = Proxy(port, behind, prefix)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        proxy = self.proxy
        proxy.asked.append(self.path)
        if not self.path.startswith(f"{proxy.prefix}/"):
            self.send_error(404)
            return
        length = int(self.headers.get("Content-Length") or 0)
        # The service sees the proxy's address in Host, by default in nginx too.
        sent = {n: v for n, v in self.headers.items() if n.lower() not in {"host", "connection"}}
        behind = http.client.HTTPConnection("127.0.0.1", proxy.behind, timeout=30)
        path = self.path.removeprefix(proxy.prefix)
        behind.request(self.command, path, self.rfile.read(length), sent)
        answer = behind.getresponse()
        body = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        behind.close()

    def log_message(self, *_: object) -> None:
        """Keep standard error clean."""
