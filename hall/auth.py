"""Who is at the browser: a number that knew its code, in a signed cookie; a token in each form.

The cookie alone lets nobody in for long: it names a visit that the store must still know of.
"""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Callable

from flask import request, session

from receipts.codes import Codes
from receipts.model import Language, Msisdn
from receipts.numbering import parse_msisdn

#: An event of ours as forms carry it; what does not look like one is not one.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
_CODE = re.compile(r"[0-9]{6}")
_MOBILE = re.compile(r"\+861[0-9]{10}")

#: Whose visit it is: a code proves a customer, and nobody who serves one.
_CUSTOMER = "customer"

Inside = Callable[[Msisdn, str], bool]


def once() -> str:
    """A fresh token for one form: sent twice, the form is still one event."""
    return secrets.token_urlsafe(12)


def event() -> str | None:
    """The token of the form that was sent, None when there is none."""
    return token(request.form.get("once", ""))


def token(said: str) -> str | None:
    """A token of ours, None when it is none."""
    return said if _TOKEN.fullmatch(said) else None


def form_token() -> str:
    """What every form of this browser must bring, so that no other site can send one for it."""
    if "form" not in session:
        session["form"] = secrets.token_urlsafe(16)
        session.permanent = True
    return str(session["form"])


def own_form() -> bool:
    """Whether a form that was sent is one that this browser was given."""
    known, given = str(session.get("form", "")), request.form.get("form", "")
    return bool(known) and hmac.compare_digest(known.encode(), given.encode("utf-8", "replace"))


def caller(inside: Inside) -> Msisdn | None:
    """The number that is signed in, None when nobody is. Raises StoreUnavailable."""
    number, visit = session.get("number"), session.get("visit")
    if session.get("role") != _CUSTOMER or not isinstance(number, str):
        return None
    return Msisdn(number) if inside(Msisdn(number), str(visit)) else None


def asks(raw: str) -> Msisdn | None:
    """The mobile number somebody wants to sign in with, None when it is none in China."""
    number = parse_msisdn(raw)
    return number if number and _MOBILE.fullmatch(number) else None


def waits_for(number: Msisdn) -> None:
    """Remember which number the code was sent to: it is never in an address."""
    session["asked"] = str(number)


def awaited() -> Msisdn | None:
    """The number whose code is waited for."""
    known = session.get("asked")
    return Msisdn(known) if isinstance(known, str) else None


def enter(codes: Codes, number: Msisdn) -> bool:
    """Begin a visit if the code of the form is the one that was sent. Raises StoreUnavailable."""
    typed = unicodedata.normalize("NFKC", request.form.get("code", ""))
    code, form = "".join(typed.split()), event()
    if form is None or not _CODE.fullmatch(code):
        return False
    visit = codes.let_in(number, code, form)
    if visit is None:
        return False
    spoken = session.get("language")
    # Nothing of the time before is taken along: a cookie planted earlier is worth nothing.
    session.clear()
    session.update(role=_CUSTOMER, number=str(number), visit=visit, language=spoken)
    session.permanent = True
    return True


def leave() -> None:
    """Forget who was here; the language stays."""
    spoken = session.get("language")
    session.clear()
    session["language"] = spoken


def speak(language: Language) -> None:
    """From now on this browser is spoken to in this language."""
    session["language"] = language.value


def chosen() -> Language | None:
    """The language somebody chose at this browser."""
    known = session.get("language")
    return Language(known) if known in set(Language) else None


def language() -> Language:
    """The language for somebody we do not know: the one chosen, else the browser's own."""
    preferred = request.accept_languages.best_match(list(Language), default=Language.ZH.value)
    return chosen() or Language(preferred)
