"""Verification of service passwords against the slow salted digests of the customer list."""

import base64
import hashlib
import hmac
import re
from importlib import import_module

from werkzeug.security import check_password_hash

#: scrypt and PBKDF2 as passlib and Django write them; Werkzeug's own forms begin otherwise.
_SCRYPT = re.compile(r"\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)", re.ASCII)
_PBKDF2 = re.compile(r"\$pbkdf2-(sha256|sha512)\$(\d+)\$([^$]+)\$([^$]+)", re.ASCII)
_DJANGO = re.compile(r"pbkdf2_(sha256|sha512)\$(\d+)\$([^$]+)\$([^$]+)", re.ASCII)

#: Bytes of memory that one verification by scrypt may take.
_MAX_MEMORY = 256 * 1024 * 1024


class UnreadableDigestError(ValueError):
    """A digest that cannot be verified; the message has no part of it."""


def matches(password: str, digest: str) -> bool:
    """Whether a password has this digest. Raises UnreadableDigestError."""
    try:
        return _matches(password, digest)
    except Exception as error:  # noqa: BLE001 - see below
        # Libraries raise errors of many kinds for a damaged digest.
        raise UnreadableDigestError(type(error).__name__) from None


def _matches(password: str, digest: str) -> bool:
    secret = password.encode()
    if digest.startswith("$argon2"):
        argon2 = import_module("argon2")
        try:
            return bool(argon2.PasswordHasher().verify(digest, password))
        except argon2.exceptions.VerifyMismatchError:
            return False
    if digest.startswith("$2"):
        return bool(import_module("bcrypt").checkpw(secret, digest.encode()))
    if found := _SCRYPT.fullmatch(digest):
        cost, block, parallel = 2 ** int(found[1]), int(found[2]), int(found[3])
        salt, kept = _bytes(found[4]), _bytes(found[5])
        made = hashlib.scrypt(
            secret, salt=salt, n=cost, r=block, p=parallel, maxmem=_MAX_MEMORY, dklen=len(kept)
        )
        return hmac.compare_digest(made, kept)
    if found := _PBKDF2.fullmatch(digest) or _DJANGO.fullmatch(digest):
        # Django uses the salt as text.
        salt = _bytes(found[3]) if digest.startswith("$") else found[3].encode()
        kept = _bytes(found[4])
        made = hashlib.pbkdf2_hmac(found[1], secret, salt, int(found[2]), len(kept))
        return hmac.compare_digest(made, kept)
    if not digest.startswith(("scrypt:", "pbkdf2:")):
        raise ValueError("unknown form")
    return check_password_hash(digest, password)


def _bytes(text: str) -> bytes:
    """Base64 without padding; passlib writes a dot for the plus sign."""
    return base64.b64decode(text.replace(".", "+") + "=" * (-len(text) % 4), validate=True)
