"""Recognise slow salted password hashes, and plain secrets that no file may hold."""

import re

# A 6-digit password has a million values: only a slow hash protects it. PBKDF2 needs at least
# 10,000 rounds, and plain SHA or MD5 does not count.
_SLOW = re.compile(
    r"\$argon2(?:id|i|d)\$v=\d+\$m=\d+,t=\d+,p=\d+\$[\w+/=.-]{8,}\$[\w+/=.-]{16,}"
    r"|scrypt:\d+:\d+:\d+\$[^$\s]{8,}\$[0-9a-f]{64,}"
    r"|\$scrypt\$ln=\d+,r=\d+,p=\d+\$[\w+/=.-]{8,}\$[\w+/=.-]{16,}"
    r"|pbkdf2:sha(?:256|512):\d{5,}\$[^$\s]{8,}\$[0-9a-f]{64,}"
    r"|\$pbkdf2-sha(?:256|512)\$\d{5,}\$[\w+/=.-]{8,}\$[\w+/=.-]{16,}"
    r"|pbkdf2_sha(?:256|512)\$\d{5,}\$[^$\s]{8,}\$[\w+/=.-]{16,}"
    r"|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}",
    re.ASCII,
)
_LONGEST = 512
_PLAIN = re.compile(r"\d{4,8}|\d{15}|\d{17}[\dXx]", re.ASCII)


def is_slow_digest(raw: str) -> bool:
    """Whether a text looks like argon2, scrypt, bcrypt or PBKDF2 with its salt."""
    return len(raw) <= _LONGEST and _SLOW.fullmatch(raw) is not None


def is_plain(raw: str) -> bool:
    """Whether a text looks like the password or identity number itself."""
    return _PLAIN.fullmatch(raw) is not None
