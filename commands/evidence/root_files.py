"""Read roots that were kept outside the store, and refuse those that the key did not sign."""

import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import ValidationError, convert

from commands.evidence.signing import is_signed
from commands.params import CommandError
from receipts.subscriptions.consent_roots import DayRoot

_SUFFIXES = frozenset({".json", ".jsonl"})


def read_roots(paths: Iterable[Path], keys: Collection[str]) -> list[DayRoot]:
    """The roots in files, and in the .json and .jsonl files of folders, oldest first.

    A file holds one root, a list, one root a line, or the totals of an export.
    Raises CommandError for one that is altered or signed by another key; OSError.
    """
    found = [_checked(value, path, keys) for path in _files(paths) for value in _values(path)]
    return sorted(set(found), key=lambda root: root.day)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES)
        else:
            yield path


def _values(path: Path) -> Iterator[object]:
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        values = [json.loads(text)]
    except (ValueError, RecursionError):
        values = [_json_line(line, path) for line in text.splitlines() if line.strip()]
    for value in values:
        listed = value.get("roots", value) if isinstance(value, dict) else value
        yield from listed if isinstance(listed, list) else [listed]


def _json_line(line: str, path: Path) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path}: a line is not JSON; name files of signed roots") from error


def _checked(value: Any, path: Path, keys: Collection[str]) -> DayRoot:  # noqa: ANN401 - any JSON
    try:
        root = convert(value, DayRoot)
        key, signature = str(value["key"]), str(value["signature"])
    except (ValidationError, KeyError) as error:
        raise CommandError(f"{path}: not a signed root ({error})") from error
    if key not in keys:
        trusted = " or ".join(keys)
        raise CommandError(
            f"{path}: the root of {root.day} is signed with the key {key}, not {trusted}"
        )
    if not is_signed(root, key, signature) or value.get("root") != root.hash:
        raise CommandError(f"{path}: the root of {root.day} was changed after it was signed")
    return root
