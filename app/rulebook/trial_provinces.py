"""The provinces of trial people, as the rule book knows them."""

from app.settings import Settings, SettingsError
from receipts.rulebook.schema import RuleBook


def check_trial_people(settings: Settings, book: RuleBook) -> None:
    """Raise SettingsError for a trial person of a province that the rule book does not know."""
    unknown = set(settings.trial_people.values()) - {*book.names, *book.provinces}
    if unknown:
        codes = f"{', '.join(sorted(unknown))} is not a province of rule book {book.version}"
        raise SettingsError(f"TRIAL_PEOPLE: {codes}. Covered: {', '.join(book.provinces)}")
