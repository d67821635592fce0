"""Counters of one process: of requests in web processes, of commits in workers too."""

import time
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from app.metrics.families import counter, gauge, histogram
from callbacks.app import ENDPOINT
from receipts.rulebook.diff import fingerprint
from receipts.rulebook.schema import RuleBook

_REFUSED = counter("refused")
_SILENT = counter("unanswered_texts")
_LEFT_OUT = counter("log_lines_left_out")
_CODES = counter("codes")
_SIGN_INS = counter("staff_sign_ins")
_ANSWERED = counter("answered")
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_SECONDS = histogram("answer_seconds", _BUCKETS)
_BOOK = gauge("rule_book", multiprocess_mode="mostrecent")

_Headers = list[tuple[str, str]]


def count_refusal(why: str) -> None:
    """Count a request that authentication refused."""
    _REFUSED.labels(why).inc()


def count_silence(sender: str) -> None:
    """Count a text without a reply, by the kind of its sender."""
    _SILENT.labels(sender).inc()


def count_left_out(event: str) -> None:
    """Count a line that the log left out."""
    _left_out(event).inc()


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


#: A look-up by labels takes a lock; it is done once an endpoint and status.
_answered, _seconds = cache(_ANSWERED.labels), cache(_SECONDS.labels)
_left_out = lru_cache(1_000)(_LEFT_OUT.labels)


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
