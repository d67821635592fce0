"""Options of the commands that sign roots or compare with kept ones."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from app.settings import Settings
from commands.evidence.root_files import read_roots
from commands.evidence.signing import load_key, public_key
from commands.params import CommandError, file_errors
from receipts.subscriptions.consent_roots import DayRoot

F = TypeVar("F", bound=Callable[..., object])

_KEY = re.compile(r"[0-9a-f]{64}")


def _public_key(value: str) -> str:
    text = value.strip().lower()
    if not _KEY.fullmatch(text):
        raise click.BadParameter(
            "a public key has 64 hex digits; `sms-receipt signing-key public` prints it"
        )
    return text


#: The public key of signed roots, in lower case.
PUBLIC_KEY = click.types.FuncParamType(_public_key)
PUBLIC_KEY.name = "hex"  # in --help


def root_options(command: F) -> F:
    """Add --root and --key."""
    root = click.option(
        "--root",
        "roots",
        type=click.Path(path_type=Path),
        multiple=True,
        help="File or folder of kept roots to compare with; repeatable.",
    )
    key = click.option(
        "--key",
        "keys",
        type=PUBLIC_KEY,
        multiple=True,
        help="Public key of the roots; repeatable (default: that of CONSENT_SIGNING_KEY).",
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
        raise CommandError("the roots cannot be checked without a public key: add --key")
    with file_errors("name a file or a folder of kept roots with --root"):
        roots = read_roots(paths, trusted)
    if not roots:
        named = ", ".join(map(str, paths))
        raise CommandError(f"{named}: no roots found")
    return roots
