"""Rehearsed bills as amounts and as an SVG chart."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from receipts.charging.simulation import BillHistogram, TariffComparison
from receipts.model.vocabulary import Language
from receipts.rulebook.schema import RuleBook

if TYPE_CHECKING:
    from pygal.graph.graph import Graph

#: Shares of customers: half pay at most the median, and 95 % at most the upper bill.
_MEDIAN, _UPPER = 0.5, 0.95

_BILLS_WIDTH, _SHARES_WIDTH = 640, 480  # pixels of the two halves of the chart
_NARROWEST_LABEL = 8  # per cent
_BILL_COLOURS = ("#7b8794", "#2563a8", "#d5dae0", "#b9d0ea")
_SHARE_COLOURS = ("#7cc3a0", "#e4e8ec", "#efb070")

#: The rows of the chart from the bottom up, each with its label.
_Rows = list[tuple[str, TariffComparison]]


def together(found: Mapping[str, TariffComparison]) -> TariffComparison:
    """All provinces as one."""
    total = TariffComparison()
    for compared in found.values():
        total.now.by_fen.update(compared.now.by_fen)
        total.then.by_fen.update(compared.then.by_fen)
        total.more += compared.more
        total.less += compared.less
    return total


def amounts(bills: BillHistogram) -> dict[str, float]:
    """Bills in fen by what they tell: average, median, upper, highest, total."""
    return {
        "average": bills.average,
        "median": bills.below(_MEDIAN),
        "upper": bills.below(_UPPER),
        "highest": bills.highest,
        "total": bills.total,
    }


def shares(compared: TariffComparison) -> dict[str, int]:
    """Numbers of customers that would pay more, less and the same."""
    return {"more": compared.more, "less": compared.less, "same": compared.same}


def yuan(fen: float) -> str:
    """An amount in yuan with two decimals."""
    return f"{fen / 100:,.2f}"


def chart(found: Mapping[str, TariffComparison], book: RuleBook, title: str) -> str:
    """An SVG without scripts: bills by province, and customers that pay less, the same or more."""
    rows = [
        (f"{book.name(code, Language.EN)} {book.name(code, Language.ZH)}", compared)
        for code, compared in found.items()
    ]
    if len(found) > 1:
        rows.append(("All 合计", together(found)))
    rows.reverse()  # pygal draws the first row at the bottom
    height = 150 + 62 * len(rows)
    right_half = _shares_chart(rows, height)

    def finish(root: "ET.Element") -> "ET.Element":
        """Put the shares beside the bills, and remove the scripts of both."""
        right = right_half.render_tree()
        right.attrib |= {"x": str(_BILLS_WIDTH), "width": str(_SHARES_WIDTH), "height": str(height)}
        root.append(right)
        root.set("viewBox", f"0 0 {_BILLS_WIDTH + _SHARES_WIDTH} {height}")
        for parent in list(root.iter()):
            for script in parent.findall("script"):
                parent.remove(script)
        return root

    bills = _bills_chart(rows, height, title)
    bills.add_xml_filter(finish)
    return str(bills.render(is_unicode=True))


def _bills_chart(rows: _Rows, height: int, title: str) -> "Graph":
    drawn = _graph(
        "HorizontalBar",
        _BILL_COLOURS,
        width=_BILLS_WIDTH,
        height=height,
        title=title,
        x_title="yuan 元",
        x_labels=[label for label, _ in rows],
        print_values_position="top",
        legend_at_bottom_columns=2,
        value_formatter=yuan,
    )

    def add(name: str, fen: Iterable[float]) -> None:
        # The spaces move the amount, centred on the end of its bar, to the right of it.
        drawn.add(name, list(fen), formatter=lambda each: "\N{NO-BREAK SPACE}" * 9 + yuan(each))

    add("average bill now 现行平均账单", (c.now.average for _, c in rows))
    add("average bill proposed 拟定平均账单", (c.then.average for _, c in rows))
    add("95 % pay at most, now 现行 95%", (c.now.below(_UPPER) for _, c in rows))
    add("95 % pay at most, proposed 拟定 95%", (c.then.below(_UPPER) for _, c in rows))
    return drawn


def _shares_chart(rows: _Rows, height: int) -> "Graph":
    def percent(share: float) -> str:
        return f"{share:.0f} %"

    drawn = _graph(
        "HorizontalStackedBar",
        _SHARE_COLOURS,
        width=_SHARES_WIDTH,
        height=height,
        title="Customers who would pay 用户",
        x_title="share of customers 用户比例",
        x_labels=[f"{label} · {compared.now.count:,}" for label, compared in rows],
        y_labels=[0, 25, 50, 75, 100],
        print_values_position="center",
        legend_at_bottom_columns=3,
        value_formatter=percent,
    )
    for name, part in (("less 少付", "less"), ("the same 不变", "same"), ("more 多付", "more")):
        shares = [100 * getattr(c, part) / max(1, c.now.count) for _, c in rows]
        drawn.add(name, shares, formatter=lambda v: percent(v) if v >= _NARROWEST_LABEL else "")
    return drawn


def _graph(kind: str, colours: tuple[str, ...], **options: object) -> "Graph":
    """A graph of a class of pygal, in the look that both halves share."""
    import pygal  # noqa: PLC0415 - 0.06 s that only a chart needs
    from pygal.style import Style  # noqa: PLC0415

    style = Style(
        **dict.fromkeys(("background", "plot_background"), "#ffffff"),
        **dict.fromkeys(("foreground", "foreground_strong"), "#1f2933"),
        foreground_subtle="#6b7785",
        **dict.fromkeys(("guide_stroke_color", "major_guide_stroke_color"), "#dfe4ea"),
        **dict.fromkeys(("guide_stroke_dasharray", "major_guide_stroke_dasharray"), "1,0"),
        colors=colours,
        opacity="1",
        value_colors=("#1f2933",) * len(colours),
        font_family="Helvetica, Arial, 'Noto Sans CJK SC', sans-serif",
        title_font_size=14,
        **dict.fromkeys(("label_font_size", "major_label_font_size", "legend_font_size"), 11),
        value_font_size=10,
    )
    look = {
        "style": style, "js": [], "margin": 20, "spacing": 10,
        "legend_at_bottom": True, "legend_box_size": 10,
        "truncate_label": -1, "truncate_legend": -1, "print_values": True,
        "disable_xml_declaration": True,
    }  # fmt: skip
    return getattr(pygal, kind)(**look, **options)
