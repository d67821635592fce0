"""Charts of the measurements: their labels are whole."""

from pathlib import Path

import pytest

from tests.bench.report import stacked_bars

CHARTS = sorted((Path(__file__).parents[2] / "docs" / "bench").glob("*.svg"))


def test_labels_of_a_chart_are_whole():
    names = ["flash with its wait, 70% of 1,228/s", "fresh, after an outage of the gateway"]
    drawn = stacked_bars("milliseconds", names, {"p50": [862.0, 24.0], "p99": [2_238.0, 63.0]})
    assert "…" not in drawn
    assert all(label in drawn for label in (*names, "1,000", "3,000"))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda path: path.name)
def test_labels_of_a_published_chart_are_whole(chart: Path):
    assert "…" not in chart.read_text()
