"""Rules of secrets: at least 16 characters, no placeholder, several at a time in rotation."""

import re

#: The least length of a secret that guards a way in: with 64 kinds of characters, 96 bits.
LEAST_CHARACTERS = 16

#: Below so many distinct characters, a text of the second length is repeated: xxxxxxxx, 12121212.
_LEAST_DISTINCT, _LEAST_REPEATED = 5, 8
_RUN = "1234567890" * 4

#: Beginnings of the secrets in docs/kannel.conf.example.
_UNCHANGED = ("change-me", "change_me", "changeme")

#: Letters of a placeholder, such as changeme1234567890; a random text has some by chance.
_LEAST_LETTERS = 6

#: Placeholders consist of these words alone.
_WEAK_WORDS = re.compile(
    r"(?:change|replace|insert|enter|put|set|use|give|fill|in|me|it|this|that|with|to|at|by|for|of"
    r"|my|your|our|own|the|an|some|any|very|super|top|long|random|real|goes|here|now|please"
    r"|before|production|deploy|secret|password|passphrase|pass|word|token|key|value|string|text"
    r"|credential|placeholder|example|sample|default|dummy|test|demo|todo|fixme|none|null"
    r"|undefined|admin|root|guest|qwerty|letmein|auth|api)+"
)


def secret_problem(secret: str, least: int = LEAST_CHARACTERS) -> str:
    """The rule that a secret breaks: its length, or a placeholder; empty for a usable one."""
    if len(secret) < least:
        return f"must be at least {least} random characters"
    if is_placeholder(secret):
        return "must be random characters; it is a placeholder"
    return ""


def is_placeholder(secret: str) -> bool:
    """Whether a text stands for a secret: words that say so, a run, or repeated characters."""
    plain = secret.casefold()
    digits = re.sub(r"\D", "", plain)
    is_repeated = len(plain) >= _LEAST_REPEATED and len(set(plain)) < _LEAST_DISTINCT
    if is_repeated or (len(digits) >= _LEAST_REPEATED and digits == plain in _RUN):
        return True
    if plain.startswith(_UNCHANGED):
        return True
    letters = re.sub(r"[^a-z]", "", plain)
    return len(letters) >= _LEAST_LETTERS and _WEAK_WORDS.fullmatch(letters) is not None
