"""Points numbers and a Messaging Service here: shows, asks, and changes step by step."""

import sys
from contextlib import closing

import click

from app import provider_factory
from app.settings import Settings
from commands.params import CommandError
from commands.twilio.subject import is_number
from receipts.model.masking import hide_userinfo
from receipts.ports.provider import ProviderError
from receipts.providers.twilio_account import TwilioAccount
from receipts.providers.twilio_webhooks import Change, Step, WebhookConfigurator


def configure_account(
    settings: Settings, address: str, numbers: tuple[str, ...], *, dry_run: bool, yes: bool
) -> None:
    """Make all changes, or none of them where one may not be made. Raises CommandError."""
    with closing(provider_factory.twilio_account(settings)) as account:
        steps = _steps(account, settings, address, numbers)
        _make(steps, dry_run=dry_run, yes=yes)


def _make(steps: list[Step], *, dry_run: bool, yes: bool) -> None:
    if dry_run:
        for step in steps:
            _show(step.subject, step.changes, after="would be")
        return
    clears = [(step, each) for step in steps for each in step.changes if each.clears]
    if clears and not yes:
        _ask(clears)
    done: list[str] = []
    for step in steps:
        try:
            _show(step.subject, step.apply() if step.changes else [])
        except ProviderError as failure:
            changed = f"changed: {', '.join(done)}" if done else "nothing is changed"
            raise CommandError(f"{step.subject}: {failure.detail}; {changed}") from failure
        done.append(step.subject)


def _steps(
    account: TwilioAccount, settings: Settings, address: str, numbers: tuple[str, ...]
) -> list[Step]:
    """What must change, read from the account. Raises CommandError."""
    service = "" if numbers else settings.twilio_messaging_service_sid
    own = settings.twilio_from if is_number(settings.twilio_from) else ""
    chosen = numbers or ((own,) if own else ())
    if not chosen and not service:
        raise CommandError("name the numbers with --number: TWILIO_FROM holds no number")
    configurator = WebhookConfigurator(account, address, settings.fallback_url)
    steps: list[Step] = []
    try:
        steps.extend(configurator.steps(chosen, service))
    except ProviderError as failure:
        subject = (*chosen, service or "Messaging Services")[len(steps)]
        raise CommandError(f"{subject}: {failure.detail}") from failure
    if configurator.unread:
        click.echo(f"Could not read {configurator.unread}: it may win over a number.", err=True)
    return steps


def _ask(clears: list[tuple[Step, Change]]) -> None:
    """Ask before a setting is cleared. Raises CommandError without a terminal, or on a no."""
    told = "; ".join(
        f"{step.subject} {each.name} {hide_userinfo(each.before)} -> "
        f"{hide_userinfo(each.after) or '(none)'}"
        for step, each in clears
    )
    if not sys.stdin.isatty():
        raise CommandError(f"nothing is changed. Give --yes to clear what wins: {told}")
    click.echo(f"These settings win over the addresses and will be cleared:\n  {told}")
    if not click.confirm("Clear them?"):
        raise CommandError("nothing is changed")


def _show(subject: str, changes: list[Change], after: str = "after") -> None:
    for each in changes:
        said = (
            f"{subject}  {each.name}\n  before  {each.before or '(none)'}\n"
            f"  {after:6}  {each.after or '(none)'}"
        )
        click.echo(hide_userinfo(said))
    if not changes:
        click.echo(f"{subject}  already points here")
