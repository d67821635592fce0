"""Starts the network: `python -m simulator`, settings from the environment."""

import os
import signal
import socket
import sys
from threading import Event, Thread

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from simulator.app import create_app
from simulator.journal import JournalTaken
from simulator.lifetime import die_with_parent
from simulator.network import open_network
from simulator.settings import Settings, WrongSetting, read_settings

_HOST = "127.0.0.1"
_BACKLOG = 256


class _Handler(WSGIRequestHandler):
    """One thread a connection: that gives a cut connection its socket, and a long poll its rest."""

    # Headers and body leave in separate writes; without this each answer may wait 40 ms.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: what matters is in the journal and on the page."""


def main() -> int:
    """Run the network until it is told to stop; return the exit code."""
    parent = os.getppid()
    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    die_with_parent(parent)
    try:
        settings = read_settings(os.environ)
        server = _server(settings)
    except (WrongSetting, JournalTaken, OSError) as fault:
        sys.stderr.write(f"network: {fault}\n")
        return 2
    Thread(target=server.serve_forever, name="doors", daemon=True).start()
    sys.stdout.write(f"network: phones at http://{_HOST}:{settings.port}/\n")
    sys.stdout.flush()
    over.wait()
    server.server_close()
    return 0


def _server(settings: Settings) -> BaseWSGIServer:
    try:
        door = socket.create_server((_HOST, settings.port), backlog=_BACKLOG)
    except OSError as fault:
        raise WrongSetting(f"NETWORK_PORT {settings.port} cannot be used: {fault}") from fault
    app = create_app(open_network(settings))
    return make_server(
        _HOST,
        settings.port,
        app,
        threaded=True,
        request_handler=_Handler,
        fd=door.detach(),
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Couriers and calls under way are on record: nothing is gained by waiting for their threads.
    os._exit(code)
