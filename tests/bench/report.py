"""Tables in Markdown and bar charts as SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import pygal
from pygal.style import Style

_STYLE = Style(
    background="#ffffff", plot_background="#ffffff", colors=("#2563a8", "#d9822b", "#9aa5b1"),
    opacity="1", guide_stroke_color="#dfe4ea", major_guide_stroke_color="#dfe4ea",
    value_colors=("#ffffff", "#1f2933", "#1f2933"), title_font_size=20, label_font_size=13,
    major_label_font_size=13, legend_font_size=13, value_font_size=12,
    font_family="Helvetica, Arial, sans-serif",
)  # fmt: skip


@dataclass(frozen=True)
class EventRow:
    """One event of one program, over all runs."""

    reference: str
    event: str
    rate: float
    web: float
    store: float
    p50: float
    p99: float
    trips: float
    ratio: float
    least: float
    most: float
    target: float | None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "met" if self.ratio <= self.target else f"{self.ratio - self.target:.2f} over"

    def cells(self) -> tuple[str, ...]:
        return (
            self.reference, self.event, f"{self.rate:,.0f}", f"{self.web:.0f}",
            f"{self.store:.0f}", f"{self.p50 * 1e3:.1f}", f"{self.p99 * 1e3:.1f}",
            f"{self.trips:.2f}", f"{self.ratio:.2f}", f"{self.least:.2f} – {self.most:.2f}",
            "" if self.target is None else f"{self.target:.1f}", self.verdict,
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
