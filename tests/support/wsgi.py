"""A WSGI application on a real port of this machine."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from wsgiref.types import WSGIApplication

from werkzeug.serving import ThreadedWSGIServer

#: Requests at once. A thread keeps its connection to the store, as in the product's web server.
_THREADS = 32


class _Server(ThreadedWSGIServer):
    """The threaded server of Werkzeug, with threads that serve one connection after the other."""

    def __init__(self, port: int, app: WSGIApplication) -> None:
        super().__init__("127.0.0.1", port, app)
        self._pool = ThreadPoolExecutor(_THREADS)

    def process_request(self, request: object, client_address: object) -> None:
        self._pool.submit(self.process_request_thread, request, client_address)

    def server_close(self) -> None:
        super().server_close()
        self._pool.shutdown(wait=False)


@contextmanager
def serving(app: WSGIApplication, port: int = 0) -> Iterator[int]:
    """Serve an application while the block runs; yield its port."""
    server = _Server(port, app)
    server.log = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
