"""The portal's cookie, encrypted: a copy of it shows no number, and a change makes it invalid."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Flask
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature

from web.forms import keys_of


class EncryptedCookieSessions(SecureCookieSessionInterface):
    """Sessions in a cookie that only the keys of the application read."""

    def get_signing_serializer(self, app: Flask) -> Any:  # noqa: ANN401 - Flask's own is untyped
        """The serializer of the cookie, None without a key."""
        return EncryptedSerializer(keys_of(app)) if app.secret_key else None


class EncryptedSerializer:
    """Encrypts and authenticates the values of a session, with the time of their writing."""

    _json = TaggedJSONSerializer()

    def __init__(self, keys: Iterable[str], purpose: str = "cookie") -> None:
        """The first key encrypts, all of them decrypt; values of another purpose are refused."""
        self._fernet = MultiFernet([Fernet(_derived(key, purpose)) for key in keys])

    def dumps(self, values: object) -> str:
        """The cookie's text."""
        return self._fernet.encrypt(self._json.dumps(values).encode()).decode()

    def loads(self, text: str, max_age: int | None = None) -> Any:  # noqa: ANN401 - as in Flask
        """The values of a cookie, at most ``max_age`` seconds old. Raises BadSignature."""
        try:
            return self._json.loads(self._fernet.decrypt(text.encode(), ttl=max_age).decode())
        except (InvalidToken, ValueError) as error:
            raise BadSignature("the cookie is not ours, or too old") from error


def _derived(key: str, purpose: str) -> bytes:
    """A key of its own purpose: the same secret also signs passcodes and forms."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{purpose}|{key}".encode()).digest())
