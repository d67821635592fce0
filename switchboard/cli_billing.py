"""Commands about money: what was charged, the month's bill, exports, proof, and rehearsal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from receipts.billing import MonthClosed, Tally
from receipts.model import Msisdn
from receipts.months import month_before, month_of, month_start, months_between
from switchboard import evidence, shown, wiring
from switchboard.arguments import Month, Number, Services
from switchboard.cli_rehearsal import rehearsing
from switchboard.exporting import Form, What, export

#: Months of charges that are looked through when none is named.
_MONTHS_BACK = 36

#: Steps of a progress bar.
_STEPS = 1_000


def commands(services: Services) -> list[click.Command]:
    """`charges`, `bill`, `export`, `consent` and `rehearse`, on these services."""
    made = (_charges, _bill, _export, _consent, rehearsing)
    return [make(services) for make in made]


def _charges(services: Services) -> click.Command:
    @click.command()
    @click.argument("number", type=Number())
    @click.option("--month", type=Month(), help="By default all there are.")
    def charges(number: Msisdn, month: str | None) -> None:
        """A customer's charges, oldest first, as JSON lines."""
        with services() as built:
            months = [month] if month else _months_to(built)
            for record in built.store.charges_of(number, months):
                _print(shown.charge(record))

    return charges


def _bill(services: Services) -> click.Command:
    @click.command()
    @click.option("--month", type=Month(), required=True, help="The month to charge for.")
    def bill(month: str) -> None:
        """Make a month's monthly charges, once however often this runs.

        The sum of it is one JSON object. Interrupted, it goes on where it stopped.
        """
        with services() as built, _in_a_sentence(MonthClosed):
            tally = Tally()
            with click.progressbar(
                length=_STEPS, label=f"billing {month}", file=sys.stderr
            ) as progress:
                for cursor, now in wiring.billing(built).run(month):
                    tally = now
                    passed = int(built.memory.archive.passed(cursor) * _STEPS)
                    progress.update(max(0, passed - progress.pos))
            _print({"month": month} | shown.fields(tally, Tally.__struct_fields__))

    return bill


def _export(services: Services) -> click.Command:
    @click.command("export")
    @click.argument("what", type=click.Choice([each.value for each in What]))
    @click.option("--month", type=Month(), required=True)
    @click.option(
        "--format", "form", type=click.Choice([each.value for each in Form]), default="csv"
    )
    @click.option("--out", type=click.Path(path_type=Path), help="By default, to the terminal.")
    def exporting(what: str, month: str, form: str, out: Path | None) -> None:
        """Charges, unpaid fees or audit entries of a month, for the operator's billing system.

        Totals go to the terminal's error side as one JSON object, so that the data stays clean.
        """
        with services() as built, _in_a_sentence(OSError), _written(out) as file:
            totals = export(built.memory.archive, What(what), month, Form(form), file)
            click.echo(json.dumps(totals.said), err=True)

    return exporting


def _consent(services: Services) -> click.Command:
    @click.command()
    @click.argument("number", type=Number())
    @click.option("--charge", "charge_id", help="The id of one charge, as `charges` shows it.")
    def consent(number: Msisdn, charge_id: str | None) -> None:
        """What a customer was shown and answered, for one charge or in all.

        The exit status is 1 when it was tampered with, or when a charge has no consent to stand on.
        """
        with services() as built, _in_a_sentence(evidence.NoSuchCharge):
            told, holds = evidence.bundle(built, number, charge_id, _months_to(built))
            click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        sys.exit(0 if holds else 1)

    return consent


def _months_to(built: wiring.Services) -> list[str]:
    now = built.clock.now()
    return months_between(month_start(month_before(month_of(now), _MONTHS_BACK)), now)


@contextmanager
def _in_a_sentence(*troubles: type[Exception]) -> Iterator[None]:
    """Trouble is told in a sentence, not a stack trace; the exit status is 2."""
    try:
        yield
    except troubles as trouble:
        click.echo(f"sms-receipt: {trouble}", err=True)
        sys.exit(2)


@contextmanager
def _written(out: Path | None) -> Iterator[TextIO]:
    """A file that appears whole or not at all; without a name, the terminal."""
    if out is None:
        yield sys.stdout
        return
    part = out.with_name(f"{out.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        yield file
    part.replace(out)


def _print(value: dict[str, object]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
