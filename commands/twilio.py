"""The command `twilio configure`: points the account's numbers at this service."""

import click

from app import provider_factory
from app.settings import Settings
from app.settings_reader import url_problem
from commands.params import CommandError, examples, read_settings
from receipts.model.masking import hide_userinfo
from receipts.ports.provider import ProviderError


@click.group(epilog=examples("twilio configure --base-url https://sms.example.org"))
def twilio() -> None:
    """Configure your Twilio account."""


@twilio.command(
    epilog=examples(
        "twilio configure --base-url https://sms.example.org",
        "twilio configure --base-url https://sms.example.org --number +8613802880000",
    )
)
@click.option("--base-url", required=True, help="Public address of this service.")
@click.option(
    "--number",
    "numbers",
    multiple=True,
    help="Number to configure; repeatable (default: TWILIO_FROM).",
)
def configure(base_url: str, numbers: tuple[str, ...]) -> None:
    """Set the webhooks of your Twilio numbers.

    Prints each webhook address before and after the change.
    """
    settings = read_settings().need_account()
    address = _checked_address(base_url)
    configurator = provider_factory.twilio_numbers(settings)
    for number in numbers or _own_numbers(settings):
        try:
            before, after = configurator.point(number, address)
        except ProviderError as failure:
            raise CommandError(f"{number}: {failure.detail}") from failure
        for field in ("texts", "calls", "call_status"):
            name, old, new = field.replace("_", " "), getattr(before, field), getattr(after, field)
            if new is not None:
                said = f"{number}  {name}\n  before  {old or '(none)'}\n  after   {new}"
                click.echo(hide_userinfo(said))
    if settings.public_url != address:
        click.echo(
            f"Set PUBLIC_URL={hide_userinfo(address)} before the first request arrives: "
            "Twilio signs that address. With the present PUBLIC_URL="
            f"{hide_userinfo(settings.public_url) or '(unset)'} every request is refused.",
            err=True,
        )


def _checked_address(base_url: str) -> str:
    """The address without a slash at its end. Raises CommandError."""
    if url_problem(base_url):
        raise CommandError(
            f"--base-url={hide_userinfo(base_url)} is not a public address. Example: https://sms.example.org"
        )
    return base_url.rstrip("/")


def _own_numbers(settings: Settings) -> tuple[str, ...]:
    """The number in TWILIO_FROM. Raises CommandError."""
    sender = settings.twilio_sender
    if not sender or sender.startswith("MG"):
        raise CommandError("name the numbers with --number: TWILIO_FROM holds no number")
    return (sender,)
