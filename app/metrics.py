"""Health checks, /healthz and /readyz, and the counts of one process."""

import math
import threading
import time
from collections.abc import Callable, Iterable
from functools import cache
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Blueprint, Response, jsonify, make_response
from prometheus_client import Counter, Gauge, Histogram

from callbacks.app import ENDPOINT
from receipts.ports.store import Store, StoreUnavailableError
from receipts.rulebook.diff import fingerprint
from receipts.rulebook.schema import RuleBook

_log = structlog.get_logger()

_REFUSED = Counter("sms_receipt_refused", "Requests refused by authentication", ["why"])
_SILENT = Counter(
    "sms_receipt_unanswered_texts", "Texts to the short code left without a reply", ["sender"]
)
_LEFT_OUT = Counter(
    "sms_receipt_log_lines_left_out", "Lines that the log's bound a minute left out", ["event"]
)
_CODES = Counter("sms_receipt_codes", "Requests for sign-in codes, by result", ["result"])
_SIGN_INS = Counter("sms_receipt_staff_sign_ins", "Sign-ins of staff, by result", ["result"])
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


def count_staff_sign_in(result: str) -> None:
    """Count a step of a sign-in of staff: wrong, limited, code sent, signed in ..."""
    _SIGN_INS.labels(result).inc()


def set_rule_book(book: RuleBook, before: RuleBook | None = None) -> None:
    """Export the rule book in force."""
    if before is not None:
        _BOOK.labels(before.version, fingerprint(before)).set(0)
    _BOOK.labels(book.version, fingerprint(book)).set(1)


#: A health check asks the store at most once in this time.
_READY_SECONDS = 1.0


class _Readiness:
    """Whether the store answers; the reason why not goes to the log only."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._asked_at, self._is_ready = -math.inf, False

    def is_ready(self) -> bool:
        """Return the last answer, at most a second old."""
        # One request asks, and the others take the answer before.
        if self._clock() - self._asked_at >= _READY_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._is_ready = self._ask()
                self._asked_at = self._clock()
            finally:
                self._lock.release()
        return self._is_ready

    def _ask(self) -> bool:
        try:
            self._store.ping()
        except StoreUnavailableError as failure:
            _log.warning("not ready", why=str(failure))
            return False
        return True


def health_blueprint(store: Store) -> Blueprint:
    """Routes of the health checks: a word each."""
    pages, readiness = Blueprint("pulse", __name__), _Readiness(store)

    @pages.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @pages.get("/readyz")
    def readyz() -> Response:
        if readiness.is_ready():
            return jsonify(status="ready")
        return make_response(jsonify(status="not ready"), 503)

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
