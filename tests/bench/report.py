"""Tables in Markdown and bar charts as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from xml.etree.ElementTree import Element

import pygal
from pygal.style import Style

from tests.bench.web import Run

_STYLE = Style(
    background="#ffffff", plot_background="#ffffff", colors=("#2563a8", "#d9822b", "#9aa5b1"),
    opacity="1", guide_stroke_color="#dfe4ea", major_guide_stroke_color="#dfe4ea",
    value_colors=("#ffffff", "#1f2933", "#1f2933"), title_font_size=20, label_font_size=13,
    major_label_font_size=13, legend_font_size=13, value_font_size=12,
    font_family="Helvetica, Arial, sans-serif",
)  # fmt: skip


@dataclass(frozen=True)
class EventRow:
    """One event of one program: its runs, and their CPU as ratios to reference A."""

    reference: str
    event: str
    runs: Sequence[Run]
    ratios: Sequence[float]
    target: float | None

    @property
    def web(self) -> float:
        """CPU µs of an event in web processes."""
        return sum(run.web for run in self.runs) / sum(run.events for run in self.runs) * 1e6

    @property
    def store(self) -> float:
        """CPU µs of an event in the store."""
        return sum(run.store for run in self.runs) / sum(run.events for run in self.runs) * 1e6

    def cells(self) -> tuple[str, ...]:
        runs, ratio = self.runs, fmean(self.ratios)
        target, verdict = "", ""
        if self.target is not None:
            target, over = f"{self.target:.1f}", ratio - self.target
            verdict = f"{over:.2f} over" if over > 0 else "met"
        return (
            self.reference, self.event, f"{fmean(run.rate for run in runs):,.0f}",
            f"{self.web:.0f}", f"{self.store:.0f}",
            f"{median(run.p50 for run in runs) * 1e3:.1f}",
            f"{median(run.p99 for run in runs) * 1e3:.1f}",
            f"{fmean(run.trips for run in runs):.2f}", f"{ratio:.2f}",
            f"{min(self.ratios):.2f} – {max(self.ratios):.2f}", target, verdict,
        )  # fmt: skip


def table(rows: Sequence[EventRow]) -> str:
    """The rows as a table."""
    head = ("reference", "event", "events/s", "web CPU µs", "store CPU µs", "p50 ms", "p99 ms",
            "round trips", "× A", "least – most", "target", "")  # fmt: skip
    return grid(head, [row.cells() for row in rows])


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned."""
    lines = [head, ["---"] * len(head), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(wide) for cell, wide in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def event_chart(rows: Sequence[EventRow], title: str) -> str:
    """CPU µs of an event in web processes and store; targets stand in the names."""
    base = next((row.web for row in rows if row.reference == "A"), 0.0)
    targets = ["" if row.target is None else f" (at most {row.target * base:.0f})" for row in rows]
    names = [f"{row.reference}: {row.event}{at}" for row, at in zip(rows, targets, strict=True)]
    parts = {"web CPU µs": [row.web for row in rows], "store CPU µs": [row.store for row in rows]}
    return stacked_bars(title, names, parts)


def stacked_bars(title: str, names: Sequence[str], parts: Mapping[str, Sequence[float]]) -> str:
    """A chart as SVG: a bar for each name, a colour for each part."""
    chart = pygal.HorizontalStackedBar(
        title=title, width=1000, height=120 + 40 * len(names), js=(), style=_STYLE,
        legend_at_bottom=True, legend_at_bottom_columns=3, print_values=True,
        truncate_label=-1,
        value_formatter=lambda n: f"{n:,.0f}" if n >= 1 else "",
    )  # fmt: skip
    chart.x_labels = names[::-1]  # pygal draws the first at the bottom
    for part, values in parts.items():
        chart.add(part, values[::-1])
    chart.add_xml_filter(_without_scripts)
    return str(chart.render(is_unicode=True))


def _without_scripts(root: Element) -> Element:
    for parent in list(root.iter()):
        for script in parent.findall("script"):
            parent.remove(script)
    return root
