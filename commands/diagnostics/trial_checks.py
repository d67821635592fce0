"""Checks of the list of trial people."""

from collections.abc import Iterator

from app.rulebook.stored import rule_book_in_use
from app.settings import Settings
from commands.diagnostics.check import Check
from receipts.rulebook.errors import RuleBookError

#: Numbers that the check names, masked.
_NAMED = 5


def check_trial_people(settings: Settings) -> Iterator[Check]:
    """The trial people; a warning without a sender, or for provinces that are not covered."""
    people = settings.trial_people
    if not people:
        return
    named = [f"{number.masked} {code}" for number, code in list(people.items())[:_NAMED]]
    more = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
    subject = f"trial people: {len(people)}, never charged ({', '.join(named)}{more})"
    yield Check(True, subject, "; ".join(_problems(settings)))


def _problems(settings: Settings) -> Iterator[str]:
    if not settings.twilio_sender and not settings.kannel_url:
        yield "no text can reach them: set TWILIO_FROM, TWILIO_MESSAGING_SERVICE_SID or KANNEL_URL"
    try:
        book, _ = rule_book_in_use(settings)
    except RuleBookError:
        return  # a check of its own tells
    codes = set(settings.trial_people.values())
    if unknown := sorted(codes - {*book.names, *book.provinces}):
        yield f"the rule book has no {', '.join(unknown)}; correct TRIAL_PEOPLE"
    elif closed := sorted(codes - set(book.provinces)):
        yield f"they cannot subscribe in {', '.join(closed)}, which the rule book does not cover"
