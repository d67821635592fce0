"""The gate before the doors: is the caller really who it says it is.

Every route names its guard in one table; a route without one keeps the app from starting.
"""

import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, unquote_plus
from wsgiref.types import WSGIEnvironment

import structlog
from flask import Flask, Response, abort, g, jsonify, redirect, request, url_for
from werkzeug.exceptions import BadRequest, Forbidden, RequestEntityTooLarge

from hall import auth
from receipts.model import Msisdn
from receipts.providers.twilio_signature import (
    algorithm_of,
    is_valid_body_signature,
    is_valid_signature,
)
from switchboard.pulse import refused
from switchboard.settings import Settings

_log = structlog.get_logger()

Guard = Callable[[], None]

#: Far more fields than any provider sends; more is an attempt to tire us.
_MOST_FIELDS = 200

#: A batch of 5,000 reports, and room to spare.
_LARGEST_FEED = 4 * 1024 * 1024

#: Seconds for which a signed batch may be sent: an old one caught on its way is refused.
_FEED_WINDOW = 300

_UNIX_TIME = re.compile(r"[0-9]{1,12}")

_FORM = "application/x-www-form-urlencoded"

#: Where the short way leaves what went wrong with a request that has passed this gate already.
FAILURE = "switchboard.failure"


class Unguarded(RuntimeError):
    """A route has no guard; it names which."""


class Gate:
    """Checks each request before its door sees it."""

    def __init__(self, settings: Settings, inside: auth.Inside = lambda *_: False) -> None:
        """``inside`` says whether a visit of the hall is still under way."""
        self._settings, self._inside = settings, inside

    def stand_before(self, app: Flask, guards: Mapping[str, Guard]) -> None:
        """Guard every route of the app. Raises Unguarded when one is left out."""
        routes = {rule.endpoint for rule in app.url_map.iter_rules()}
        if missing := routes - guards.keys():
            raise Unguarded(f"no guard before {', '.join(sorted(missing))}")

        @app.before_request
        def check() -> None:
            failure: Exception | None = request.environ.get(FAILURE)
            if failure is not None:
                raise failure
            if request.endpoint is not None:
                guards[request.endpoint]()

    def anyone(self) -> None:
        """A page without secrets: anyone may see it."""

    def twilio(self) -> None:
        """Only Twilio, and only for our account; the form is parsed here, once."""
        body = request.get_data(cache=False)
        form = _form(body) if request.mimetype == _FORM else []
        if not self._signed(body, form):
            refused("signature")
            _log.warning("signature does not fit", url=self.signed_url())
            raise Forbidden("the signature does not fit: run `sms-receipt doctor signature`")
        g.fields = dict(form)
        account = g.fields.get("AccountSid")
        if account is not None and account != self._settings.twilio_account_sid:
            refused("account")
            raise Forbidden("not our account")

    def fields_of(self, environ: WSGIEnvironment, body: bytes) -> Mapping[str, str] | None:
        """The fields of a form that is plainly Twilio's, for our account; None where to doubt.

        Who doubts asks ``twilio``. Only for paths that are written as they are.
        """
        query = environ.get("QUERY_STRING", "")
        if "HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS" in environ or not query.isascii():
            return None
        url = self._settings.public_url + environ["PATH_INFO"] + ("?" + query if query else "")
        pairs = form_pairs(body)
        given = environ.get("HTTP_X_TWILIO_SIGNATURE", "")
        if pairs is None or not is_valid_signature(
            self._settings.twilio_auth_tokens, given, url, pairs
        ):
            return None
        found = dict(pairs)
        ours = self._settings.twilio_account_sid
        return found if found.get("AccountSid", ours) == ours else None

    def _signed(self, body: bytes, form: list[tuple[str, str]]) -> bool:
        keys = self._settings.twilio_auth_tokens
        given = request.headers.get("X-Twilio-Signature", "")
        algorithm = algorithm_of(request.headers.get("X-Twilio-Webhooks-Signature-Settings"))
        told = _asked("bodySHA256")
        if request.mimetype != _FORM and body and told:
            return is_valid_body_signature(keys, given, self.signed_url(), body, told, algorithm)
        return is_valid_signature(keys, given, self.signed_url(), form, algorithm)

    def signed_url(self) -> str:
        """The URL as the caller was given it: the public address, with the query untouched."""
        query = request.query_string.decode("utf-8", "replace")
        path = quote(request.path, safe="/:@!$&'()*+,;=-._~")
        return f"{self._settings.public_url}{path}{'?' if query else ''}{query}"

    def table(self, **routes: Iterable[str]) -> dict[str, Guard]:
        """The guard of each route, from lists of routes by the guard's name."""
        return {route: getattr(self, guard) for guard, listed in routes.items() for route in listed}

    def feed(self) -> None:
        """Only the message centre, whose signature covers the time and the whole body."""
        request.max_content_length = _LARGEST_FEED
        stamp = request.headers.get("X-Feed-Timestamp", "")
        given = request.headers.get("X-Feed-Signature", "")
        secret = self._settings.feed_secret
        made = hmac.new(secret.encode(), f"{stamp}.".encode(), "sha256")
        made.update(request.get_data())
        fits = hmac.compare_digest(f"sha256={made.hexdigest()}".encode(), given.encode())
        if not secret or not fits:
            refused("feed signature")
            raise Forbidden("the signature does not fit timestamp and body")
        if not _UNIX_TIME.fullmatch(stamp) or abs(time.time() - int(stamp)) > _FEED_WINDOW:
            refused("feed time")
            raise Forbidden("the timestamp is too far from our clock: is this an old request?")

    def kannel(self) -> None:
        """Only our Kannel, which brings the secret we gave it."""
        known = self._settings.kannel_secret.encode()
        if not known or not hmac.compare_digest(_asked("secret").encode(), known):
            refused("secret")
            raise Forbidden("the secret does not fit")

    def visitor(self) -> None:
        """Anyone with a browser, while the hall has a key; forms are the browser's own."""
        if not self._settings.secret_key:
            refused("hall without a key")
            raise Forbidden("the hall is shut: SECRET_KEY is not set")
        if request.method == "POST" and not auth.own_form():
            refused("form")
            raise Forbidden("this form was not given to this browser, or too long ago")

    def customer(self) -> None:
        """Only who is signed in; everybody else is shown where to."""
        self.visitor()
        number = auth.caller(self._inside)
        if number is None:
            abort(redirect(url_for("hall.sign_in"), 303))
        g.caller = number


