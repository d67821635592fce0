"""The metrics, for Prometheus: `python -m app.metrics.server` runs as a supervisor's child."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, multiprocess, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app import bootstrap, log_setup, queue_status
from app.metrics.folder import FOLDER
from app.queue_status import QueueStatus
from app.sender_health import bounded
from app.settings import Settings
from receipts.delivery.results import failures_by_code
from receipts.ports.store import Backlog, StoreUnavailableError
from receipts.reports.reconciliation import Reconciliation
from statemachines.provider import ProviderState

#: Metrics name inner queues and providers: they are for this machine only.
LOOPBACK = "127.0.0.1"


class StoreCollector(Collector):
    """Metrics read from the store."""

    def __init__(self, read: Callable[[], Iterator[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; none while the store is unavailable, since zeros would be wrong."""
        with suppress(StoreUnavailableError):
            yield from self._read()


def _report_counts(counts: Mapping[str, int]) -> Iterator[Metric]:
    """Counts of all reports by result."""
    now = Reconciliation.from_counts(counts)
    for name, text, value in (
        ("sms_receipt_reports", "Reports with a new status", now.reports),
        ("sms_receipt_reports_with_receipt", "Reports that gave a receipt", now.receipts),
    ):
        yield CounterMetricFamily(name, text, value=value)
    name, text = "sms_receipt_reports_without_receipt", "Reports that gave no receipt"
    reasons = CounterMetricFamily(name, text, labels=["why"])
    for why, times in now.reasons.items():
        reasons.add_metric([why], times)
    yield reasons
    text = "Rejected lines of the feed"
    yield CounterMetricFamily("sms_receipt_feed_lines_refused", text, value=now.refused)
    text = "Failed receipts and refused attempts, by the provider's code"
    failed = CounterMetricFamily("sms_receipt_failures", text, labels=["provider", "code"])
    for labels, times in bounded(failures_by_code(counts)).items():
        failed.add_metric(labels, times)
    yield failed
    text = "Reports without a recorded result: must be 0"
    yield GaugeMetricFamily("sms_receipt_reports_missing", text, value=now.missing)


def _queue_status(now: QueueStatus) -> Iterator[Metric]:
    """Circuit breakers and backlog."""
    name, text = "sms_receipt_provider_healthy", "1: circuit breaker closed, 0: open"
    health = GaugeMetricFamily(name, text, labels=["provider"])
    for each in now.healths:
        health.add_metric([each.provider], 0 if each.is_open else 1)
    yield health
    name, text = "sms_receipt_provider_held", "1: circuit breaker opened by staff"
    held = GaugeMetricFamily(name, text, labels=["provider"])
    for each in now.healths:
        held.add_metric([each.provider], int(each.state is ProviderState.HELD))
    yield held
    name, text = "sms_receipt_sender_failing", "1 if nearly all of its last receipts failed"
    failing = GaugeMetricFamily(name, text, labels=["provider"])
    for sender in now.senders:
        failing.add_metric([sender.provider], int(sender.is_failing))
    yield failing
    where = ("provider", "shard")
    yield from _backlog("waiting", "Receipts that wait for a provider", where, now.waiting)
    where = ("stream", "shard")
    yield from _backlog("outbox", "Receipts not yet picked up, or being sent", where, now.queued)
    text = "Receipts whose sending could not be confirmed"
    yield GaugeMetricFamily("sms_receipt_unsure", text, value=now.unsure)


def _backlog(
    name: str, what: str, labels: tuple[str, str], found: Iterable[tuple[Backlog, float]]
) -> Iterator[Metric]:
    count = GaugeMetricFamily(f"sms_receipt_{name}", what, labels=labels)
    oldest = GaugeMetricFamily(
        f"sms_receipt_{name}_oldest_seconds", f"{what}: age of the oldest", labels=labels
    )
    for each, age in found:
        count.add_metric([each.queue, str(each.shard)], each.count)
        oldest.add_metric([each.queue, str(each.shard)], age)
    yield count
    yield oldest


class _ProcessCounts(Collector):
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


def registry(container: bootstrap.Container, counts: Collector | None = None) -> CollectorRegistry:
    """All metrics; ``counts`` are those of web processes, by default from their folder."""
    clients, providers = container.clients, container.lifecycle.router.names
    status = partial(queue_status.read_status, clients, providers, container.clock)
    found = CollectorRegistry()
    found.register(counts or _ProcessCounts(container.settings.data_dir / FOLDER))
    found.register(StoreCollector(lambda: _report_counts(clients.bulk_reader.counts())))
    found.register(StoreCollector(lambda: _queue_status(status())))
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


if __name__ == "__main__":
    serve(Settings.read())
