"""Signs of life: /healthz, /readyz, /metrics, and what they count."""

import os
import time
from pathlib import Path

from flask import Blueprint, Flask, Response, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from receipts.ports import Store, StoreUnavailable
from receipts.provinces import RuleBook, fingerprint

_REFUSED = Counter("sms_receipt_refused", "Requests refused at the gate", ["why"])
_ANSWERED = Counter("sms_receipt_answered", "Requests answered", ["door", "status"])
_SECONDS = Histogram(
    "sms_receipt_answer_seconds",
    "Seconds to an answer",
    ["door"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)

_BOOK = Gauge(
    "sms_receipt_rule_book",
    "1 for the rule book in force, 0 for those that were",
    ["version", "fingerprint"],
    multiprocess_mode="mostrecent",
)

#: Where the processes of one service add their counts up; the library reads it at import.
SHARED = "PROMETHEUS_MULTIPROC_DIR"


def refused(why: str) -> None:
    """Count a refusal at the gate."""
    _REFUSED.labels(why).inc()


def follows(book: RuleBook, before: RuleBook | None = None) -> None:
    """Show which rule book is in force."""
    if before is not None:
        _BOOK.labels(before.version, fingerprint(before)).set(0)
    _BOOK.labels(book.version, fingerprint(book)).set(1)


def doors(store: Store) -> Blueprint:
    """The pages machines look at."""
    pages = Blueprint("pulse", __name__)

    @pages.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @pages.get("/readyz")
    def readyz() -> Response:
        try:
            store.ping()
        except StoreUnavailable as failure:
            answer = jsonify(status="store out of reach", why=str(failure))
            answer.status_code = 503
            return answer
        return jsonify(status="ready")

    @pages.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        folder = os.environ.get(SHARED)
        if folder and Path(folder).is_dir():
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    return pages


def count(app: Flask) -> None:
    """Count and time every answer of the app, by door."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(answer: Response) -> Response:
        door = request.endpoint or "none"
        _ANSWERED.labels(door, str(answer.status_code)).inc()
        _SECONDS.labels(door).observe(time.perf_counter() - g.began)
        return answer
