"""Health checks and Prometheus metrics: /healthz, /readyz, /metrics."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Response, jsonify
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.process import SHARED_COUNTS
from app.queue_status import QueueStatus
from callbacks.app import ENDPOINT
from receipts.ports.store import Backlog, Store, StoreUnavailableError
from receipts.reports.reconciliation import Reconciliation
from receipts.rulebook.diff import fingerprint
from receipts.rulebook.schema import RuleBook

_REFUSED = Counter("sms_receipt_refused", "Requests refused at the gate", ["why"])
_ANSWERED = Counter("sms_receipt_answered", "Requests answered", ["door", "status"])
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_SECONDS = Histogram(
    "sms_receipt_answer_seconds", "Seconds to an answer", ["door"], buckets=_BUCKETS
)
_BOOK = Gauge(
    "sms_receipt_rule_book",
    "1 for the rule book in force, 0 for those that were",
    ["version", "fingerprint"],
    multiprocess_mode="mostrecent",
)

_Headers = list[tuple[str, str]]


def count_refusal(why: str) -> None:
    """Count a request that authentication refused."""
    _REFUSED.labels(why).inc()


def set_rule_book(book: RuleBook, before: RuleBook | None = None) -> None:
    """Export the rule book in force."""
    if before is not None:
        _BOOK.labels(before.version, fingerprint(before)).set(0)
    _BOOK.labels(book.version, fingerprint(book)).set(1)


class ReportCountsCollector(Collector):
    """Counts of all reports by result, read from the store."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield the counts; none while the store is unavailable, since zeros would be wrong."""
        try:
            now = Reconciliation.from_counts(self._counts())
        except StoreUnavailableError:
            return
        for name, text, value in (
            ("sms_receipt_reports", "Reports that said something new", now.reports),
            ("sms_receipt_reports_with_receipt", "Reports that gave a receipt", now.receipts),
        ):
            yield CounterMetricFamily(name, text, value=value)
        reasons = CounterMetricFamily(
            "sms_receipt_reports_without_receipt", "Reports that gave none", labels=["why"]
        )
        for why, times in now.reasons.items():
            reasons.add_metric([why], times)
        yield reasons
        yield GaugeMetricFamily(
            "sms_receipt_reports_missing", "Reports of unknown end: must be 0", value=now.missing
        )


class SendingCollector(Collector):
    """Circuit breakers and backlog, read from the store."""

    def __init__(self, look: Callable[[], QueueStatus]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; none while the store is unavailable."""
        try:
            now = self._look()
        except StoreUnavailableError:
            return
        health = GaugeMetricFamily(
            "sms_receipt_provider_healthy",
            "1 for a provider in use, 0 for a demoted one",
            labels=["provider"],
        )
        for each in now.healths:
            health.add_metric([each.provider], 0 if each.is_open else 1)
        yield health
        where = ("provider", "shard")
        yield from _backlog("waiting", "Receipts that wait for a provider", where, now.waiting)
        where = ("stream", "shard")
        yield from _backlog("outbox", "Receipts to be sent, or in hand", where, now.queued)
        yield GaugeMetricFamily(
            "sms_receipt_unsure", "Receipts that may or may not have gone out", value=now.unsure
        )


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


def health_blueprint(
    store: Store, counts: Callable[[], Mapping[str, int]], status: Callable[[], QueueStatus]
) -> Blueprint:
    """Routes of the health checks and of the metrics."""
    pages = Blueprint("pulse", __name__)

    @pages.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @pages.get("/readyz")
    def readyz() -> Response:
        try:
            store.ping()
        except StoreUnavailableError as failure:
            answer = jsonify(status="store out of reach", why=str(failure))
            answer.status_code = 503
            return answer
        return jsonify(status="ready")

    @pages.get("/metrics")
    def metrics() -> Response:
        ours = CollectorRegistry()
        ours.register(ReportCountsCollector(counts))
        ours.register(SendingCollector(status))
        counted, folder = REGISTRY, os.environ.get(SHARED_COUNTS)
        if folder and Path(folder).is_dir():
            counted = CollectorRegistry()
            multiprocess.MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        page = generate_latest(counted) + generate_latest(ours)
        return Response(page, content_type=CONTENT_TYPE_LATEST)

    return pages


class RequestMetrics:
    """Counter and timer of one endpoint, with the label look-ups done once a status."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint, self._seconds = endpoint, _SECONDS.labels(endpoint)
        self._by_status: dict[str, Counter] = {}

    def count(self, status: str, began: float) -> None:
        """Count one response to a request that began at this ``time.perf_counter()``."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = _ANSWERED.labels(self._endpoint, status)
        counter.inc()
        self._seconds.observe(time.perf_counter() - began)


def instrument(app: WSGIApplication) -> WSGIApplication:
    """Count and time responses by the endpoint in the environ."""
    prepared: dict[str, RequestMetrics] = {}

    def instrumented(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()

        def start(status: str, headers: _Headers, *exc_info: object) -> Callable[[bytes], object]:
            endpoint = environ.get(ENDPOINT, "none")
            metrics = prepared.get(endpoint)
            if metrics is None:
                metrics = prepared.setdefault(endpoint, RequestMetrics(endpoint))
            metrics.count(status[:3], began)
            return start_response(status, headers, *exc_info)  # type: ignore[arg-type]

        return app(environ, start)

    return instrumented
