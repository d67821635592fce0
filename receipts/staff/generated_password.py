"""Passwords to be read out or copied once: no characters that look alike."""

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

#: Groups of characters with hyphens between; 60 bits of chance.
_GROUPS, _GROUP_CHARS = 3, 4


def generated_password() -> str:
    """A new random password, such as ``q7mk-2xvd-hn8p``."""
    groups = ("".join(map(secrets.choice, [_ALPHABET] * _GROUP_CHARS)) for _ in range(_GROUPS))
    return "-".join(groups)
