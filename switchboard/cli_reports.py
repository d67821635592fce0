"""Looking into what became of people's texts: counts that add up, and the trail of one text."""

import sys

import click

from receipts.model import Msisdn
from receipts.ports import Wanted
from receipts.reckoning import Reckoning
from switchboard import shown
from switchboard.cli_parts import NUMBER, opened, print_json


@click.command()
def reconcile() -> None:
    """Reports in = receipts + reasons for none; status 1 when they are not."""
    with opened() as built:
        reckoning = Reckoning.of(built.memory.archive.counts())
    print_json(shown.reckoning(reckoning))
    sys.exit(1 if reckoning.missing else 0)


@click.command()
@click.argument("sender", type=NUMBER)
@click.argument("friend", type=NUMBER)
@click.argument("message_id")
def trail(sender: Msisdn, friend: Msisdn, message_id: str) -> None:
    """All the news of one text, and its receipt or the reason for none; status 1 when unknown."""
    with opened() as built:
        known = built.store.read_all([Wanted(sender, friend, message_id)])[0].trail
    if known is None:
        click.echo("sms-receipt: nothing is known of this text", err=True)
        sys.exit(1)
    print_json(shown.trail(known))
