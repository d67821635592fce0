"""`make metrics`: docs/metrics.md, made of the descriptions of all metrics."""

import sys
from itertools import groupby
from operator import attrgetter

from app.metrics.catalogue import described_metrics

_HEAD = """\
# Metrics

`serve` answers Prometheus at `/metrics` on `METRICS_PORT` of 127.0.0.1, with the figures of the
store and of all web processes of its machine. Each `work` answers about itself on
`WORKER_METRICS_PORT` or `--metrics-port`. [deploy/prometheus.yml](../deploy/prometheus.yml) reads
both pages, [deploy/alerts.yml](../deploy/alerts.yml) has the alert rules,
[deploy/grafana-dashboard.json](../deploy/grafana-dashboard.json) a dashboard, and the
[runbook](runbook.md#alerts) a paragraph for each alert. `make metrics` writes this page; a test
keeps it current.

While the store is unavailable, the page of `serve` has `sms_receipt_store_up 0` and none of the
other figures of the store. A histogram has the suffixes `_bucket`, `_sum` and `_count`. The age of
a receipt is the upper end of its class in seconds, or `longer`. No label holds a number or a text
of a customer; `other` sums up rare codes. A worker's page has the usual `process_` metrics too.
"""


def page() -> str:
    """Return docs/metrics.md."""
    lines = [_HEAD]
    for group, metrics in groupby(described_metrics().values(), attrgetter("group")):
        lines += [f"## {group}", "", "| metric | type | labels | page of | meaning |"]
        lines.append("|---|---|---|---|---|")
        for each in metrics:
            labels = ", ".join(f"`{name}`" for name in each.labels) or "–"
            pages = ", ".join(f"`{name}`" for name in each.pages)
            cells = (f"`{each.full_name}`", each.kind, labels, pages, each.help)
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
