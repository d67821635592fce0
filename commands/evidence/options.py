"""Options of the commands that sign roots or compare with kept ones."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from app.settings import Settings
from commands.evidence.root_files import read_roots
from commands.evidence.signing import is_public_key, load_key, public_key
from commands.params import CommandError, file_errors
from receipts.subscriptions.consent_roots import DayRoot

F = TypeVar("F", bound=Callable[..., object])


class PublicKeyType(click.ParamType[str]):
    """The public key of signed roots: 64 hex digits."""

    name = "hex"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:  # fmt: skip
        """The key in lower case."""
        text = str(value).strip().lower()
        if not is_public_key(text):
            self.fail("give the 64 hex digits that `signing-key public` prints", param, ctx)
        return text


def root_options(command: F) -> F:
    """Add --root and --key."""
    root = click.option(
        "--root",
        "roots",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Kept roots to compare with: a file or a folder; may be repeated.",
    )
    key = click.option(
        "--key",
        "keys",
        type=PublicKeyType(),
        multiple=True,
        help="Their public key; by default that of CONSENT_SIGNING_KEY; may be repeated.",
    )
    return root(key(command))


def kept_roots(settings: Settings, paths: Sequence[Path], keys: Sequence[str]) -> list[DayRoot]:
    """The roots in files and folders, each signed by a trusted key; none without a path.

    Raises SettingsError, CommandError.
    """
    if not paths:
        return []
    trusted = list(keys)
    if not trusted and settings.consent_signing_key:
        trusted = [public_key(load_key(settings.consent_signing_key))]
    if not trusted:
        raise CommandError("no key to check the roots with: give --key, the public key")
    with file_errors("name a file or a folder of kept roots with --root"):
        roots = read_roots(paths, trusted)
    if not roots:
        named = ", ".join(map(str, paths))
        raise CommandError(f"{named}: no root is kept there")
    return roots
