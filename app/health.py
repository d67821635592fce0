"""Health checks, /healthz and /readyz: a word each."""

import math
import threading
import time
from collections.abc import Callable

import structlog
from flask import Blueprint, Response, jsonify, make_response

from receipts.ports.store import Store, StoreUnavailableError

_log = structlog.get_logger()

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
