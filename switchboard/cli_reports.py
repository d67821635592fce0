"""Looking into what became of people's texts: counts that add up, and the trail of one text."""

import json
import sys

import click

from receipts.model import Msisdn
from receipts.ports import Wanted
from receipts.reckoning import Reckoning
from switchboard import shown
from switchboard.arguments import Number, Services


def commands(services: Services) -> list[click.Command]:
    """`reconcile`, `trail` and `unsure`, on these services."""
    return [_reconcile(services), _trail(services), _unsure(services)]


def _reconcile(services: Services) -> click.Command:
    @click.command()
    def reconcile() -> None:
        """Reports in = receipts + reasons for none; status 1 when they are not."""
        with services() as built:
            reckoning = Reckoning.of(built.memory.archive.counts())
        click.echo(json.dumps(shown.reckoning(reckoning)))
        sys.exit(1 if reckoning.missing else 0)

    return reconcile


def _trail(services: Services) -> click.Command:
    @click.command()
    @click.argument("sender", type=Number())
    @click.argument("friend", type=Number())
    @click.argument("message_id")
    def trail(sender: Msisdn, friend: Msisdn, message_id: str) -> None:
        """All the news of one text, and its receipt or the reason for none; status 1 if unknown."""
        with services() as built:
            known = built.store.read_all([Wanted(sender, friend, message_id)])[0].trail
        if known is None:
            click.echo("sms-receipt: nothing is known of this text", err=True)
            sys.exit(1)
        click.echo(json.dumps(shown.trail(known), ensure_ascii=False))

    return trail


def _unsure(services: Services) -> click.Command:
    @click.command()
    @click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
    def unsure(limit: int) -> None:
        """Receipts that may or may not have gone out, oldest first, as JSON lines."""
        with services() as built:
            count, oldest = built.memory.archive.unsure(limit)
        for record in oldest:
            click.echo(json.dumps(shown.unsure(record), ensure_ascii=False))
        if count > len(oldest):
            click.echo(f"sms-receipt: {len(oldest)} of {count}; see --limit", err=True)

    return unsure
