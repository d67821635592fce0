"""Ed25519 keys that sign daily roots: make, read, sign, and check a signature."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from app.settings import SettingsError
from receipts.subscriptions.consent_roots import DayRoot

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# ``cryptography`` is imported within functions: every command imports this module.

_PRIVATE_FILE = 0o600
_ADVICE = "make a key with `sms-receipt signing-key new FILE`"


def make_key(path: Path) -> str:
    """Write a new private key, readable by its owner alone; return its public key (hex).

    Raises OSError, FileExistsError included: no key is overwritten.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return public_key(key)


def load_key(setting: str) -> "Ed25519PrivateKey":
    """The private key of the setting: a PEM text, or the path of one. Raises SettingsError."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    name = "CONSENT_SIGNING_KEY"
    try:
        pem = setting.encode() if "-----BEGIN" in setting else Path(setting).read_bytes()
        key = load_pem_private_key(pem, password=None)
    except OSError as error:
        # The path is not repeated: it may be a key that was pasted without its first line.
        raise SettingsError(f"{name}: the file: {error.strerror}; {_ADVICE}") from error
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{name}: not a private key in PEM; {_ADVICE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{name}: not an Ed25519 key; {_ADVICE}")
    return key


def public_key(key: "Ed25519PrivateKey") -> str:
    """The public key (32 bytes in hex) of a private key."""
    return key.public_key().public_bytes_raw().hex()


def sign(root: DayRoot, key: "Ed25519PrivateKey") -> dict[str, Any]:
    """A root with its hash, public key and signature, as it is printed and kept."""
    values: dict[str, Any] = to_builtins(root)
    return values | {
        "root": root.hash,
        "key": public_key(key),
        "signature": key.sign(root.payload).hex(),
    }


def is_signed(root: DayRoot, key: str, signature: str) -> bool:
    """Whether a signature (hex) is that of a public key (hex) under a root."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), root.payload)
    except (InvalidSignature, ValueError):
        return False
    return True
