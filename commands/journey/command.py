"""The command `journey`."""

import click

from app.bootstrap import Container
from commands.journey.serializers import serialize_journey, serialize_summary
from commands.params import NotFoundError, examples, json_option, open_services
from commands.privacy.lookups import record_look, why_option
from commands.storage.archive import tell_of_archive
from commands.tables import Column, print_kept, print_record, print_records
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from receipts.reports.journey import MOST_TEXTS, Journey
from receipts.reports.typed_time import TypedTimeError, read_time

_STEPS = (
    Column("At (China)", "at"),
    Column("Step", "step"),
    Column("About", "about", wrap=True),
)
_TEXTS = (
    Column("At (China)", "at"),
    Column("From", "from", wide=True),
    Column("To", "to"),
    Column("Message id", "message_id"),
    Column("Fate", "fate"),
    Column("Receipt", "receipt"),
    Column("State", "state", wide=True),
    Column("No receipt because", "why_not", wide=True),
)
_NUMBERS = 2  # NUMBER and FRIEND


@click.command(
    epilog=examples(
        "journey 13802880000 13957112345",
        "journey 13802880000 13957112345 14:05",
        "journey 13802880000 13957112345 2026-11-28 14:05",
        "journey 0x1F",
        "journey a-0f3c9d5e7b",
    )
)
@click.argument("words", nargs=-1, required=True, metavar="(NUMBER FRIEND [TIME]) | ID")
@why_option
@json_option
def journey(words: tuple[str, ...], why: str, *, as_json: bool) -> None:
    """Follow one text from report to charge.

    Name it by its two numbers and perhaps a time (14:05, 11-28 14:05, 2026-11-28 14:05, or ISO
    8601) or its message id. Or name it by an ID alone: that of the receipt, or of the text in any
    spelling. Prints a line of time on a terminal, otherwise a JSON object. Prints a list, or JSON
    lines, if several texts fit. Exits with 1 if none does.
    """
    with open_services() as services:
        found = _found(services, words, why)
        for number in dict.fromkeys(each.number for each in found):
            record_look(services, number, "journey", why)
        tell_of_archive((), read=any(each.archived for each in found))
    if len(found) == 1:
        _print_one(found[0], as_json=as_json)
        return
    print_records(map(serialize_summary, found), _TEXTS, as_json=as_json, empty="")
    more = f"the {MOST_TEXTS} newest or nearest are listed; " if len(found) >= MOST_TEXTS else ""
    advice = f"{more}name one by its receipt, or by its time"
    click.echo(f"sms-receipt: {len(found)} texts fit; {advice}", err=True)


def _print_one(found: Journey, *, as_json: bool) -> None:
    print_record(serialize_journey(found), as_json=as_json, lists={"steps": _STEPS})
    if found.trace is None:
        click.echo("sms-receipt: its reports are no longer kept, only the receipt", err=True)
    else:
        kept, dropped = len(found.trace.history), found.trace.dropped_events
        print_kept("reports", kept, dropped)
    if found.of_stranger:
        click.echo("sms-receipt: the sender has no service; kept for hours only", err=True)


def _found(services: Container, words: tuple[str, ...], why: str) -> list[Journey]:
    """The texts that the words name. Raises NotFoundError, click.BadParameter."""
    if len(words) == 1:
        return _by_id(services, words[0])
    numbers = [parse_msisdn(word) for word in words[:_NUMBERS]]
    for word, number in zip(words, numbers, strict=False):
        if number is None:
            raise click.BadParameter(f"{word!r} is not a phone number. Example: 13802880000")
    sender, recipient = filter(None, numbers)
    return _by_numbers(services, sender, recipient, " ".join(words[_NUMBERS:]), why)


def _by_id(services: Container, name: str) -> list[Journey]:
    found = services.journeys.of_id(name)
    if not found:
        tell_of_archive(services.history.receipts([name]).unreadable, read=False)
        days = services.book.retention.trails_days
        raise NotFoundError(
            f"no receipt and no text has the id {name!r}. Texts of customers are found by id for "
            f"{days} days, receipts by theirs for {services.book.retention.receipts_months} "
            "months. A text of a sender without the service is found by both numbers and the id: "
            f"journey NUMBER FRIEND {name}"
        )
    return found


def _by_numbers(
    services: Container, sender: Msisdn, recipient: Msisdn, rest: str, why: str
) -> list[Journey]:
    journeys, kept = services.journeys, services.book.retention
    sought = f"from {sender.national} to {recipient.national}"
    # Some ids, such as 20261128, could be a time too.
    found = journeys.of_text(sender, recipient, rest) if rest else []
    try:
        around = read_time(rest, services.clock.now()) if rest else None
    except TypedTimeError:
        sought = f"{sought} with the id {rest!r}"
    else:
        found = found or journeys.of_pair(sender, recipient, around)
    if not found:
        record_look(services, sender, "journey", why)
        raise NotFoundError(
            f"no text {sought} is on record. Texts of customers are kept for {kept.trails_days} "
            f"days, their receipts for {kept.receipts_months} months. A text of a sender without "
            f"the service is kept for {kept.strangers_hours} hours, and found by both numbers "
            "and its id alone"
        )
    return found


COMMANDS: tuple[click.Command, ...] = (journey,)
