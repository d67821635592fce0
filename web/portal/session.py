"""Browser session: an encrypted cookie that names a session in the store."""

import re
from collections.abc import Callable

from flask import request, session

from receipts.model.invisible import plain_digits
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from web.forms import sent_nonce, visitor
from web.portal.passcodes import CodeResult, PasscodeService

_CODE = re.compile(r"[0-9]{6}")
#: Characters of a pasted code with its separators and invisible marks.
_MAX_CODE_LENGTH = 64
_MOBILE = re.compile(r"\+861[0-9]{10}")

_ROLE = "customer"

#: Whether the store has this session of a number.
HasSession = Callable[[Msisdn, str], bool]


def signed_in_number(has_session: HasSession) -> Msisdn | None:
    """The number that is signed in, None without a session. Raises StoreUnavailableError."""
    number, session_id = session.get("number"), session.get("visit")
    if session.get("role") != _ROLE or not isinstance(number, str):
        return None
    return Msisdn(number) if has_session(Msisdn(number), str(session_id)) else None


def parse_number(text: str, is_taken: Callable[[Msisdn], bool]) -> Msisdn | None:
    """A mobile number of mainland China, or another one that is taken; None for other input."""
    number = parse_msisdn(text)
    return number if number and (_MOBILE.fullmatch(number) or is_taken(number)) else None


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
    remember_session(number, session_id)
    return True


def remember_session(number: Msisdn, session_id: str) -> None:
    """Keep a session in the cookie, and of the earlier values the language alone."""
    chosen = session.get("language")
    # Prevents session fixation: a cookie set before the login keeps no value.
    session.clear()
    session.update(role=_ROLE, number=str(number), visit=session_id, language=chosen)
    session.permanent = True


def sign_out() -> None:
    """Clear the cookie except for the language."""
    chosen = session.get("language")
    session.clear()
    session["language"] = chosen
