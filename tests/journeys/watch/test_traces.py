"""One trace holds a receipt's way, over real processes and the real exporter, without numbers."""

import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.journeys.watch.conftest import Watched, running_service
from tests.support.product import run_to_end, until


class Collector(ThreadingHTTPServer):
    """An OTLP receiver; ``spans`` has each span with the service that made it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[tuple[str, Span]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for each in ExportTraceServiceRequest.FromString(body).resource_spans:
            (name,) = [a.value.string_value for a in each.resource.attributes
                       if a.key == "service.name"]  # fmt: skip
            self.server.spans += [(name, s) for scope in each.scope_spans for s in scope.spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
    with running_service(tmp_path_factory.mktemp("traces"), **more) as running:
        yield running


def trace_of(collector: Collector, receipt: str) -> list[tuple[str, Span]]:
    """The spans of the trace that names a receipt, by their start."""
    named = {s.trace_id for _, s in collector.spans if receipt in str(s.attributes)}
    found = [each for each in collector.spans if each[1].trace_id in named]
    return sorted(found, key=lambda each: each[1].start_time_unix_nano)


@pytest.mark.parametrize("way", ["feed", "status"])
def test_one_trace_holds_request_commits_provider_and_report(
    traced: Watched, collector: Collector, way: str
):
    if way == "feed":
        traced.feeds("traces-1")
    else:
        traced.phone.text("13957112345", "hello")
    traced.phone.flash()
    receipt = traced.service.lines("receipts", traced.phone.number)[0]["id"]

    def whole() -> list[tuple[str, Span]]:
        found = trace_of(collector, str(receipt))
        return found if any("kannel_report" in s.name for _, s in found) else []

    found = until(whole, why="the whole trace")
    names = [span.name for _, span in found]
    door = "POST feed.feed_reports" if way == "feed" else "POST twilio_status.message_status"
    order = [names.index(name) for name in (door, "commit", "send kannel")]
    order.append(names.index("GET kannel.kannel_report"))
    assert order == sorted(order)
    assert order[0] == 0
    assert len({span.trace_id for _, span in found}) == 1
    makers = {span.name: maker for maker, span in found}
    assert makers[door] == makers["GET kannel.kannel_report"] == "sms-receipt-serve"
    assert makers["send kannel"] == "sms-receipt-work"
    root = found[0][1]
    assert not root.parent_span_id
    ours = {span.span_id for _, span in found}
    assert all(span.parent_span_id in ours for _, span in found[1:])


@pytest.mark.usefixtures("traced")
def test_no_span_holds_a_number_or_a_text(collector: Collector):
    assert collector.spans
    text = "\n".join(str(span) for _, span in collector.spans)
    values = "\n".join(re.findall(r'string_value: "(.*)"', text))
    assert not re.search(r"(?<![0-9A-Za-z])(86)?1[3-9][0-9]{9}(?![0-9A-Za-z])", values)
    assert "hello" not in text


@pytest.mark.parametrize(
    ("before", "endpoint", "expected"),
    [
        ("", "", "NoTracing False"),
        ("", "http://127.0.0.1:4318", "Spans True"),
        ("sys.modules['opentelemetry'] = None;", "http://127.0.0.1:4318", "NoTracing False"),
    ],
    ids=["no collector", "a collector", "a collector without the extra"],
)
def test_tracer_is_imported_only_where_it_is_used(before: str, endpoint: str, expected: str):
    look = (
        f"import sys; {before} from app.settings import Settings;"
        "from app.tracing.start import start_tracing;"
        "made = start_tracing(Settings.read(), 'serve');"
        "print(type(made).__name__, 'app.tracing.spans' in sys.modules)"
    )
    done = run_to_end(sys.executable, "-c", look, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint)
    assert done.stdout.splitlines()[-1] == expected, done.stderr
    assert ("pip install 'sms-receipt[otel]'" in done.stdout + done.stderr) == bool(before)
