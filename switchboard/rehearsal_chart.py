"""A tariff rehearsal as people read it: a table for the terminal, a chart as SVG."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from receipts.model import Language
from receipts.provinces import RuleBook
from receipts.rehearsal import Bills, Compared

#: Columns of the table; the amounts are yuan, as they are and as they would be.
_HEAD = ("province", "customers", "average", "median", "95 %", "highest", "all together",
         "pay more", "less", "same")  # fmt: skip
_MEDIAN, _MOST = 0.5, 0.95

_INK, _QUIET, _LINE = "#1f2933", "#6b7785", "#dfe4ea"
_NOW, _THEN = "#9aa5b1", "#2563a8"
_LESS, _SAME, _MORE = "#3a9d6e", "#e4e8ec", "#d9822b"

_WIDTH, _TOP, _ROW = 1000, 132, 62
_BARS, _BARS_END = 240, 610
_SHARES, _SHARES_END = 690, 968


def table(found: Mapping[str, Compared], book: RuleBook) -> str:
    """The rehearsal in columns; amounts in yuan, before and after."""
    rows = [_HEAD, *(_row(_name(code, book), held) for code, held in found.items())]
    if len(found) > 1:
        rows.append(_row("all", together(found)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def together(found: Mapping[str, Compared]) -> Compared:
    """All provinces as one."""
    whole = Compared()
    for held in found.values():
        whole.now.by_fen.update(held.now.by_fen)
        whole.then.by_fen.update(held.then.by_fen)
        whole.more += held.more
        whole.less += held.less
    return whole


def _row(name: str, held: Compared) -> tuple[str, ...]:
    now, then = held.now, held.then
    pairs = (
        (now.average, then.average),
        (now.below(_MEDIAN), then.below(_MEDIAN)),
        (now.below(_MOST), then.below(_MOST)),
        (now.highest, then.highest),
        (now.total, then.total),
    )
    counts = (held.more, held.less, held.same)
    return (
        name,
        f"{now.count:,}",
        *(f"{_yuan(a)} → {_yuan(b)}" for a, b in pairs),
        *(f"{count:,}" for count in counts),
    )


def _yuan(fen: float) -> str:
    return f"{fen / 100:,.2f}"


def _name(code: str, book: RuleBook) -> str:
    return book.name(code, Language.EN)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Fen to a place on the paper."""

    highest: int

    def at(self, fen: float) -> float:
        return _BARS + (_BARS_END - _BARS) * min(1.0, fen / self.highest)


def chart(found: Mapping[str, Compared], book: RuleBook, title: str) -> str:
    """The rehearsal as a picture: what bills come to by province, and who pays more or less."""
    named = {_name(code, book): held for code, held in found.items()}
    if len(named) > 1:
        named["All"] = together(found)
    highest = max((b.below(_MOST) for h in named.values() for b in (h.now, h.then)), default=0)
    step = _step(max(highest, 1))
    scale = _Scale(-(-max(highest, 1) // step) * step)
    height = _TOP + _ROW * len(named) + 20
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" height="{height}" font-family="Helvetica, Arial, sans-serif">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        _words(32, 38, title, size=20, weight=600),
        *_keys(),
        *_axis(scale, step, height),
    ]
    for place, (name, held) in enumerate(named.items()):
        parts += _province(_TOP + _ROW * place, name, held, scale)
    return "\n".join([*parts, "</svg>", ""])


def _step(highest: int) -> int:
    """The round amount between two lines, so that there are four or five of them."""
    for step in (5, 10, 20, 25, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000):
        if highest <= step * 5:
            return step
    return 10_000


def _keys() -> list[str]:
    """What the colours mean."""
    top = _TOP - 62
    words = [_words(_BARS, top, "Average bill; thin line: 95 % of customers pay no more", _QUIET)]
    words.append(_words(_SHARES, top, "Customers who would pay", _QUIET))
    for x, colour, name in (
        (_BARS, _NOW, "now"), (_BARS + 70, _THEN, "proposed"),
        (_SHARES, _LESS, "less"), (_SHARES + 70, _SAME, "the same"), (_SHARES + 170, _MORE, "more"),
    ):  # fmt: skip
        words += [_bar(x, top + 10, 12, 12, colour), _words(x + 18, top + 20, name)]
    return words


def _axis(scale: _Scale, step: int, height: int) -> list[str]:
    drawn = []
    for fen in range(0, scale.highest + 1, step):
        x = scale.at(fen)
        drawn.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 10}" x2="{x:.1f}" y2="{height - 20}" '
            f'stroke="{_LINE}" stroke-width="1"/>'
        )
        drawn.append(_words(x, _TOP - 17, f"{fen / 100:g} yuan", _QUIET, size=11, anchor="middle"))
    return drawn


def _province(top: int, name: str, held: Compared, scale: _Scale) -> list[str]:
    drawn = [
        _words(32, top + 20, name, weight=600),
        _words(32, top + 37, _customers(held.now.count), _QUIET, size=12),
        *_bill(top + 6, held.now, _NOW, scale),
        *_bill(top + 27, held.then, _THEN, scale),
    ]
    return drawn + _who(top + 14, held)


def _customers(count: int) -> str:
    return "1 customer" if count == 1 else f"{count:,} customers"


def _bill(top: int, bills: Bills, colour: str, scale: _Scale) -> list[str]:
    average, most = scale.at(bills.average), scale.at(bills.below(_MOST))
    middle = top + 8
    return [
        (
            f'<path d="M{_BARS} {middle}H{most:.1f}M{most:.1f} {middle - 5}v10" stroke="{colour}" '
            'stroke-width="1.5" fill="none"/>'
        ),
        _bar(_BARS, top, average - _BARS, 16, colour),
        _words(_BARS - 8, top + 12, _yuan(bills.average), size=12, anchor="end"),
        _words(max(average, most) + 8, top + 12, _yuan(bills.below(_MOST)), _QUIET, size=12),
    ]


def _who(top: int, held: Compared) -> list[str]:
    drawn, x = [], float(_SHARES)
    for count, colour, ink in (
        (held.less, _LESS, "#ffffff"), (held.same, _SAME, _INK), (held.more, _MORE, "#ffffff"),
    ):  # fmt: skip
        share = count / max(1, held.now.count)
        wide = (_SHARES_END - _SHARES) * share
        if not count:
            continue
        drawn.append(_bar(x, top, wide, 24, colour))
        if wide > 34:  # noqa: PLR2004 - narrower than its own words
            said = f"{share:.0%}"
            drawn.append(_words(x + wide / 2, top + 16, said, ink, size=12, anchor="middle"))
        x += wide
    return drawn


def _bar(x: float, y: float, wide: float, high: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{max(0.0, wide):.1f}" height="{high}" fill="{colour}"/>'
    )


def _words(
    x: float, y: float, said: str, colour: str = _INK, *, size: int = 14, weight: int = 400,
    anchor: str = "start",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:.1f}" y="{y}" fill="{colour}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{escape(said)}</text>'
    )
