"""Tables in Markdown and bar charts as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_INK, _GREY = "#1f2933", "#6b7785"
BLUE, ORANGE, LIGHT, RED = "#2563a8", "#d9822b", "#9aa5b1", "#c0392b"

#: Pixels: the picture's width, the first row's top, a row's height, the bars' ends.
_WIDTH, _TOP, _ROW, _LEFT, _RIGHT = 1000, 96, 34, 330, 880


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

    def bar(self, base: float) -> "Bar":
        """The row in the chart; ``base`` is the CPU of reference A."""
        return Bar(
            f"{self.reference}: {self.event}", (self.web, self.store),
            (BLUE if self.reference == "ours" else LIGHT, ORANGE), f"{self.web + self.store:.0f}",
            None if self.target is None else self.target * base,
        )  # fmt: skip


_HEAD = (
    "reference", "event", "events/s", "web CPU µs", "store CPU µs", "p50 ms", "p99 ms",
    "round trips", "× A", "least – most", "target", "",
)  # fmt: skip


def table(rows: Sequence[EventRow]) -> str:
    """The rows as a table."""
    return grid(_HEAD, [row.cells() for row in rows])


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned."""
    lines = [head, ["---"] * len(head), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(wide) for cell, wide in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


@dataclass(frozen=True)
class Bar:
    """One bar of several parts, with a label at its end and a line at its target."""

    name: str
    parts: tuple[float, ...]
    colours: tuple[str, ...]
    label: str
    target: float | None = None


def event_chart(rows: Sequence[EventRow], title: str) -> str:
    """CPU of an event in web processes and store, each beside its target."""
    meaning = "CPU µs an event: web blue, store orange, references grey; red line: the target"
    base = next((row.web for row in rows if row.reference == "A"), 0.0)
    return chart([row.bar(base) for row in rows], title, [_words(32, 62, meaning, _GREY)])


def legend(names: Sequence[str], colours: Sequence[str]) -> list[str]:
    """A coloured square for each part of a bar."""
    drawn = []
    for x, name, colour in zip(range(_LEFT, _WIDTH, 140), names, colours, strict=False):
        drawn.append(f'<rect x="{x}" y="54" width="12" height="12" fill="{colour}"/>')
        drawn.append(_words(x + 18, 65, name, _GREY))
    return drawn


def chart(bars: Sequence[Bar], title: str, below_title: Sequence[str]) -> str:
    """Horizontal bars, as long as their sums."""
    height = _TOP + _ROW * len(bars) + 30
    scale = (_RIGHT - _LEFT) / max(1.0, *(sum(bar.parts) for bar in bars))
    size = f'width="{_WIDTH}" height="{height}"'
    font = 'font-family="Helvetica, Arial, sans-serif"'
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" {size} {font}>',
        f'<rect {size} fill="#ffffff"/>',
        _words(32, 38, title, size=20),
        *below_title,
    ]
    for index, bar in enumerate(bars):
        drawn += _bar(_TOP + index * _ROW, bar, scale)
    return "\n".join([*drawn, "</svg>", ""])


def _bar(top: int, bar: Bar, scale: float) -> list[str]:
    x, drawn = float(_LEFT), [_words(_LEFT - 10, top + 16, bar.name, anchor="end")]
    for part, colour in zip(bar.parts, bar.colours, strict=True):
        wide = part * scale
        drawn.append(
            f'<rect x="{x:.1f}" y="{top}" width="{wide:.1f}" height="22" fill="{colour}"/>'
        )
        x += wide
    drawn.append(_words(x + 8, top + 16, bar.label, _GREY))
    if bar.target is not None:
        line = f"M{_LEFT + bar.target * scale:.1f} {top - 3}v28"
        drawn.append(f'<path d="{line}" stroke="{RED}" stroke-width="2" fill="none"/>')
    return drawn


def _words(
    x: float, y: float, text: str, colour: str = _INK, *, size: int = 13, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" fill="{colour}" font-size="{size}" '
        f'text-anchor="{anchor}">{escape(text)}</text>'
    )
