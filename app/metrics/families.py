"""Metrics of the client library, each made from its description."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.metrics.catalogue import PREFIX, described_metrics

#: Values of labels.
Labels = TypeVar("Labels", bound=tuple[str, ...])


def counter(name: str) -> Counter:
    """A counter of this process."""
    _, _, _, text, labels, _ = described_metrics()[name]
    return Counter(PREFIX + name, text, labels)


def gauge(name: str, **options: Any) -> Gauge:  # noqa: ANN401 - the library's own
    """A gauge of this process."""
    _, _, _, text, labels, _ = described_metrics()[name]
    return Gauge(PREFIX + name, text, labels, **options)


def histogram(name: str, buckets: Iterable[float]) -> Histogram:
    """A histogram of this process; ``buckets`` are in seconds."""
    _, _, _, text, labels, _ = described_metrics()[name]
    return Histogram(PREFIX + name, text, labels, buckets=tuple(buckets))


def family(name: str, values: Mapping[Labels, float] | float) -> Metric:
    """A counter or a gauge with values that were read elsewhere."""
    _, _, kind, text, labels, _ = described_metrics()[name]
    make = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
    found = make(PREFIX + name, text, labels=labels)
    for key, value in (values if isinstance(values, Mapping) else {(): values}).items():
        found.add_metric(key, value)
    return found
