"""The file of SECRETS_FILE: secrets that may change while processes run."""

import re
from collections.abc import Mapping
from pathlib import Path

from receipts.model.plain_file import read_plain_file

#: Settings that the file may hold, and no others.
NAMES = frozenset({
    *("TWILIO_AUTH_TOKEN", "TWILIO_API_KEY", "TWILIO_API_SECRET"),
    *("KANNEL_USER", "KANNEL_PASSWORD", "KANNEL_SECRET", "FEED_SECRET", "SECRET_KEY"),
})  # fmt: skip

_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Z_]+)=(?P<quote>['\"]?)(?P<value>.*)(?P=quote)")
_MAX_BYTES = 64 * 1024
_OTHERS_MAY_READ_OR_WRITE = 0o006


def with_secrets(environ: Mapping[str, str]) -> tuple[Mapping[str, str], list[str]]:
    """The environment with the secrets of its file in place of its own, and what is wrong there."""
    path = environ.get("SECRETS_FILE", "").strip()
    if not path:
        return environ, []
    try:
        secrets = _read(Path(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return environ, [f"SECRETS_FILE={path} {reason or error}"]
    return {**environ, **secrets}, []


def _read(file: Path) -> dict[str, str]:
    """The lines NAME=value. Raises OSError or ValueError, which repeats no value."""
    if file.stat().st_mode & _OTHERS_MAY_READ_OR_WRITE:
        raise ValueError("must not be open to all users: chmod 600 closes it")
    content = read_plain_file(file, _MAX_BYTES)
    secrets = {}
    # A UnicodeDecodeError is a ValueError whose text would show octets of the file.
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or found["name"] not in NAMES:
            raise ValueError(f"line {number} must be NAME=value with one of {_listed()}")
        secrets[found["name"]] = found["value"]
    return secrets


def _listed() -> str:
    return ", ".join(sorted(NAMES))
