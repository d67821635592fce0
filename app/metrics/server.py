"""The metrics, for Prometheus: `python -m app.metrics.server` runs as a supervisor's child."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    disable_created_metrics,
    multiprocess,
    start_http_server,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from app import bootstrap, log_setup
from app.metrics import sending
from app.metrics.catalogue import PREFIX, described_metrics
from app.metrics.families import family
from app.metrics.folder import FOLDER
from app.metrics.store_metrics import StoreMetrics
from app.settings import Settings, SettingsError
from app.tracing.start import start_tracing
from receipts.worker.worker import Worker

#: Metrics name inner queues and providers: they are for this machine only.
LOOPBACK = "127.0.0.1"

#: Ports after WORKER_METRICS_PORT that further workers of a machine take.
MORE_PORTS = 31

#: Metrics of the Python process, by the client library.
_PROCESS = "process_"


class _WebProcessCounts(Collector):
    """Counts of all web processes, in the files of their folder; none before it exists."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        # A new server empties the folder.
        with suppress(FileNotFoundError):
            if self._folder.is_dir():
                own = CollectorRegistry()
                yield from multiprocess.MultiProcessCollector(own, str(self._folder)).collect()  # type: ignore[no-untyped-call]


class _Build(Collector):
    """The version of the program."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metric."""
        yield family("build_info", {(version("sms-receipt"),): 1})


class _WorkerMetrics(Collector):
    """Metrics of this process that a worker's page has."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._shown = {PREFIX + e.name for e in described_metrics().values() if "work" in e.pages}

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        for each in REGISTRY.collect():
            if each.name in self._shown or each.name.startswith(_PROCESS):
                yield each
        yield family("receipts_in_progress", self._worker.in_progress)
        yield family("results_queued", self._worker.unwritten)
        yield family("worker_heartbeat_age_seconds", self._worker.heartbeat_age_seconds)


def registry(container: bootstrap.Container, counts: Collector | None = None) -> CollectorRegistry:
    """All metrics; ``counts`` are those of web processes, by default from their folder."""
    found = CollectorRegistry()
    found.register(counts or _WebProcessCounts(container.settings.data_dir / FOLDER))
    found.register(StoreMetrics(container))
    found.register(_Build())
    return found


def serve(settings: Settings) -> None:
    """Answer Prometheus on METRICS_PORT of the loopback interface until a signal stops it."""
    log_setup.set_up(settings)
    container = bootstrap.services(settings)
    server, thread = start_http_server(settings.metrics_port, LOOPBACK, registry(container))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    server.shutdown()
    thread.join()
    container.clients.close()


def measured(container: bootstrap.Container) -> bootstrap.Container:
    """The services of a worker, with commits and requests to providers measured and traced."""
    tracing = start_tracing(container.settings, "sms-receipt-work")
    container.store.on_commit = tracing.observing(sending.observe_commits)
    return replace(container, wrap=lambda each: tracing.provider(sending.TimedProvider(each)))


@contextmanager
def metrics_of_worker(worker: Worker, settings: Settings, port: int | None) -> Iterator[None]:
    """Answer Prometheus about one worker meanwhile. Raises SettingsError.

    Without a port of its own it takes the first free one from WORKER_METRICS_PORT on, if that is
    set: each worker of a machine has a port.
    """
    first, more = (port, 0) if port else (settings.worker_metrics_port, MORE_PORTS)
    server = _first_server(worker, range(first, first + more + 1)) if first else None
    try:
        yield
    finally:
        if server is not None:
            server.shutdown()


def _first_server(worker: Worker, ports: range) -> WSGIServer:
    disable_created_metrics()  # type: ignore[no-untyped-call]
    shown = CollectorRegistry()
    shown.register(_WorkerMetrics(worker))
    shown.register(_Build())
    for port in ports:
        with suppress(OSError):
            return start_http_server(port, LOOPBACK, shown)[0]
    taken = f"port {ports[0]} is" if len(ports) == 1 else f"ports {ports[0]} to {ports[-1]} are"
    raise SettingsError(f"{taken} in use: choose another port for the metrics of the worker")


if __name__ == "__main__":
    serve(Settings.read())
