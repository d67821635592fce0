"""What ``sms-receipt doctor`` looks at: settings, store, rules, clock, providers."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import requests

from receipts.lines import Health
from receipts.numbering import Numbering, TableWrong
from receipts.ports import StoreUnavailable
from receipts.providers.twilio_signature import ALGORITHMS, signature, url_variants
from receipts.provinces import RuleBookWrong, load_rule_book
from switchboard import standing, wiring
from switchboard.clock import clock_for
from switchboard.settings import Settings, SettingsWrong

#: A clock further off than this from the provider's makes look-ups by time unsafe.
_SKEW = dt.timedelta(minutes=2)

#: What a store needs so that an answer means "on disk".
_DURABLE = {"appendonly": "yes", "appendfsync": "always"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``mend`` says what to do when it is not well."""

    well: bool
    what: str
    mend: str = ""


def look(settings: Settings) -> Iterator[Finding]:
    """Everything, one after another; what is not well does not stop the rest."""
    yield _settings("doors", settings.need_doors)
    yield _settings("sending", settings.need_providers)
    yield _hall(settings)
    yield _rules(settings)
    yield _prefixes()
    yield _store(settings)
    yield from _providers(settings)
    yield from _sending(settings)


def _settings(purpose: str, need: Callable[[], Settings]) -> Finding:
    try:
        need()
    except SettingsWrong as missing:
        return Finding(False, f"settings for {purpose}", str(missing).replace("\n", "; "))
    return Finding(True, f"settings for {purpose}")


def _hall(settings: Settings) -> Finding:
    if settings.secret_key:
        return Finding(True, "online service hall is open at /hall/")
    return Finding(False, "online service hall stays shut", "set SECRET_KEY")


def _rules(settings: Settings) -> Finding:
    try:
        book = load_rule_book(settings.rule_book)
    except RuleBookWrong as wrong:
        return Finding(False, "rule book", str(wrong))
    invented = "; its values are invented, set RULE_BOOK to your own" if book.invented else ""
    return Finding(True, f"rule book {book.version}, {len(book.provinces)} provinces{invented}")


def _prefixes() -> Finding:
    try:
        return Finding(True, f"prefix table of {Numbering().data_version}")
    except TableWrong as wrong:
        return Finding(False, "prefix table", str(wrong))


def _store(settings: Settings) -> Finding:
    where = "REDIS_URL" if settings.redis_url else f"our own in {settings.data_dir}"
    try:
        memory = wiring.remember(settings, load_rule_book(None).retention)
    except StoreUnavailable as failure:
        return Finding(False, f"store ({where})", str(failure))
    try:
        lax = [name for name, value in _DURABLE.items() if memory.setting(name) != value]
    except StoreUnavailable:
        return Finding(True, f"store ({where}); it does not tell whether it writes to disk")
    finally:
        memory.close()
    if lax:
        mend = ", ".join(f"{name} {_DURABLE[name]}" for name in lax)
        return Finding(False, f"store ({where}) may forget what we acknowledged", f"set {mend}")
    return Finding(True, f"store ({where}) writes to disk before it answers")


def _providers(settings: Settings) -> Iterator[Finding]:
    named = settings.providers
    if "twilio" in named:
        yield _reach("twilio", settings.twilio_api_url)
    if "kannel" in named and settings.kannel_url:
        yield _reach("kannel", settings.kannel_url)


def _sending(settings: Settings) -> Iterator[Finding]:
    """What the workers know: providers they demoted, receipts that wait or are in doubt."""
    clock = clock_for(settings.data_dir, movable=settings.movable_clock)
    try:
        memory = wiring.remember(settings, load_rule_book(None).retention)
    except StoreUnavailable:
        return  # told already
    try:
        now = standing.look(memory, settings.providers, clock)
    except StoreUnavailable as failure:
        yield Finding(False, "the outbox", str(failure))
        return
    finally:
        memory.close()
    for health in now.healths:
        yield _line(health, *now.of(health.provider))
    if now.unsure:
        what = f"{now.unsure} receipts may or may not have gone out"
        yield Finding(False, what, "see sms-receipt unsure, and docs/runbook.md")


def _line(health: Health, count: int, oldest: float) -> Finding:
    waiting = f"; {count} receipts wait for it, the oldest {oldest:.0f} s old" if count else ""
    if not health.closed:
        return Finding(True, f"{health.provider} is in use{waiting}")
    since = f"{health.since:%Y-%m-%d %H:%M:%S} UTC" if health.since else "unknown"
    what = f"{health.provider} is demoted since {since}{waiting}"
    return Finding(False, what, f"{health.why}; it is tried again by itself (docs/runbook.md)")


def _reach(name: str, url: str) -> Finding:
    """Any HTTP answer will do: what is asked is whether somebody is there, and what time it is."""
    try:
        answer = requests.get(url, timeout=(3.05, 5))
    except requests.RequestException as failure:
        return Finding(False, f"{name} at {url}", f"not reached: {type(failure).__name__}")
    told = answer.headers.get("Date")
    if told is not None:
        theirs = dt.datetime.strptime(told, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
        off = abs(dt.datetime.now(dt.UTC) - theirs)
        if off > _SKEW:
            mend = "set this machine's clock (ntp)"
            return Finding(False, f"{name}: our clock is {off.seconds} s from theirs", mend)
    return Finding(True, f"{name} at {url} answers")


def explain(
    settings: Settings, url: str, given: str, fields: list[tuple[str, str]]
) -> Iterator[Finding]:
    """Which spelling of a URL, token and algorithm a signature was made with, if any."""
    if not url.startswith(settings.public_url):
        yield Finding(
            False,
            f"the URL does not begin with PUBLIC_URL={settings.public_url}",
            "the provider signs the address it was given: set PUBLIC_URL to that one",
        )
    for place, token in enumerate(settings.twilio_auth_tokens, start=1):
        for spelling in url_variants(url):
            for name, digest in ALGORITHMS.items():
                fits = signature(token, spelling, fields, digest) == given
                yield Finding(fits, f"token {place}, {name}, {spelling}")
