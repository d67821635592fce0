"""Forms of a browser: CSRF token, one-time keys, and the language of its pages."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode

from flask import Flask, current_app, request, session
from flask_wtf.csrf import generate_csrf

from receipts.model.vocabulary import Language

#: Characters of a form's random key, and octets of the seal behind it.
_SEED_LENGTH, _SEAL_BYTES = 16, 12
_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


def csrf_token() -> str:
    """CSRF token of this session."""
    if not session.permanent:
        session.permanent = True
    return str(generate_csrf())


def form_nonce() -> str:
    """New idempotency key for one form of this browser, so that sending it twice counts once."""
    csrf_token()
    seed = secrets.token_urlsafe(12)
    return seed + _nonce_seal(session_keys()[0], seed)


def is_own_nonce(nonce: str) -> bool:
    """Whether a form with this key was given to this browser."""
    seed, seal = nonce[:_SEED_LENGTH], nonce[_SEED_LENGTH:]
    seals = (_nonce_seal(key, seed) for key in session_keys())
    return any(hmac.compare_digest(seal, each) for each in seals)


def visitor() -> str:
    """The opaque id of this browser's visit before it signs in, empty without cookies."""
    return str(session.get("csrf_token", ""))


def session_keys() -> tuple[str, ...]:
    """Keys of the application: the first one signs, all of them verify."""
    return keys_of(current_app)


def keys_of(app: Flask) -> tuple[str, ...]:
    """Keys of this application, as ``session_keys``."""
    return (str(app.config["SECRET_KEY"]), *(app.config["SECRET_KEY_FALLBACKS"] or ()))


def _nonce_seal(key: str, seed: str) -> str:
    text = f"form|{visitor()}|{seed}".encode()
    mac = hmac.digest(key.encode(), text, "sha256")
    return urlsafe_b64encode(mac[:_SEAL_BYTES]).decode()


def sent_nonce() -> str | None:
    """The submitted form's idempotency key, None without a valid one."""
    return valid_nonce(request.form.get("once", ""))


def valid_nonce(text: str) -> str | None:
    """The text if it has the shape of an idempotency key, else None."""
    return text if _NONCE.fullmatch(text) else None


def set_language(language: Language) -> None:
    """Keep this browser's language in the cookie."""
    session["language"] = language.value


def preferred_language() -> Language:
    """The language chosen in this browser, else the best match of Accept-Language."""
    chosen = session.get("language")
    if chosen in set(Language):
        return Language(chosen)
    best = request.accept_languages.best_match(list(Language), default=Language.ZH.value)
    return Language(best)


def page_number() -> int:
    """The page of a list that the address names, counted from 1."""
    typed = request.args.get("page", "")
    return int(typed) if _PAGE_NUMBER.fullmatch(typed) else 1
