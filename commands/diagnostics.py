"""Checks of ``sms-receipt doctor``: settings, rule book, store, providers, clock."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app import bootstrap, queue_status
from app.clock import clock_for
from app.settings import Settings, SettingsError
from receipts.numbering.plan import NumberingPlan, NumberingTableError
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import load_rule_book
from receipts.worker.circuit_breaker import BreakerState

#: A larger difference to the provider's clock makes look-ups by time unsafe.
_CLOCK_TOLERANCE = dt.timedelta(minutes=2)

#: Settings of a server that answers only when a write is on disk.
_DURABLE = {"appendonly": "yes", "appendfsync": "always"}


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; ``fix`` names the remedy of a failed one."""

    ok: bool
    subject: str
    fix: str = ""


def run_checks(settings: Settings) -> Iterator[Check]:
    """Run all checks, one after another; a failed one does not stop the rest."""
    yield _settings("doors", settings.need_doors)
    yield _settings("sending", settings.need_providers)
    yield _portal(settings)
    yield _rules(settings)
    yield _prefixes()
    yield _store(settings)
    if "twilio" in settings.providers:
        yield _reach("twilio", settings.twilio_api_url)
    if "kannel" in settings.providers and settings.kannel_url:
        yield _reach("kannel", settings.kannel_url)
    yield from _sending(settings)


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
    return Check(False, "online service hall stays shut", "set SECRET_KEY")


def _rules(settings: Settings) -> Check:
    try:
        book = load_rule_book(settings.rule_book)
    except RuleBookError as wrong:
        return Check(False, "rule book", str(wrong))
    invented = "; its values are invented, set RULE_BOOK to your own" if book.invented else ""
    return Check(True, f"rule book {book.version}, {len(book.provinces)} provinces{invented}")


def _prefixes() -> Check:
    try:
        return Check(True, f"prefix table of {NumberingPlan().data_version}")
    except NumberingTableError as wrong:
        return Check(False, "prefix table", str(wrong))


def _store(settings: Settings) -> Check:
    where = "REDIS_URL" if settings.redis_url else f"our own in {settings.data_dir}"
    try:
        clients = bootstrap.open_store(settings, load_rule_book(None).retention)
    except StoreUnavailableError as failure:
        return Check(False, f"store ({where})", str(failure))
    try:
        setting = clients.connection.setting
        lax = [name for name, value in _DURABLE.items() if setting(name) != value]
    except StoreUnavailableError:
        return Check(True, f"store ({where}); it does not tell whether it writes to disk")
    finally:
        clients.close()
    if lax:
        fix = ", ".join(f"{name} {_DURABLE[name]}" for name in lax)
        return Check(False, f"store ({where}) may forget what we acknowledged", f"set {fix}")
    return Check(True, f"store ({where}) writes to disk before it answers")


def _sending(settings: Settings) -> Iterator[Check]:
    """Circuit breaker and backlog of each provider, and receipts in doubt."""
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    try:
        clients = bootstrap.open_store(settings, load_rule_book(None).retention)
    except StoreUnavailableError:
        return  # the check of the store has failed already
    try:
        now = queue_status.read_status(clients, settings.providers, clock)
    except StoreUnavailableError as failure:
        yield Check(False, "the outbox", str(failure))
        return
    finally:
        clients.close()
    for health in now.healths:
        yield _provider_state(health, *now.of(health.provider))
    if now.unsure:
        subject = f"{now.unsure} receipts may or may not have gone out"
        yield Check(False, subject, "see sms-receipt unsure, and docs/runbook.md")


def _provider_state(health: BreakerState, count: int, oldest_seconds: float) -> Check:
    backlog = f"; {count} receipts wait for it, the oldest {oldest_seconds:.0f} s old"
    waiting = backlog if count else ""
    if not health.is_open:
        return Check(True, f"{health.provider} is in use{waiting}")
    since = f"{health.since:%Y-%m-%d %H:%M:%S} UTC" if health.since else "unknown"
    subject = f"{health.provider} is demoted since {since}{waiting}"
    return Check(False, subject, f"{health.reason}; it is tried again by itself (docs/runbook.md)")


def _reach(name: str, url: str) -> Check:
    """Check that the address answers, and compare its Date header with this machine's clock."""
    import requests  # noqa: PLC0415 - 0.04 s at the start of every command, for this one

    try:
        answer = requests.get(url, timeout=(3.05, 5))
    except requests.RequestException as failure:
        return Check(False, f"{name} at {url}", f"not reached: {type(failure).__name__}")
    date = answer.headers.get("Date")
    if date is not None:
        theirs = dt.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
        off = abs(dt.datetime.now(dt.UTC) - theirs)
        if off > _CLOCK_TOLERANCE:
            fix = "set this machine's clock (ntp)"
            return Check(False, f"{name}: our clock is {off.seconds} s from theirs", fix)
    return Check(True, f"{name} at {url} answers")
