"""Health checks and Prometheus metrics: /healthz, /readyz, /metrics."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Response, jsonify, make_response
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

from app.metrics_folder import FOLDER_VARIABLE
from app.queue_status import QueueStatus
from app.sender_health import bounded
from callbacks.app import ENDPOINT
from receipts.delivery.results import failures_by_code
from receipts.ports.store import Backlog, Store, StoreUnavailableError
from receipts.reports.reconciliation import Reconciliation
from receipts.rulebook.diff import fingerprint
from receipts.rulebook.schema import RuleBook

_REFUSED = Counter("sms_receipt_refused", "Requests refused by authentication", ["why"])
_SILENT = Counter(
    "sms_receipt_unanswered_texts", "Texts to the short code left without a reply", ["sender"]
)
_LEFT_OUT = Counter(
    "sms_receipt_log_lines_left_out", "Lines that the log's bound a minute left out", ["event"]
)
_CODES = Counter("sms_receipt_codes", "Requests for sign-in codes, by result", ["result"])
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


def count_silence(sender: str) -> None:
    """Count a text without a reply, by the kind of its sender."""
    _SILENT.labels(sender).inc()


def count_left_out(event: str) -> None:
    """Count a line that the log left out."""
    _LEFT_OUT.labels(event).inc()


def count_code(result: str) -> None:
    """Count a request for a passcode: asked, its result, or the bound that refused it."""
    _CODES.labels(result).inc()


def set_rule_book(book: RuleBook, before: RuleBook | None = None) -> None:
    """Export the rule book in force."""
    if before is not None:
        _BOOK.labels(before.version, fingerprint(before)).set(0)
    _BOOK.labels(book.version, fingerprint(book)).set(1)


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
            return make_response(jsonify(status="store out of reach", why=str(failure)), 503)
        return jsonify(status="ready")

    @pages.get("/metrics")
    def metrics() -> Response:
        reports = StoreCollector(lambda: _report_counts(counts()))
        sending = StoreCollector(lambda: _queue_status(status()))
        counted, folder = REGISTRY, os.environ.get(FOLDER_VARIABLE)
        if folder and Path(folder).is_dir():
            counted = CollectorRegistry()
            multiprocess.MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        page = b"".join(map(generate_latest, (counted, reports, sending)))
        return Response(page, content_type=CONTENT_TYPE_LATEST)

    return pages


#: A look-up by labels takes a lock; it is done once an endpoint and status.
_answered, _seconds = cache(_ANSWERED.labels), cache(_SECONDS.labels)


def instrument(app: WSGIApplication) -> WSGIApplication:
    """Count and time responses by the endpoint in the environ."""

    def instrumented(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()

        def start(status: str, headers: _Headers, *exc_info: object) -> Callable[[bytes], object]:
            endpoint = environ.get(ENDPOINT, "none")
            _answered(endpoint, status[:3]).inc()
            _seconds(endpoint).observe(time.perf_counter() - began)
            return start_response(status, headers, *exc_info)  # type: ignore[arg-type]

        return app(environ, start)

    return instrumented
