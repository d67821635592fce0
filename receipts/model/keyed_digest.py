"""Digests under the keys of SECRET_KEY, for values that must not stand in the store."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence


class KeyedDigests:
    """HMAC-SHA256 digests: the first key makes them, all of them verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def make(self, *parts: str) -> str:
        """The digest of some parts, as hexadecimal digits."""
        return _digest(self._keys[0], parts)

    def all(self, *parts: str) -> Iterator[str]:
        """The digests of some parts under each key, the present one first."""
        return (_digest(key, parts) for key in self._keys)

    def fits(self, digest: str, *parts: str) -> bool:
        """Whether a stored digest is of these parts, under this or an earlier key."""
        return any(hmac.compare_digest(digest, each) for each in self.all(*parts))


def _digest(secret: str, parts: Sequence[str]) -> str:
    text = "|".join(parts).encode("utf-8", "replace")
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
