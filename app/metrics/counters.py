"""Counters of one web process, or of a worker."""

import time
from collections.abc import Callable, Iterable
from functools import cache
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import Counter, Gauge, Histogram

from callbacks.app import ENDPOINT
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
