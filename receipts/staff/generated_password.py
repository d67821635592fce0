"""Passwords to be read out or copied once: no characters that look alike."""

import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

#: Groups of characters with hyphens between, near 60 bits of chance.
_GROUPS, _GROUP_CHARS = 3, 4


def generated_password(seed: bytes = b"") -> str:
    """A new random password, such as ``q7mk-2xvd-hn8p``; the same one for the same seed.

    A seed has at least 16 octets.
    """
    left, chars = int.from_bytes(seed or secrets.token_bytes(16)), ""
    for _ in range(_GROUPS * _GROUP_CHARS):
        left, index = divmod(left, len(_ALPHABET))
        chars += _ALPHABET[index]
    groups = (chars[n : n + _GROUP_CHARS] for n in range(0, len(chars), _GROUP_CHARS))
    return "-".join(groups)
