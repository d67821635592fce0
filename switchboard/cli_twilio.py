"""``sms-receipt twilio``: what is set at the provider, from here."""

import sys
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlsplit

import click

from receipts.ports import SendingFailure
from switchboard import carriers
from switchboard.settings import Settings, SettingsWrong


def commands(settings: Callable[[], Settings]) -> list[click.Command]:
    """`twilio configure`, under these settings."""

    @click.group()
    def twilio() -> None:
        """The account at Twilio."""

    @twilio.command()
    @click.option("--base-url", required=True, help="Where providers reach this service's doors.")
    @click.option("--number", "numbers", multiple=True, help="By default TWILIO_FROM; repeat it.")
    def configure(base_url: str, numbers: tuple[str, ...]) -> None:
        """Point the webhooks of the account's numbers at this service: shows before and after."""
        try:
            ours = settings().need_account()
        except SettingsWrong as wrong:
            _stop(str(wrong))
        _point(ours, _address(base_url), numbers)

    return [twilio]


def _point(settings: Settings, base_url: str, numbers: tuple[str, ...]) -> None:
    at_twilio = carriers.twilio_numbers(settings)
    for number in numbers or _senders(settings):
        try:
            was, now = at_twilio.point(number, base_url)
        except SendingFailure as failure:
            _stop(f"{number}: {failure.detail}")
        for name, before, after in (
            ("texts", was.texts, now.texts),
            ("calls", was.calls, now.calls),
            ("call status", was.call_status, now.call_status),
        ):
            if after is not None:
                click.echo(f"{number}  {name}\n  before  {before or '(none)'}\n  after   {after}")
    if settings.public_url != base_url:
        click.echo(
            f"Set PUBLIC_URL={base_url} before these come in: Twilio signs that address, and "
            f"with PUBLIC_URL={settings.public_url or '(unset)'} every request is refused.",
            err=True,
        )


def _address(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        _stop(f"--base-url={base_url}: give an address such as https://sms.example.org")
    return base_url.rstrip("/")


def _senders(settings: Settings) -> tuple[str, ...]:
    sender = settings.twilio_sender
    if not sender or sender.startswith("MG"):
        _stop("name the numbers with --number: TWILIO_FROM is not set to one")
    return (sender,)


def _stop(why: str) -> NoReturn:
    click.echo(f"sms-receipt: {why}", err=True)
    sys.exit(2)
