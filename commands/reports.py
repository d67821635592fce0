"""Commands that look at customers and texts: `show`, `receipts`, `trail`, `unsure`, `reconcile`."""

import sys
from dataclasses import asdict

import click

from app.exports.serializers import (
    serialize_customer,
    serialize_receipt,
    serialize_trace,
    serialize_unsure,
)
from commands.params import (
    MSISDN,
    NotFoundError,
    examples,
    json_option,
    open_services,
    whole_number,
)
from commands.privacy.lookups import look_at, why_option
from commands.storage.archive import tell_of_archive
from commands.tables import Column, print_kept, print_record, print_records
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import ReportQuery
from receipts.reports.reconciliation import Reconciliation

_EVENTS = (
    Column("At (China)", "at"),
    Column("Status", "word"),
    Column("No receipt because", "why_not"),
)
_UNSURE = (
    Column("Asked at (China)", "asked_at"),
    Column("Number", "number"),
    Column("Provider", "provider"),
    Column("Attempts", "attempts", right=True, wide=True),
    Column("Receipt", "id"),
    Column("Note", "note", wrap=True),
    Column("Text", "text", wide=True, wrap=True),
)

_OUTCOMES = {"delivered": "green", "failed": "red", "rejected": "red"}
_RECEIPTS = (
    Column("Created (China)", "created_at"),
    Column("Text sent (China)", "text_sent_at", wide=True),
    Column("To", "to"),
    Column("Outcome", "outcome", styles=_OUTCOMES),
    Column("Sent as", "sent_as", wide=True),
    Column("By", "provider", wide=True),
    Column("State", "state"),
    Column("Fen", "charge_fen", right=True),
    Column("Text", "text", wrap=True),
)


@click.command(epilog=examples("show 13802880000", "show 13802880000 --json"))
@click.argument("number", type=MSISDN)
@why_option
@json_option
def show(number: Msisdn, why: str, *, as_json: bool) -> None:
    """Show a customer's subscription.

    Prints state, mode, language and fees: a table on a terminal, otherwise one JSON object.
    """
    with look_at(number, "show", why) as services:
        print_record(serialize_customer(services, number), as_json=as_json)


@click.command(epilog=examples("receipts 13802880000", "receipts 13802880000 --limit 3 --json"))
@click.argument("number", type=MSISDN)
@click.option(
    "--limit", type=whole_number(1), help="At most this many of the newest (default: all)."
)
@why_option
@json_option
def receipts(number: Msisdn, limit: int | None, why: str, *, as_json: bool) -> None:
    """List a customer's receipts, newest first.

    Older ones come from the archive, which takes longer. Prints a table on a terminal, otherwise
    JSON lines.
    """
    with look_at(number, "receipts", why) as services:
        found = services.history.receipts_of(number, limit, MessageKind.RECEIPT)
        records = map(serialize_receipt, found.receipts)
        empty = f"No receipts of {number.national} are on record."
        print_records(records, _RECEIPTS, as_json=as_json, empty=empty)
        most = services.store.retention.receipts_listed
        if limit is None and services.clients.bulk_reader.receipts_listed(number) >= most:
            full = f"the newest {most} receipts and notices are kept; older ones may be dropped"
            click.echo(f"sms-receipt: {full}", err=True)
        tell_of_archive(found.unreadable, read=found.archived)


@click.command(epilog=examples("reconcile", "reconcile --json"))
@json_option
def reconcile(*, as_json: bool) -> None:
    """Check that every report led to a receipt or a reason.

    Reports = receipts + reasons for none. Exits with 1 if the two sides differ.
    """
    with open_services() as services:
        reconciliation = Reconciliation.from_counts(services.clients.bulk_reader.counts())
    missing = reconciliation.missing
    totals = asdict(reconciliation) | {"missing": missing, "balanced": missing == 0}
    print_record(totals, as_json=as_json)
    sys.exit(1 if missing else 0)


@click.command(epilog=examples("trail 13802880000 13957112345 0x1F"))
@click.argument("sender", type=MSISDN)
@click.argument("recipient", type=MSISDN, metavar="FRIEND")
@click.argument("message_id")
@why_option
@json_option
def trail(sender: Msisdn, recipient: Msisdn, message_id: str, why: str, *, as_json: bool) -> None:
    """Show the reports on one text and what came of them.

    Prints the reports, and the receipt or the reason for none. Exits with 1 if no report on the
    text is on record.
    """
    with look_at(sender, "trail", why) as services:
        query = ReportQuery(sender, recipient, message_id)
        snapshot = services.store.load_many([query])[0]
        hours = services.book.retention.strangers_hours
    trace = snapshot.known_trace
    if trace is None:
        raise NotFoundError(
            "no report on this text is on record; compare its id and both numbers with "
            f"`sms-receipt receipts {sender.national}`. A text of a sender without the service is "
            f"forgotten after {hours} hours, but for its count"
        )
    printed = serialize_trace(trace)
    if snapshot.trace is None:
        printed["kept"] = f"sender without the service: until {hours} hours after the last report"
    print_record(printed, as_json=as_json, lists={"news": _EVENTS})
    print_kept("reports", len(trace.history), trace.dropped_events)
    print_kept("texts of this id", 1 + len(trace.earlier), trace.dropped_texts)


@click.command(epilog=examples("unsure", "unsure --limit 1000 > unsure.jsonl"))
@click.option(
    "--limit",
    type=whole_number(1),
    default=100,
    show_default=True,
    help="At most this many of the oldest.",
)
@json_option
def unsure(limit: int, *, as_json: bool) -> None:
    """List receipts whose sending could not be confirmed.

    Prints the oldest first: a table on a terminal, otherwise JSON lines.
    """
    with open_services() as services:
        count, oldest = services.clients.bulk_reader.unsure(limit)
    records = map(serialize_unsure, oldest)
    print_records(records, _UNSURE, as_json=as_json, empty="No receipt is in doubt.")
    if count > len(oldest):
        click.echo(f"sms-receipt: showing {len(oldest)} of {count}; use --limit for more", err=True)


COMMANDS: tuple[click.Command, ...] = (show, receipts, reconcile, trail, unsure)