def caller() -> Msisdn:
    """Who the gate let into the hall."""
    number: Msisdn = g.caller
    return number


def fields(*required: str) -> Mapping[str, str]:
    """The fields of a verified request. Raises BadRequest naming the first one missing."""
    found: Mapping[str, str] = g.fields
    for name in required:
        if name not in found:
            raise BadRequest(f"missing field: {name}")
    return found


def refuse(name: str) -> Response:
    """A refusal naming what is missing or odd."""
    answer = jsonify(error=f"missing or odd: {name}")
    answer.status_code = 400
    return answer


def _asked(name: str) -> str:
    """A parameter of the query; bytes that are no text name nothing."""
    try:
        return request.args.get(name, "")
    except UnicodeDecodeError:
        return ""


def form_pairs(body: bytes) -> list[tuple[str, str]] | None:
    """The fields of a form as ``parse_qsl`` reads them, in a third of its time; None if too many.

    Nearly every field of a webhook has nothing to decode, and is taken as it stands.
    """
    said = body.decode("utf-8", "replace")
    if said.count("&") >= _MOST_FIELDS:
        return None
    pairs = []
    for part in said.split("&"):
        if part:
            name, _, value = part.partition("=")
            if "%" in part or "+" in part:
                if value.startswith("%2B") and value[3:].isdigit() and name.isalnum():
                    # A telephone number, which stands in two to four fields of every form.
                    value = "+" + value[3:]
                else:
                    name, value = unquote_plus(name), unquote_plus(value)
            pairs.append((name, value))
    return pairs


def _form(body: bytes) -> list[tuple[str, str]]:
    pairs = form_pairs(body)
    if pairs is None:
        raise RequestEntityTooLarge("too many fields")
    return pairs
