"""The trace that the running thread takes part in, for tracers of the wiring."""

from contextvars import ContextVar

#: Trace id and span id in hex, 48 digits; empty where nothing is traced. A receipt keeps the
#: context of its report, so that each later step joins the same trace.
trace_context: ContextVar[str] = ContextVar("trace_context", default="")
