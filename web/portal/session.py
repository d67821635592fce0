"""Browser session: an encrypted cookie that names a session in the store."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable

from flask import Flask, current_app, request, session
from flask_wtf.csrf import generate_csrf

from receipts.model.invisible import plain_digits
from receipts.model.vocabulary import Language, Msisdn
from receipts.numbering.msisdn import parse_msisdn
from web.portal.passcodes import CodeResult, PasscodeService

#: Characters of a form's random key, and octets of the seal behind it.
_SEED_LENGTH, _SEAL_BYTES = 16, 12
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_CODE = re.compile(r"[0-9]{6}")
#: Characters of a pasted code with its separators and invisible marks.
_MAX_CODE_LENGTH = 64
_MOBILE = re.compile(r"\+861[0-9]{10}")

_ROLE = "customer"

#: Whether the store has this session of a number.
HasSession = Callable[[Msisdn, str], bool]


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


def signed_in_number(has_session: HasSession) -> Msisdn | None:
    """The number that is signed in, None without a session. Raises StoreUnavailableError."""
    number, session_id = session.get("number"), session.get("visit")
    if session.get("role") != _ROLE or not isinstance(number, str):
        return None
    return Msisdn(number) if has_session(Msisdn(number), str(session_id)) else None


def parse_number(text: str) -> Msisdn | None:
    """A mobile number of mainland China, None for other input."""
    number = parse_msisdn(text)
    return number if number and _MOBILE.fullmatch(number) else None


def remember_request(number: Msisdn, result: CodeResult) -> None:
    """Keep a request for a passcode and its result in the cookie, out of the URL."""
    session.update(asked=str(number), result=result.value)


def request_result() -> str:
    """The result of this browser's last request for a passcode, empty without one."""
    return str(session.get("result", ""))


def pending_number() -> Msisdn | None:
    """The number that a passcode was sent to."""
    number = session.get("asked")
    return Msisdn(number) if isinstance(number, str) else None


def sign_in(codes: PasscodeService, number: Msisdn) -> bool:
    """Begin a session if the form has the passcode. Raises StoreUnavailableError."""
    code, nonce = plain_digits(request.form.get("code", "")[:_MAX_CODE_LENGTH]), sent_nonce()
    if nonce is None or not _CODE.fullmatch(code):
        return False
    session_id = codes.verify(number, code, nonce, visitor())
    if session_id is None:
        return False
    chosen = session.get("language")
    # Prevents session fixation: a cookie set before the login keeps no value.
    session.clear()
    session.update(role=_ROLE, number=str(number), visit=session_id, language=chosen)
    session.permanent = True
    return True


def sign_out() -> None:
    """Clear the cookie except for the language."""
    chosen = session.get("language")
    session.clear()
    session["language"] = chosen


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
