"""The command that tries a rule book out on a month of traffic before it goes live."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from receipts.months import month_of
from receipts.provinces import RuleBook, load_rule_book
from receipts.rehearsal import Usage, rehearse
from switchboard import traffic, wiring
from switchboard.arguments import Month, Services
from switchboard.rehearsal_chart import chart, table, together

#: Customers between two signs of life.
_BATCH = 10_000


def rehearsing(services: Services) -> click.Command:
    """`rehearse`, on these services."""

    @click.command("rehearse")
    @click.option("--book", type=click.Path(path_type=Path), required=True, help="The new rules.")
    @click.option("--month", type=Month(), help="By default this one.")
    @click.option("--log", type=click.Path(path_type=Path), help="Traffic in JSON lines.")
    @click.option("--synthetic", type=click.IntRange(1), help="So many made-up customers.")
    @click.option("--seed", default=1, show_default=True, help="For --synthetic.")
    @click.option("--out", type=click.Path(path_type=Path), help="An SVG chart.")
    def rehearse_(
        *,
        book: Path,
        month: str | None,
        log: Path | None,
        synthetic: int | None,
        seed: int,
        out: Path | None,
    ) -> None:
        """What a month would cost under another rule book: nothing is charged or kept.

        Traffic is this store's, unless --log or --synthetic brings another. The month's own tariffs
        are held against the last ones of the new book.
        """
        if log and synthetic:
            raise click.UsageError("--log and --synthetic exclude each other")
        with services() as built:
            proposed = load_rule_book(book)
            month = month or month_of(built.clock.now())
            usages = traffic.from_store(built, month)
            if log:
                usages = traffic.from_log(log, built.numbering, built.book)
            elif synthetic:
                usages = traffic.made_up(synthetic, built.book, month, seed)
            _rehearsed(built, usages, month, proposed, out)

    return rehearse_


def _rehearsed(
    built: wiring.Services,
    usages: Iterable[Usage],
    month: str,
    proposed: RuleBook,
    out: Path | None,
) -> None:
    counted = _Counted(usages)
    try:
        found = rehearse(counted, month, built.book, proposed)
        click.echo(table(found, built.book))
        if out is not None:
            title = f"Bills of {month}: {built.book.version} → {proposed.version}"
            out.write_text(chart(found, built.book, title), encoding="utf-8")
    except (traffic.LogWrong, OSError) as wrong:
        click.echo(f"sms-receipt: {wrong}", err=True)
        sys.exit(2)
    left = counted.count - together(found).now.count
    if left:
        click.echo(f"left out: {left:,} of no covered province, or opened after {month}", err=True)


class _Counted:
    """The same customers, with a sign of life on the terminal for those who wait."""

    def __init__(self, usages: Iterable[Usage]) -> None:
        self._usages, self.count = usages, 0

    def __iter__(self) -> Iterator[Usage]:
        for usage in self._usages:
            self.count += 1
            if self.count % _BATCH == 0 and sys.stderr.isatty():
                click.echo(f"\r{self.count:,} customers", err=True, nl=False)
            yield usage
        if self.count >= _BATCH and sys.stderr.isatty():
            click.echo(f"\r{self.count:,} customers", err=True)
