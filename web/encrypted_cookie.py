"""A cookie, encrypted: a copy of it shows no number, and a change makes it invalid."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask.json.tag import TaggedJSONSerializer
from itsdangerous import BadSignature


class EncryptedSerializer:
    """Encrypts and authenticates the values of a session, with the time of their writing."""

    _json = TaggedJSONSerializer()

    def __init__(
        self, keys: Iterable[str], purpose: str = "cookie", max_age_seconds: int | None = None
    ) -> None:
        """The first key encrypts, all of them decrypt; values of another purpose are refused."""
        self._max_age_seconds = max_age_seconds
        self._fernet = MultiFernet([Fernet(_derived(key, purpose)) for key in keys])

    def dumps(self, values: object) -> str:
        """The cookie's text."""
        return self._fernet.encrypt(self._json.dumps(values).encode()).decode()

    def loads(self, text: str, max_age: int | None = None) -> Any:  # noqa: ANN401 - as in Flask
        """The values of a cookie, younger than the area allows. Raises BadSignature."""
        max_age = self._max_age_seconds or max_age
        try:
            return self._json.loads(self._fernet.decrypt(text.encode(), ttl=max_age).decode())
        except (InvalidToken, ValueError) as error:
            raise BadSignature("the cookie is not ours, or too old") from error


def _derived(key: str, purpose: str) -> bytes:
    """A key of its own purpose: the same secret also signs passcodes and forms."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{purpose}|{key}".encode()).digest())
