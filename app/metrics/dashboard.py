"""`make metrics`: deploy/grafana-dashboard.json, a dashboard of the service for Grafana."""

import json
import sys
from typing import NamedTuple

#: Width and height of a panel; Grafana's grid has 24 columns.
_WIDTH, _HEIGHT, _COLUMNS = 8, 8, 24


class Panel(NamedTuple):
    """One chart: its queries by the legend of their lines; units are Grafana's."""

    title: str
    unit: str
    queries: dict[str, str]


def _quantiles(metric: str, by: str = "") -> dict[str, str]:
    """The median and two high quantiles of a histogram."""
    labels, legend = f"le, {by}" if by else "le", f" {{{{{by}}}}}" if by else ""
    rate = f"sum by ({labels}) (rate(sms_receipt_{metric}_bucket[$__rate_interval]))"
    return {
        f"p{share}{legend}": f"histogram_quantile({share / 100}, {rate})" for share in (50, 95, 99)
    }


def _rate(metric: str, by: str) -> dict[str, str]:
    return {f"{{{{{by}}}}}": f"sum by ({by}) (rate(sms_receipt_{metric}_total[$__rate_interval]))"}


def _gauges(**metrics: str) -> dict[str, str]:
    return {legend.replace("_", " "): f"sms_receipt_{each}" for legend, each in metrics.items()}


PANELS: dict[str, tuple[Panel, ...]] = {
    "Reports and receipts": (
        Panel("Receipts by outcome", "ops", _rate("receipts", "outcome")),
        Panel("Time from report to receipt", "s", _quantiles("report_to_receipt_seconds")),
        Panel("Reports without a receipt", "ops", _rate("reports_without_receipt", "why")),
        Panel("Receipts by age", "ops", _rate("receipts", "age")),
        Panel("Receipts in doubt; reports missing", "short",
              _gauges(in_doubt="unsure", missing="reports_missing")),
        Panel("Reports", "ops", {
            "reports": "sum(rate(sms_receipt_reports_total[$__rate_interval]))",
            "rejected lines": "sum(rate(sms_receipt_feed_lines_refused_total[$__rate_interval]))",
        }),
    ),
    "Queues and workers": (
        Panel("Depth of the queues", "short", {"{{queue}}": "sms_receipt_queue_depth"}),
        Panel("Age of the oldest", "s", {"{{queue}}": "sms_receipt_queue_oldest_seconds",
              "timers": "sms_receipt_timers_due_oldest_seconds"}),
        Panel("Workers", "short", {"alive": "sms_receipt_workers_alive",
              "being sent {{instance}}": "sms_receipt_receipts_in_progress",
              "results not written {{instance}}": "sms_receipt_results_queued"}),
    ),
    "Providers": (
        Panel("Duration of sending", "s",
              _quantiles("provider_request_seconds", by="provider")),
        Panel("Results of requests", "ops", {"{{provider}} {{operation}} {{result}}":
              "sum by (provider, operation, result) "
              "(rate(sms_receipt_provider_request_seconds_count[$__rate_interval]))"}),
        Panel("Failures by code", "ops", {"{{provider}} {{code}}": "sum by (provider, code) "
              "(rate(sms_receipt_failures_total[$__rate_interval]))"}),
        Panel("Circuit breakers in use", "short",
              {"{{provider}}": "sms_receipt_provider_healthy"}),
    ),
    "Requests": (
        Panel("Requests by door", "ops", _rate("answered", "door")),
        Panel("Requests by status", "ops", _rate("answered", "status")),
        Panel("Duration of answers", "s", _quantiles("answer_seconds")),
        Panel("Refusals", "ops", _rate("refused", "why")),
        Panel("Sign-in codes", "ops", _rate("codes", "result")),
        Panel("Sign-ins of staff", "ops", _rate("staff_sign_ins", "result")),
    ),
    "Store and processes": (
        Panel("Round trip to the store", "s", _gauges(round_trip="store_round_trip_seconds")),
        Panel("Memory of the store", "bytes",
              _gauges(used="store_memory_bytes", limit="store_memory_limit_bytes")),
        Panel("State of the store", "short", _gauges(up="store_up", writes="store_write_ok",
              append_only_file="store_append_only_file_enabled", replicas="store_replicas")),
        Panel("Changes decided again", "ops", {"{{job}} {{instance}}":
              "rate(sms_receipt_commits_retried_total[$__rate_interval])"}),
        Panel("Rule book in force", "short",
              {"{{instance}} {{version}} {{fingerprint}}": "sms_receipt_rule_book == 1"}),
        Panel("CPU of the workers", "percentunit", {"{{instance}}":
              'rate(process_cpu_seconds_total{job="sms-receipt-work"}[$__rate_interval])'}),
    ),
}  # fmt: skip


def dashboard() -> str:
    """Return deploy/grafana-dashboard.json."""
    panels: list[dict[str, object]] = []
    top = 0
    for row, charts in PANELS.items():
        grid = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": row, "gridPos": grid})
        for index, chart in enumerate(charts):
            line, column = divmod(index, _COLUMNS // _WIDTH)
            place = {"x": column * _WIDTH, "y": top + 1 + line * _HEIGHT}
            panels.append(_chart(len(panels) + 1, chart, place | {"w": _WIDTH, "h": _HEIGHT}))
        top += 1 + -(-len(charts) * _WIDTH // _COLUMNS) * _HEIGHT
    source = {"name": "datasource", "label": "Prometheus", "type": "datasource"}
    page = {
        "uid": "sms-receipt", "title": "SMS Receipt", "timezone": "browser",
        "schemaVersion": 39, "refresh": "30s", "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source | {"query": "prometheus"}]}, "panels": panels,
    }  # fmt: skip
    return json.dumps(page, indent=1) + "\n"


def _chart(number: int, chart: Panel, grid: dict[str, int]) -> dict[str, object]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    targets = [
        {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend}
        for index, (legend, query) in enumerate(chart.queries.items())
    ]
    return {
        "id": number, "type": "timeseries", "title": chart.title, "datasource": source,
        "gridPos": grid, "fieldConfig": {"defaults": {"unit": chart.unit}, "overrides": []},
        "targets": [{"datasource": source} | each for each in targets],
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(dashboard())
