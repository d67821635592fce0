"""Reads settings one by one from an environment and collects the problems of all of them."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

#: Characters that stay unquoted in a URL: Kannel reads each per cent sign as its own escape.
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")

_MIN_CHARACTERS = 16


class SettingsReader:
    """Checked values by name; a wrong value adds a sentence to ``problems``."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.problems: list[str] = []

    def number(self, name: str, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        text = self._given[name]
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self.problems.append(f"{name}={text}: give a whole number from {least} to {most}")
        return least

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices."""
        text = self._given[name]
        if text not in choices:
            self.problems.append(f"{name}={text}: give {' or '.join(choices)}")
        return text

    def order(self, name: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """Return some of the choices, each once, in an order that matters."""
        text = self._given[name]
        listed = split_list(text)
        repeated = len(set(listed)) < len(listed)
        if not set(listed) <= set(choices) or repeated or (text and not listed):
            offered = " or ".join(choices)
            self.problems.append(f"{name}={text}: give {offered}, or both with a comma between")
        return listed

    def url(self, name: str) -> str:
        """Return an http or https address without a query."""
        text = self._given[name]
        if text and (not _is_address(text, "http", "https") or urlsplit(text).query):
            self.problems.append(f"{name}={text}: give an address such as https://example.org")
        return text

    def store(self, name: str) -> str:
        """Return one Redis address or several with commas between."""
        text = self._given[name]
        if text and not all(
            _is_address(each, "redis", "rediss", "unix") for each in text.split(",")
        ):
            # The address is not repeated: it may hold a password.
            self.problems.append(f"{name}: give an address such as redis://example.org:6379/0")
        return text

    def plain(self, name: str) -> str:
        """Return characters that need no quoting in a URL."""
        text = self._given[name]
        if not _UNRESERVED.fullmatch(text):
            self.problems.append(f"{name}: use letters, digits and . _ ~ - only")
        return text

    def key(self, name: str) -> str:
        """Return a secret that is long enough to withstand guessing offline."""
        text = self._given[name]
        if text and len(text) < _MIN_CHARACTERS:
            self.problems.append(
                f"{name}: give at least {_MIN_CHARACTERS} characters, made at random"
            )
        return text

    def ascii(self, name: str) -> str:
        """Return printable ASCII: an HTTP header carries no other character unharmed."""
        text = self._given[name]
        if not (text.isascii() and text.replace(" ", "").isprintable()):
            self.problems.append(f"{name}: use printable ASCII characters only")
        return text


def split_list(text: str) -> tuple[str, ...]:
    """Split at commas; empty parts are left out."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _is_address(text: str, *schemes: str) -> bool:
    """Return whether scheme, host (or socket path) and port are usable."""
    try:
        parts = urlsplit(text)
        target = parts.path if parts.scheme == "unix" else parts.hostname
        return parts.scheme in schemes and bool(target) and (parts.port or 1) > 0
    except ValueError:  # malformed brackets or port
        return False
