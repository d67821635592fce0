"""Entry point of the network: `python -m simulator`, settings from the environment."""

import os
import signal
import socket
import sys
from threading import Event, Thread
from time import sleep

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from simulator.app import create_app
from simulator.bootstrap import Simulator, build_simulator
from simulator.loopback_hosts import LoopbackHosts
from simulator.process import die_with_parent
from simulator.settings import SimulatorSettings, SimulatorSettingsError, read_settings

_HOST = "127.0.0.1"
_BACKLOG = 256
#: The exit status that asks the demo to delete all data and start again (commands/demo.py).
_AFRESH_STATUS = 79
#: For the answer to the page that asked for it.
_ANSWER_SECONDS = 0.3
_WATCH_SECONDS = 0.1


class _RequestHandler(WSGIRequestHandler):
    """One thread a connection: fault injection needs its socket, and long polls block."""

    # Headers and body leave in separate writes: Nagle's algorithm may delay each answer by 40 ms.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log no requests: the page shows them."""


def main() -> int:
    """Run the network until SIGTERM or SIGINT; return the exit status."""
    parent_pid = os.getppid()
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    die_with_parent(parent_pid)
    try:
        settings = read_settings(os.environ)
        simulator = build_simulator(settings)
        server = _server(settings, simulator)
    except SimulatorSettingsError as error:
        sys.stderr.write(f"network: {error}\n")
        return 2
    Thread(target=server.serve_forever, name="server", daemon=True).start()
    sys.stdout.write(f"network: phones at http://{_HOST}:{settings.port}/\n")
    sys.stdout.flush()
    while not stop.wait(_WATCH_SECONDS) and not simulator.afresh.is_set():
        pass
    if simulator.afresh.is_set():
        sleep(_ANSWER_SECONDS)
    server.server_close()
    return _AFRESH_STATUS if simulator.afresh.is_set() else 0


def _server(settings: SimulatorSettings, simulator: Simulator) -> BaseWSGIServer:
    try:
        listener = socket.create_server((_HOST, settings.port), backlog=_BACKLOG)
    except OSError as error:
        reason = f"NETWORK_PORT {settings.port} cannot be used: {error}"
        raise SimulatorSettingsError(reason) from error
    app = LoopbackHosts(create_app(simulator))
    fd = listener.detach()
    return make_server(
        _HOST, settings.port, app, threaded=True, request_handler=_RequestHandler, fd=fd
    )


if __name__ == "__main__":
    status = main()
    # Ends at once: long polls and calls in progress would hold up a normal exit.
    os._exit(status)
