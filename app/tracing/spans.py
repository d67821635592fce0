"""Spans of requests, commits and requests to providers, by the OpenTelemetry SDK."""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer

from callbacks.app import ENDPOINT
from receipts.model.receipt import Receipt
from receipts.ports.changes import ChangeSet, CommitResult, CommitStatus
from receipts.ports.provider import FoundMessage, OutboundMessage, Provider
from receipts.ports.store import CommitObserver
from receipts.ports.trace_context import trace_context

#: Hex digits of a trace id; those of a span id follow.
_TRACE_ID_DIGITS = 32

#: Requests about a receipt: their span joins the trace of the receipt, once that is read.
_ABOUT_RECEIPTS = ("/receipts/", "/kannel/report")

_HEALTH = ("/healthz", "/readyz")

T = TypeVar("T")

_RECEIPT = "sms_receipt.receipt.id"


def exporting_tracer(service: str) -> Tracer:
    """A tracer that sends sampled spans by OTLP, as the standard ``OTEL_`` variables say."""
    named = Resource.create({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("sms-receipt")


class Spans:
    """Makes the spans of one process. A step without a sampled context costs one comparison."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def observing(self, observe: CommitObserver) -> CommitObserver:
        """Observe commits, and make a span for each commit of a traced receipt."""

        def observed(
            changes: Sequence[ChangeSet], results: Sequence[CommitResult], began: float
        ) -> None:
            observe(changes, results, began)
            for change, result in zip(changes, results, strict=True):
                if result.status is CommitStatus.COMMITTED:
                    self._committed(change, began)

        return observed

    def _committed(self, change: ChangeSet, began: float) -> None:
        for record in change.records:
            if isinstance(record, Receipt) and record.trace:
                start = time.time_ns() - int((time.monotonic() - began) * 1e9)
                about = {_RECEIPT: record.id, "sms_receipt.receipt.state": record.state.value}
                if record.id in change.outbox:
                    about["messaging.destination.name"] = "outbox"
                parent = _context(record.trace)
                self._tracer.start_span(
                    "commit", parent, attributes=about, start_time=start
                ).end()  # fmt: skip

    def wsgi(self, app: WSGIApplication) -> WSGIApplication:
        """The application with a span for each request; no header of a caller is believed."""

        def traced(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            began, span = time.time_ns(), None
            if not environ["PATH_INFO"].endswith(_HEALTH) and not _is_about_receipt(environ):
                span = self._tracer.start_span("request", kind=SpanKind.SERVER)
            trace_context.set(_carrier(span) if span else "")

            def started(line: str, *rest: object) -> Callable[[bytes], object]:
                ended = span
                if ended is None and (followed := trace_context.get()):
                    ended = self._tracer.start_span(
                        "request", _context(followed), SpanKind.SERVER, start_time=began
                    )
                if ended is not None:
                    _describe(ended, environ, line[:3])
                    ended.end()
                return start(line, *rest)  # type: ignore[arg-type]

            return app(environ, started)

        return traced

    def provider(self, provider: Provider) -> Provider:
        """The provider with a span for each request about a traced receipt."""
        return _TracedProvider(provider, self._tracer)


class _TracedProvider:
    """A provider whose requests have spans."""

    def __init__(self, provider: Provider, tracer: Tracer) -> None:
        self._provider, self._tracer = provider, tracer
        self.name, self.capabilities = provider.name, provider.capabilities

    def send(self, message: OutboundMessage) -> str:
        """Send a message, as the provider does."""
        return self._traced("send", message, lambda: self._provider.send(message))

    def find(
        self, message: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> FoundMessage | None:
        """Find a message, as the provider does."""
        return self._traced("find", message, lambda: self._provider.find(message, since, known))

    def _traced(self, operation: str, message: OutboundMessage, request: Callable[[], T]) -> T:
        if not message.trace:
            return request()
        about = {_RECEIPT: message.id, "sms_receipt.provider": self.name}
        span = self._tracer.start_span(
            f"{operation} {self.name}", _context(message.trace), SpanKind.CLIENT, about
        )
        try:
            return request()
        except Exception as error:
            # Its text may quote the request, which has the number.
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            span.end()


def _is_about_receipt(environ: WSGIEnvironment) -> bool:
    return any(path in environ["PATH_INFO"] for path in _ABOUT_RECEIPTS)


def _describe(span: Span, environ: WSGIEnvironment, status: str) -> None:
    method, door = environ["REQUEST_METHOD"], environ.get(ENDPOINT, "none")
    span.update_name(f"{method} {door}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.response.status_code", int(status or 0))


def _carrier(span: Span) -> str:
    """The context of a span in 48 hex digits; empty unless it is sampled."""
    own = span.get_span_context()
    return f"{own.trace_id:032x}{own.span_id:016x}" if own.trace_flags.sampled else ""


def _context(carrier: str) -> Context:
    ids = int(carrier[:_TRACE_ID_DIGITS], 16), int(carrier[_TRACE_ID_DIGITS:], 16)
    parent = SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))
