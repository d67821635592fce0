"""What was measured, as people read it: a table in Markdown and a chart as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_INK, _QUIET, _DOORS, _STORE, _PEER, _LINE = (
    "#1f2933", "#6b7785", "#2563a8", "#d9822b", "#9aa5b1", "#c0392b",
)  # fmt: skip
_WIDTH, _TOP, _ROW, _BARS, _END = 1000, 96, 34, 330, 880


@dataclass(frozen=True)
class Row:
    """One event of one reference, over all runs."""

    reference: str
    event: str
    rate: float
    doors: float
    store: float
    p50: float
    p99: float
    trips: float
    ratio: float
    least: float
    most: float
    target: float | None

    @property
    def met(self) -> str:
        if self.target is None:
            return ""
        return "met" if self.ratio <= self.target else f"{self.ratio - self.target:.2f} over"

    def cells(self) -> tuple[str, ...]:
        target = "" if self.target is None else f"{self.target:.1f}"
        return (
            self.reference, self.event, f"{self.rate:,.0f}", f"{self.doors:.0f}",
            f"{self.store:.0f}", f"{self.p50 * 1e3:.1f}", f"{self.p99 * 1e3:.1f}",
            f"{self.trips:.2f}", f"{self.ratio:.2f}", f"{self.least:.2f} – {self.most:.2f}",
            target, self.met,
        )  # fmt: skip


_HEAD = (
    "reference", "event", "events/s", "doors CPU µs", "store CPU µs", "p50 ms", "p99 ms",
    "round trips", "× A", "least – most", "target", "",
)  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    return grid(_HEAD, [row.cells() for row in rows])


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned."""
    whole = [head, ["---"] * len(head), *rows]
    widths = [max(len(row[place]) for row in whole) for place in range(len(head))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)) + " |"
        for row in whole
    )


def chart(rows: Sequence[Row], title: str) -> str:
    """CPU of an event in doors and store, each beside its target."""
    most = max(1.0, *(row.doors + row.store for row in rows))
    height = _TOP + _ROW * len(rows) + 30
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    font = 'font-family="Helvetica, Arial, sans-serif"'
    meaning = "CPU µs an event: doors blue, store orange, references grey; red line: the target"
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _words(32, 38, title, size=20),
        _words(32, 62, meaning, _QUIET),
    ]
    base = next((row.doors for row in rows if row.reference == "A"), 0.0)
    for place, row in enumerate(rows):
        top = _TOP + place * _ROW
        drawn += _bar(top, row, (_END - _BARS) / most, base)
    return "\n".join([*drawn, "</svg>", ""])


@dataclass(frozen=True)
class Stack:
    """One bar of several parts."""

    name: str
    parts: tuple[float, ...]


def stacks(rows: Sequence[Stack], parts: Sequence[str], title: str) -> str:
    """Bars of several parts, each with what it comes to."""
    height = _TOP + _ROW * len(rows) + 30
    scale = (_END - _BARS) / max(sum(row.parts) for row in rows)
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    colours = (_DOORS, _PEER, _STORE)
    drawn = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Helvetica, Arial, '
            'sans-serif">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _words(32, 38, title, size=20),
    ]
    for place, (name, colour) in enumerate(zip(parts, colours, strict=True)):
        at = _BARS + place * 140
        drawn.append(f'<rect x="{at}" y="54" width="12" height="12" fill="{colour}"/>')
        drawn.append(_words(at + 18, 65, name, _QUIET))
    for place, row in enumerate(rows):
        top, at = _TOP + place * _ROW, float(_BARS)
        drawn.append(_words(_BARS - 10, top + 16, row.name, anchor="end"))
        for part, colour in zip(row.parts, colours, strict=True):
            wide = part * scale
            drawn.append(
                f'<rect x="{at:.1f}" y="{top}" width="{wide:.1f}" height="22" fill="{colour}"/>'
            )
            at += wide
        drawn.append(_words(at + 8, top + 16, f"{sum(row.parts):,.0f} cores", _QUIET))
    return "\n".join([*drawn, "</svg>", ""])


def _bar(top: int, row: Row, scale: float, base: float) -> list[str]:
    wide, more = row.doors * scale, row.store * scale
    colour = _DOORS if row.reference == "ours" else _PEER
    drawn = [
        _words(_BARS - 10, top + 16, f"{row.reference}: {row.event}", anchor="end"),
        f'<rect x="{_BARS}" y="{top}" width="{wide:.1f}" height="22" fill="{colour}"/>',
        f'<rect x="{_BARS + wide:.1f}" y="{top}" width="{more:.1f}" height="22" fill="{_STORE}"/>',
        _words(_BARS + wide + more + 8, top + 16, f"{row.doors + row.store:.0f}", _QUIET),
    ]
    if row.target is not None:
        at = _BARS + row.target * base * scale
        drawn.append(
            f'<path d="M{at:.1f} {top - 3}v28" stroke="{_LINE}" stroke-width="2" fill="none"/>'
        )
    return drawn


def _words(
    x: float, y: float, said: str, colour: str = _INK, *, size: int = 13, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" fill="{colour}" font-size="{size}" '
        f'text-anchor="{anchor}">{escape(said)}</text>'
    )
