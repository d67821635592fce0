"""The page of the metrics of services in this process."""

from prometheus_client import REGISTRY, generate_latest

from app.bootstrap import Container
from app.metrics.server import registry


def metrics_page(built: Container) -> str:
    return generate_latest(registry(built, REGISTRY)).decode()


def counted(name: str, **labels: str) -> float:
    """The value of a counter of this process."""
    return REGISTRY.get_sample_value(f"{name}_total", labels) or 0.0
