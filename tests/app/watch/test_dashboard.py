"""The dashboard: current, each query is read by the real Prometheus, each metric exists."""

import json

import pytest

from app.metrics.catalogue import described_metrics
from app.metrics.dashboard import PANELS, dashboard
from tests.app.watch.conftest import DEPLOY
from tests.app.watch.test_alert_rules import known, names_in
from tests.support.prometheus import PrometheusServer

QUERIES = [q for row in PANELS.values() for chart in row for q in chart.queries.values()]

#: Metrics for single looks: by shard, or a switch that another panel shows.
NOT_CHARTED = {
    "outbox", "outbox_oldest_seconds", "waiting", "waiting_oldest_seconds",
    "provider_held", "circuit_breaker_state", "sender_failing", "worker_idle_seconds",
    "worker_heartbeat_age_seconds", "store_last_save_timestamp_seconds", "store_evicted_keys",
    "reports_with_receipt", "unanswered_texts", "build_info", "log_lines_left_out",
}  # fmt: skip


def test_dashboard_is_current():
    text = (DEPLOY / "grafana-dashboard.json").read_text()
    assert text == dashboard(), "run `make metrics`"
    panels = json.loads(text)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    corners = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len(set(corners)) == len(corners)


@pytest.mark.parametrize("query", QUERIES)
def test_query_is_read_by_prometheus_and_names_metrics_that_exist(
    server: PrometheusServer, query: str
):
    # Grafana puts a time into its variable.
    server.get("query", query=query.replace("$__rate_interval", "1m"))
    assert all(map(known, names_in(query)))


def test_every_metric_is_charted_or_left_out_on_purpose():
    shown = set().union(*map(names_in, QUERIES))
    named = {
        name for name, each in described_metrics().items()
        if any(word == each.full_name or word.startswith(each.full_name + "_") for word in shown)
    }  # fmt: skip
    assert described_metrics().keys() - named == NOT_CHARTED
