"""The command `rehearse`: simulates a month under another rule book before it goes live."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path

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
from receipts.charging.simulation import TariffComparison, simulate
from receipts.model.calendar import month_of
from receipts.model.vocabulary import Language
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.schema import RuleBook
from receipts.staff.books.rehearsal_chart import amounts, chart, shares, together, yuan

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


def _row(name: str, compared: TariffComparison) -> dict[str, str]:
    now, then = amounts(compared.now), amounts(compared.then)
    cells = {key: f"{yuan(fen)} → {yuan(then[key])}" for key, fen in now.items()}
    counts = {"customers": compared.now.count} | shares(compared)
    return {"province": name} | cells | {key: f"{number:,}" for key, number in counts.items()}


def _record(compared: TariffComparison) -> dict[str, object]:
    """One province for --json; amounts in fen, ``then`` under the proposed book."""
    record: dict[str, object] = {"customers": compared.now.count}
    for name, bills in (("now", compared.now), ("then", compared.then)):
        record[name] = {f"{key}_fen": fen for key, fen in amounts(bills).items()}
    return record | shares(compared)
