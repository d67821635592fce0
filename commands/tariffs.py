"""The command `rehearse`: simulates a month under another rule book before it goes live."""

from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import click

from commands import usage_sources
from commands.params import (
    MONTH,
    THIS_MONTH,
    examples,
    file_errors,
    json_option,
    open_services,
    whole_number,
)
from commands.tables import Column, print_columns, print_json, track
from receipts.charging.simulation import BillHistogram, TariffComparison, simulate
from receipts.model.calendar import month_of
from receipts.model.vocabulary import Language
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.schema import RuleBook

if TYPE_CHECKING:
    from pygal.graph.graph import Graph

#: Amounts are in yuan, now → proposed.
_COLUMNS = (
    Column("province", "province"),
    Column("customers", "customers", right=True),
    Column("average", "average", right=True),
    Column("median", "median", right=True, wide=True),
    Column("95 %", "upper", right=True),
    Column("highest", "highest", right=True, wide=True),
    Column("all together", "total", right=True, wide=True),
    Column("pay more", "more", right=True),
    Column("less", "less", right=True),
    Column("same", "same", right=True),
)

#: Shares of customers: half pay at most the median, and 95 % at most the upper bill.
_MEDIAN, _UPPER = 0.5, 0.95

_BILLS_WIDTH, _SHARES_WIDTH = 640, 480  # pixels of the two halves of the chart
_NARROWEST_LABEL = 8  # per cent
_BILL_COLOURS = ("#7b8794", "#2563a8", "#d5dae0", "#b9d0ea")
_SHARE_COLOURS = ("#7cc3a0", "#e4e8ec", "#efb070")

#: The rows of the chart from the bottom up, each with its label.
_Rows = list[tuple[str, TariffComparison]]


@click.command(
    epilog=examples(
        f"rehearse --book proposed.toml --month {THIS_MONTH} --out bills.svg",
        "rehearse --book proposed.toml --log traffic.jsonl",
        "rehearse --book proposed.toml --synthetic 100000 --seed 7",
    ),
)
@click.option("--book", type=click.Path(path_type=Path), required=True, help="Rule book to try.")
@click.option("--month", type=MONTH, help="Month to estimate (default: this month).")
@click.option("--log", type=click.Path(path_type=Path), help="File of traffic in JSON lines.")
@click.option("--synthetic", type=whole_number(1), help="Number of made-up customers.")
@click.option(
    "--seed", default=1, show_default=True, help="Seed of the random numbers of --synthetic."
)
@click.option("--out", type=click.Path(path_type=Path), help="File for an SVG chart.")
@json_option
def rehearse(
    *,
    book: Path,
    month: str | None,
    log: Path | None,
    synthetic: int | None,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Estimate a month's bills under another rule book.

    Charges no customer. Uses this store's traffic, or --log, or --synthetic. Compares the month's
    tariffs with the latest ones in the new book.
    """
    if log and synthetic:
        raise click.UsageError("--log and --synthetic cannot be used together")
    with open_services() as services, file_errors("check the paths of --log and --out"):
        proposed = load_rule_book(book)
        month = month or month_of(services.clock.now())
        usages = usage_sources.from_store(services, month)
        if log:
            usages = usage_sources.from_log(log, services.numbering, services.book)
        elif synthetic:
            usages = usage_sources.synthetic(synthetic, services.book, month, seed)
        counter = count()  # one step for each usage
        tracked = zip(track(usages, "customers", synthetic), counter, strict=False)
        found = simulate((usage for usage, _ in tracked), month, services.book, proposed)
        if as_json:
            for code, compared in found.items():
                print_json({"province": code} | _record(compared))
        else:
            print_columns(table(found, services.book), _COLUMNS)
        if out is not None:
            title = f"Bills of {month}: {services.book.version} → {proposed.version}"
            out.write_text(chart(found, services.book, title), encoding="utf-8")
    if left := next(counter) - together(found).now.count:
        why = f"of no covered province, or subscribed after {month}"
        click.echo(f"customers left out: {left:,}, {why}", err=True)


def table(found: Mapping[str, TariffComparison], book: RuleBook) -> list[dict[str, str]]:
    """A row for each province and one for all, with the keys of the printed columns."""
    rows = [_row(book.name(code, Language.EN), compared) for code, compared in found.items()]
    if len(found) > 1:
        rows.append(_row("all", together(found)))
    return rows


def together(found: Mapping[str, TariffComparison]) -> TariffComparison:
    """All provinces as one."""
    total = TariffComparison()
    for compared in found.values():
        total.now.by_fen.update(compared.now.by_fen)
        total.then.by_fen.update(compared.then.by_fen)
        total.more += compared.more
        total.less += compared.less
    return total


def _yuan(fen: float) -> str:
    return f"{fen / 100:,.2f}"


def _row(name: str, compared: TariffComparison) -> dict[str, str]:
    now, then = _amounts(compared.now), _amounts(compared.then)
    cells = {key: f"{_yuan(fen)} → {_yuan(then[key])}" for key, fen in now.items()}
    counts = {"customers": compared.now.count} | _shares(compared)
    return {"province": name} | cells | {key: f"{number:,}" for key, number in counts.items()}


def _record(compared: TariffComparison) -> dict[str, object]:
    """One province for --json; amounts in fen, ``then`` under the proposed book."""
    record: dict[str, object] = {"customers": compared.now.count}
    for name, bills in (("now", compared.now), ("then", compared.then)):
        record[name] = {f"{key}_fen": fen for key, fen in _amounts(bills).items()}
    return record | _shares(compared)


def _amounts(bills: BillHistogram) -> dict[str, float]:
    """The printed amounts in fen, by column."""
    return {
        "average": bills.average,
        "median": bills.below(_MEDIAN),
        "upper": bills.below(_UPPER),
        "highest": bills.highest,
        "total": bills.total,
    }


def _shares(compared: TariffComparison) -> dict[str, int]:
    return {"more": compared.more, "less": compared.less, "same": compared.same}


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
    shares = _shares_chart(rows, height)

    def finish(root: "ET.Element") -> "ET.Element":
        """Put the shares beside the bills, and remove the scripts of both."""
        right = shares.render_tree()
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
        value_formatter=_yuan,
    )

    def add(name: str, fen: Iterable[float]) -> None:
        # The spaces move the amount, centred on the end of its bar, to the right of it.
        drawn.add(name, list(fen), formatter=lambda each: "\N{NO-BREAK SPACE}" * 9 + _yuan(each))

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
