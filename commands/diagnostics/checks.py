"""All checks of ``sms-receipt doctor``, in their order."""

from collections.abc import Callable, Iterator
from pathlib import Path

from app.clock import MovableClock
from app.protection.limit_storage import code_limits
from app.rulebook.stored import rule_book_in_use
from app.settings import Settings, SettingsError
from app.storage.clients import StoreClients, open_store
from commands.diagnostics.addresses import check_addresses, check_provider
from commands.diagnostics.check import Check
from commands.diagnostics.queue_checks import check_queue
from commands.diagnostics.store_checks import (
    check_archive,
    check_folder,
    check_store,
    check_store_kind,
    store_name,
)
from commands.diagnostics.topology_checks import check_topology
from commands.diagnostics.trial_checks import check_trial_people
from receipts.model.calendar import SHANGHAI
from receipts.numbering.plan import NumberingPlan, NumberingTableError
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.schema import RuleBook


def run_checks(settings: Settings) -> Iterator[Check]:
    """Run all checks, one after another; a failed one does not stop the rest."""
    yield _settings("doors", settings.need_doors)
    yield _settings("sending", settings.need_providers)
    yield _portal(settings)
    yield from _rules(settings)
    yield from check_trial_people(settings)
    yield _prefixes()
    yield from _clock(settings)
    yield from check_folder(settings)
    yield from check_addresses(settings)
    if "twilio" in settings.providers:
        yield check_provider("twilio", settings.twilio_api_url)
    if "kannel" in settings.providers and settings.kannel_url:
        yield check_provider("kannel", settings.kannel_url)
    yield from check_store_kind(settings)
    yield from _stored(settings)


def _settings(purpose: str, need: Callable[[], Settings]) -> Check:
    subject = f"settings for {purpose}"
    try:
        need()
    except SettingsError as missing:
        return Check(False, subject, str(missing).replace("\n", "; "))
    return Check(True, subject)


def _portal(settings: Settings) -> Check:
    if settings.secret_key:
        return Check(True, f"online service hall is open at {settings.public_url}/hall/")
    return Check(False, "online service hall is closed", "set SECRET_KEY")


def _rules(settings: Settings) -> Iterator[Check]:
    try:
        book, version = rule_book_in_use(settings)
    except RuleBookError as wrong:
        yield Check(False, "rule book", str(wrong))
        return
    invented = "; its values are invented, set RULE_BOOK to your own" if book.invented else ""
    subject = f"rule book {book.version}, {len(book.provinces)} provinces"
    if not version.book:
        yield Check(True, f"{subject}{invented}")
        return
    day = f"{version.at.astimezone(SHANGHAI):%Y-%m-%d}" if version.at else "an unknown day"
    people = f"{version.proposed_by} and {version.approved_by}"
    yield Check(True, f"{subject}{invented}; put in force in the console by {people}, {day}")
    if settings.rule_book is not None and _differs(settings.rule_book, book):
        fix = "upload it in the console, or run `sms-receipt provinces use-file`"
        yield Check(True, f"RULE_BOOK={settings.rule_book} is another one, not in force", fix)


def _differs(file: Path, book: RuleBook) -> bool:
    try:
        return load_rule_book(file) != book
    except RuleBookError:
        return True


def _prefixes() -> Check:
    try:
        return Check(True, f"prefix table of {NumberingPlan().data_version}")
    except NumberingTableError as wrong:
        return Check(False, "prefix table", str(wrong))


def _clock(settings: Settings) -> Iterator[Check]:
    clock = MovableClock(settings.data_dir)
    if settings.movable_clock and clock.shift():
        now = clock.now().astimezone(SHANGHAI)
        subject = f"the clock was moved and is now at {now:%Y-%m-%d %H:%M:%S} (China time)"
        yield Check(True, subject, "`sms-receipt clock now` resets it")


def _codes(settings: Settings, clients: StoreClients) -> Check:
    most, left = settings.codes_a_minute, code_limits(clients.connection, settings).left()
    subject = f"requests for sign-in codes: {most - left} of {most} in this minute"
    fix = "see sms_receipt_codes_total; raise CODES_A_MINUTE if customers ask for so many"
    return Check(bool(left), subject, "" if left else fix, "CodesLimited")


def _stored(settings: Settings) -> Iterator[Check]:
    """Checks that read the store."""
    try:
        clients = open_store(settings, load_rule_book(None).retention)
    except StoreUnavailableError as failure:
        yield Check(False, f"store ({store_name(settings)})", str(failure), "StoreDown")
        return
    try:
        yield from check_store(settings, clients)
        yield from check_archive(settings, clients)
        yield from check_topology(settings, clients.connection)
        yield from check_queue(settings, clients)
        if settings.secret_key:
            yield _codes(settings, clients)
    finally:
        clients.close()
