"""Looking into what became of people's texts: counts that add up, and the trail of one text."""

import sys

import click

from receipts.model import Msisdn
from receipts.ports import Wanted
from receipts.reports import RECEIPTS, REPORTS, id_forms
from switchboard.cli import NUMBER, opened, print_json


@click.command()
def reconcile() -> None:
    """Reports in = receipts + reasons for none; status 1 when they are not."""
    with opened() as built:
        counts = built.memory.archive.counts()
    reports, receipts = counts.pop(REPORTS, 0), counts.pop(RECEIPTS, 0)
    balanced = reports == receipts + sum(counts.values())
    print_json(
        {
            "reports": reports,
            "receipts": receipts,
            "reasons": dict(sorted(counts.items())),
            "balanced": balanced,
        }
    )
    sys.exit(0 if balanced else 1)


@click.command()
@click.argument("sender", type=NUMBER)
@click.argument("friend", type=NUMBER)
@click.argument("message_id")
def trail(sender: Msisdn, friend: Msisdn, message_id: str) -> None:
    """All the news of one text, and its receipt or the reason for none."""
    with opened() as built:
        held = built.store.read_all([Wanted(sender, friend, id_forms(message_id))])[0]
    if held.trail is None:
        click.echo("nothing is known of this text", err=True)
        sys.exit(1)
    known = held.trail
    print_json(
        {
            "message_id": known.message_id,
            "fate": known.fate.value,
            "parts": known.parts,
            "receipt": known.receipt_id,
            "why_not": known.why_not.value if known.why_not else None,
            "news": [{"at": news.at.isoformat(), "word": news.word} for news in known.history],
        }
    )
