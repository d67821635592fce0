"""The command `signing-key`: the key that signs the roots of the consent entries."""

from pathlib import Path

import click

from app.settings import SettingsError
from commands.evidence.signing import load_key, make_key, public_key
from commands.params import examples, file_errors, read_settings


@click.group("signing-key", epilog=examples("signing-key new consent.pem", "signing-key public"))
def signing_key() -> None:
    """Make or show the key that signs consent records."""


@signing_key.command("new", epilog=examples("signing-key new consent.pem"))
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> None:
    """Write a new private key to FILE and print its public key.

    Set CONSENT_SIGNING_KEY to FILE where exports run, and publish the public key.
    """
    with file_errors("name a new file in an existing folder"):
        click.echo(make_key(file))


@signing_key.command("public", epilog=examples("signing-key public"))
def public() -> None:
    """Print the public key of CONSENT_SIGNING_KEY."""
    settings = read_settings()
    if not settings.consent_signing_key:
        raise SettingsError(
            "CONSENT_SIGNING_KEY is not set; make a key with `sms-receipt signing-key new FILE`"
        )
    click.echo(public_key(load_key(settings.consent_signing_key)))
