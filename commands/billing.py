"""Commands about money: `charges`, `bill`, `export` and `consent`."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from app import bootstrap
from app.clock import LATEST
from app.exports.monthly import ExportDataset, ExportFormat, export
from app.exports.serializers import serialize_charge, serialize_fields
from app.settings import SettingsError
from commands.consent_bundle import consent_bundle
from commands.evidence.options import kept_roots, root_options
from commands.evidence.results import NO_EVIDENCE, month_evidence
from commands.params import (
    MONTH,
    MSISDN,
    THIS_MONTH,
    examples,
    file_errors,
    json_option,
    open_services,
)
from commands.privacy.lookups import look_at, why_option
from commands.tables import (
    Column,
    print_json,
    print_kept,
    print_record,
    print_records,
    print_totals,
    progress_bar,
    track,
    wants_table,
)
from receipts.charging.charges import months_kept
from receipts.model.calendar import month_of, months_between, next_month
from receipts.model.vocabulary import Msisdn
from receipts.subscriptions.monthly_billing import BillingTotals

_BAR_STEPS = 1_000  # of the progress bar of a bill

_CHARGES = (
    Column("At (China)", "at"),
    Column("Kind", "kind", styles={"credit": "green"}),
    Column("Fen", "fen", right=True),
    Column("Month", "month"),
    Column("Tariff", "tariff"),
    Column("Why", "why", wrap=True),
    Column("Id", "id", wide=True),
)
_ENTRIES = (
    Column("At (China)", "at"),
    Column("Channel", "door"),
    Column("State", "after"),
    Column("Shown", "shown", wrap=True),
    Column("Answered", "heard", wrap=True),
)


@click.command(
    epilog=examples("charges 13802880000", f"charges 13802880000 --month {THIS_MONTH}"),
)
@click.argument("number", type=MSISDN)
@click.option("--month", type=MONTH, help="Only this month (default: all).")
@why_option
@json_option
def charges(number: Msisdn, month: str | None, why: str, *, as_json: bool) -> None:
    """List a customer's charges, oldest first.

    Prints a table on a terminal, otherwise JSON lines.
    """
    with look_at(number, "charges", why) as services:
        months = [month] if month else _months_charged(services, number)
        records = map(serialize_charge, services.store.charges_of(number, months))
        empty = f"No charges of {number.national} are on record."
        print_records(records, _CHARGES, as_json=as_json, empty=empty)


@click.command(epilog=examples("bill", f"bill --month {THIS_MONTH}"))
@click.option("--month", type=MONTH, help="Month to charge (default: this month).")
@json_option
def bill(month: str | None, *, as_json: bool) -> None:
    """Charge the monthly fees of a month. Safe to repeat.

    Prints the totals, as one JSON object when piped. If interrupted, the next run resumes.
    """
    with open_services() as services:
        month, totals = month or month_of(services.clock.now()), BillingTotals()
        with progress_bar(f"billing {month}", _BAR_STEPS) as move:
            for cursor, totals_so_far in services.monthly_billing.run(month):
                totals = totals_so_far
                move(int(services.clients.bulk_reader.passed(cursor) * _BAR_STEPS))
        record = {"month": month} | serialize_fields(totals, BillingTotals.__struct_fields__)
        print_record(record, as_json=as_json)


@click.command(
    "export",
    epilog=examples(
        f"export charges --month {THIS_MONTH} --out charges.csv",
        f"export unpaid --month {THIS_MONTH} --out again.csv",
        f"export audit --month {THIS_MONTH} --format jsonl --keep-roots roots.jsonl > audit.jsonl",
    ),
)
@click.argument("dataset", type=click.Choice([*map(str, ExportDataset)]))
@click.option("--month", type=MONTH, required=True, help="Month to export.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice([*map(str, ExportFormat)]),
    default="csv",
    show_default=True,
    help="File format; excel is CSV that Excel opens without changing numbers.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write (default: standard output)."
)
@click.option(
    "--keep-roots",
    "roots_out",
    type=click.Path(path_type=Path),
    help="File for the signed roots of the audit log; keep it outside the store.",
)
@root_options
def export_(
    dataset: str,
    month: str,
    file_format: str,
    out: Path | None,
    roots_out: Path | None,
    roots: Sequence[Path],
    keys: Sequence[str],
) -> None:
    """Export a month's charges, unpaid fees or audit log.

    Totals are printed to stderr, as JSON unless it is a terminal. The totals of the audit log
    hold a signed root for each day that is over. Exits with 1 if the store does not match the
    roots of --root.
    """
    audit = dataset == ExportDataset.AUDIT
    if not audit and (roots or keys or roots_out):
        raise click.UsageError("--root, --key and --keep-roots are options of `export audit` only")
    if roots_out and roots_out == out:
        raise click.UsageError("--out and --keep-roots name the same file")
    with open_services() as services:
        if roots_out and not services.settings.consent_signing_key:
            raise SettingsError("CONSENT_SIGNING_KEY is not set; --keep-roots needs it")
        kept = kept_roots(services.settings, roots, keys)
        evidence = month_evidence(services, month, kept) if audit else NO_EVIDENCE
        archive = services.clients.bulk_reader
        with _open_output(out) as file:
            hidden = file is sys.stdout and file.isatty()
            followed = partial(track, hidden=hidden)
            what, form = ExportDataset(dataset), ExportFormat(file_format)
            totals = export(archive, what, month, form, file, followed)
    if roots_out:
        with _open_output(roots_out) as file:
            file.writelines(json.dumps(root) + "\n" for root in evidence.values["roots"])
    shown = evidence.short() if sys.stderr.isatty() else evidence.values
    print_totals(totals | shown)
    sys.exit(0 if evidence.valid else 1)


@click.command(
    epilog=examples(
        "consent 13844012345",
        f"consent 13844012345 --charge monthly-{THIS_MONTH}",
        "consent 13844012345 --root roots --json > bundle.json",
    ),
)
@click.argument("number", type=MSISDN)
@click.option("--charge", "charge_id", help="Id of one charge, as `charges` shows it.")
@root_options
@why_option
@json_option
def consent(
    number: Msisdn,
    charge_id: str | None,
    roots: Sequence[Path],
    keys: Sequence[str],
    why: str,
    *,
    as_json: bool,
) -> None:
    """Show proof of consent.

    Shows the offers and answers of a customer, or those for one charge. With --root, compares the
    store with signed roots that were kept outside it. Exits with 1 if the record was altered or
    the charge has no consent.
    """
    with look_at(number, "consent", why) as services:
        months = _months_charged(services, number)
        kept = kept_roots(services.settings, roots, keys)
        bundle, valid = consent_bundle(services, number, charge_id, months, kept)
    if wants_table(as_json):
        # The entries hold offer and reply in full.
        record = {name: value for name, value in bundle.items() if name not in {"offer", "reply"}}
        record["root"] = bundle["root"]["compared"]
        print_record(record, as_json=False, lists={"entries": _ENTRIES})
    else:
        print_json(bundle, indent=2)
    kept, dropped = bundle["chain"]["entries"], bundle["chain"].get("dropped", 0)
    print_kept("entries", kept, dropped, "`sms-receipt export audit` lists the others by month")
    sys.exit(0 if valid else 1)


COMMANDS: tuple[click.Command, ...] = (charges, bill, export_, consent)


def _months_charged(services: bootstrap.Container, number: Msisdn) -> list[str]:
    """All months with charges, also those that a moved clock has left again."""
    now = services.clock.now()
    months = months_kept(services.policy.book, now)
    if services.settings.movable_clock:
        months += months_between(next_month(now), LATEST)
    return services.store.charged_months(number, months)


@contextmanager
def _open_output(path: Path | None) -> Iterator[TextIO]:
    """A file that appears whole or not at all; standard output without a path."""
    with file_errors("name another file with --out or --keep-roots"):
        if path is None:
            yield sys.stdout
            return
        part = path.with_name(f"{path.name}.part")
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
