"""Request authentication: each route has a guard, and the app does not start without it.

Checks on requests take Werkzeug's class, so that Flask and the callback application share them.
"""

import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from urllib.parse import unquote_plus

import flask
import structlog
from flask.globals import request_ctx
from flask_wtf.csrf import CSRFProtect, validate_csrf
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    RequestEntityTooLarge,
    TooManyRequests,
)
from werkzeug.wrappers import Request

from app.edge.limits import MAX_FEED_BYTES, door_of
from app.metrics.counters import count_refusal
from app.pages.sessions import form_lifetime
from app.protection.client_address import ClientAddresses
from app.protection.wrong_secrets import WrongSecrets
from app.request_log import bind_form_ids
from app.settings import Settings
from callbacks.app import ENDPOINT, MAX_BODY_BYTES
from receipts.model.masking import hide_userinfo
from receipts.model.vocabulary import Msisdn
from receipts.providers.twilio_signature import (
    algorithm_of,
    checked_url,
    is_valid_body_signature,
    is_valid_signature,
)
from web.portal import session

_log = structlog.get_logger()

#: Twilio sends about 30 fields; far more are an attempt to exhaust the service.
_MAX_FIELDS = 200

#: Names of fields in a line of the log.
_MOST_LOGGED_FIELDS = 20

#: A signed batch is accepted this long: an older one may be a replay.
_FEED_WINDOW_SECONDS = 300

_UNIX_TIME, _LENGTH = re.compile(r"[0-9]{1,12}"), re.compile(r"[0-9]{1,5}")
_FORM = "application/x-www-form-urlencoded"
#: Earlier names of fields, which Twilio sends beside or in place of the present ones.
_ALIASES = {"SmsSid": "MessageSid", "SmsStatus": "MessageStatus"}


class UnguardedRouteError(RuntimeError):
    """Routes without a guard; the message names them."""


class RequestGuards:
    """Signatures, secrets, CSRF tokens and sessions, checked before a view runs."""

    def __init__(
        self, settings: Settings, has_session: session.HasSession = lambda *_: False
    ) -> None:
        """``has_session`` looks up a session of the portal."""
        self._settings, self._has_session = settings, has_session
        self._kannel_secrets = [secret.encode() for secret in settings.kannel_secrets]
        self._csrf, self._wrong_secrets = CSRFProtect(), WrongSecrets()
        self._addresses = ClientAddresses(settings.trusted_proxies)

    def install(
        self,
        app: flask.Flask,
        endpoints: Mapping[str, Iterable[str]],
        others: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        """Run its guard before each endpoint's view; ``endpoints`` are listed by guard.

        ``others`` are guards by endpoint. Raises UnguardedRouteError.
        """
        guards: dict[str, Callable[[], None]] = {
            name: getattr(self, guard) for guard, names in endpoints.items() for name in names
        }
        guards |= others or {}
        if missing := {rule.endpoint for rule in app.url_map.iter_rules()} - guards.keys():
            raise UnguardedRouteError(f"no guard before {', '.join(sorted(missing))}")
        self._csrf.init_app(app)

        @app.before_request
        def authenticate() -> None:
            request = request_ctx.request
            if (endpoint := request.endpoint) is not None:
                request.environ[ENDPOINT] = endpoint
                if (most := door_of(request.path).max_bytes) > MAX_BODY_BYTES:
                    request.max_content_length = request.max_form_memory_size = most
                guards[endpoint]()

    # -- guards of Flask's routes ----------------------------------------------------------------

    def public(self) -> None:
        """Let every request pass: a page without secrets."""

    def twilio(self) -> None:
        """Require Twilio's signature. Raises Forbidden or RequestEntityTooLarge."""
        flask.g.form = self.verified_form(request_ctx.request)

    def kannel(self) -> None:
        """Require Kannel's secret. Raises Forbidden."""
        self.verified_query(flask.request)

    def demo(self) -> None:
        """Require DEMO_SECRET, which the simulated phones send. Raises as Kannel's check."""
        # Read at once, so that an oversized body is refused to strangers too.
        flask.request.get_data(parse_form_data=True)
        given = flask.request.headers.get("X-Demo-Secret", "").encode()
        if not _fits(given, (self._settings.demo_secret.encode(),)):
            raise self._wrong_secret(flask.request, "demo secret", "the secret does not match")

    def anonymous(self) -> None:
        """Require SECRET_KEY, and of a form the CSRF token. Raises Forbidden."""
        if not self._settings.secret_key:
            count_refusal("hall without a key")
            raise Forbidden("the hall is closed: SECRET_KEY is not set")
        if flask.request.method == "POST" and not self._has_form_token():
            count_refusal("form")
            raise Forbidden("this form has expired or belongs to another browser")

    def _has_form_token(self) -> bool:
        """Whether a form has the CSRF token of its browser, under this or an earlier key."""
        token = flask.request.form.get("csrf_token", "")
        for key in self._settings.secret_keys:
            with suppress(ValueError):  # ValidationError of WTForms
                validate_csrf(token, secret_key=key, time_limit=form_lifetime())
                return True
        return False

    def customer(self) -> None:
        """Require a session; without one, redirect to the sign-in page."""
        self.anonymous()
        number = session.signed_in_number(self._has_session)
        if number is None:
            flask.abort(flask.redirect(flask.url_for("hall.sign_in"), 303))
        flask.g.customer = number

    # -- checks that Flask and the callback application share --------------------------------------

    def verified_form(self, request: Request, *required: str) -> Mapping[str, str]:
        """The form of a request that Twilio signed for our account.

        Raises Forbidden, RequestEntityTooLarge, or BadRequest for a missing required field.
        """
        body = _body(request)
        pairs = form_pairs(body) if _is_form(request) else []
        if not self._is_signed(request, body, pairs):
            count_refusal("signature")
            # Values may be texts and numbers of customers.
            names = sorted({*_query(request), *dict(pairs)})[:_MOST_LOGGED_FIELDS]
            address = hide_userinfo(self._settings.public_url)
            _log.warning("signature does not match", url=address + request.path, fields=names)
            raise Forbidden("the signature does not match: run `sms-receipt doctor signature`")
        form, account = dict(pairs), self._settings.twilio_account_sid
        if form.get("AccountSid", account) != account:
            count_refusal("account")
            raise Forbidden("unknown account")
        for alias in _ALIASES.keys() & form.keys():
            form.setdefault(_ALIASES[alias], form[alias])
        bind_form_ids(form)
        return _with_fields(form, required)

    def verified_query(self, request: Request) -> Mapping[str, str]:
        """The query of a request that bears Kannel's secret.

        Raises Forbidden, or TooManyRequests after many wrong ones from its address.
        """
        query = _query(request)
        given = query.get("secret", "").encode()
        if not _fits(given, self._kannel_secrets):
            raise self._wrong_secret(request, "secret", "the secret does not match")
        return query

    def verified_feed(self, request: Request) -> bytes:
        """The body of a batch whose signature covers a recent timestamp.

        Raises Forbidden, RequestEntityTooLarge, or TooManyRequests as for a wrong secret.
        """
        request.max_content_length = MAX_FEED_BYTES
        body, timestamp = request.get_data(), request.headers.get("X-Feed-Timestamp", "")
        given = request.headers.get("X-Feed-Signature", "").encode()
        secrets = self._settings.feed_secrets
        if not _fits(given, (_feed_signature(secret, timestamp, body) for secret in secrets)):
            text = "the signature does not match timestamp and body"
            raise self._wrong_secret(request, "feed signature", text)
        is_time = _UNIX_TIME.fullmatch(timestamp)
        if not is_time or abs(time.time() - int(timestamp)) > _FEED_WINDOW_SECONDS:
            count_refusal("feed time")
            raise Forbidden("the timestamp differs from our clock by more than five minutes")
        return body

    def _wrong_secret(self, request: Request, why: str, text: str) -> HTTPException:
        """The refusal of a wrong secret; after many from one address it names the wait."""
        count_refusal(why)
        wait = self._wrong_secrets.wait_seconds(self._addresses.of(request.environ))
        if not wait:
            return Forbidden(text)
        count_refusal(f"{why} again and again")
        return TooManyRequests(text, retry_after=wait)

    def _is_signed(self, request: Request, body: bytes, pairs: list[tuple[str, str]]) -> bool:
        tokens, url = self._settings.twilio_auth_tokens, self._signed_url(request)
        environ = request.environ  # its headers are read at half the cost of request.headers
        signature = environ.get("HTTP_X_TWILIO_SIGNATURE", "")
        algorithm = algorithm_of(environ.get("HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS"))
        is_raw = body and not pairs and not _is_form(request)
        if is_raw and (digest := _query(request).get("bodySHA256")):
            return is_valid_body_signature(tokens, signature, url, body, digest, algorithm)
        return is_valid_signature(tokens, signature, url, pairs, algorithm)

    def _signed_url(self, request: Request) -> str:
        """The URL that was signed: the public address, the query as it was sent."""
        query = request.query_string.decode("utf-8", "replace")
        return checked_url(self._settings.public_url, request.path, query)


def _fits(given: bytes, known: Iterable[bytes]) -> bool:
    """Whether a value is one of the known ones; the time does not tell how near it is."""
    return any(hmac.compare_digest(given, each) for each in known)


def _feed_signature(secret: str, timestamp: str, body: bytes) -> bytes:
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode(), "sha256")
    mac.update(body)
    return f"sha256={mac.hexdigest()}".encode()


def signed_in_customer() -> Msisdn:
    """The customer of the portal session, set by the guard."""
    return Msisdn(flask.g.customer)


def form_fields(*required: str) -> Mapping[str, str]:
    """The verified form of the current request. Raises BadRequest for a missing field."""
    return _with_fields(flask.g.form, required)


def query_fields() -> Mapping[str, str]:
    """The query of the current request."""
    return _query(request_ctx.request)


def _with_fields(form: Mapping[str, str], required: Iterable[str]) -> Mapping[str, str]:
    for name in required:
        if name not in form:
            raise BadRequest(f"missing field: {name}")
    return form


def _body(request: Request) -> bytes:
    """The whole body. Raises RequestEntityTooLarge."""
    length = request.environ.get("CONTENT_LENGTH", "")
    if _LENGTH.fullmatch(length) and int(length) <= MAX_BODY_BYTES:
        # Werkzeug's wrapper around the stream costs more than parsing the form.
        body: bytes = request.environ["wsgi.input"].read(int(length))
        return body
    return request.get_data(cache=False)


def _is_form(request: Request) -> bool:
    content_type: str = request.environ.get("CONTENT_TYPE", "")
    return content_type.partition(";")[0].strip().lower() == _FORM


def _query(request: Request) -> dict[str, str]:
    """The query's parameters, of a repeated one the first; not UTF-8 becomes U+FFFD."""
    return dict(reversed(form_pairs(request.query_string)))


def form_pairs(body: bytes) -> list[tuple[str, str]]:
    """The fields as ``parse_qsl`` reads them, which takes three times as long.

    Raises RequestEntityTooLarge.
    """
    if body.count(b"&") >= _MAX_FIELDS:
        raise RequestEntityTooLarge("too many fields")
    pairs = []
    for part in body.decode("utf-8", "replace").split("&"):
        if part:
            name, _, value = part.partition("=")
            if "%" in part or "+" in part:
                if value.startswith("%2B") and value[3:].isdigit() and name.isalnum():
                    value = "+" + value[3:]  # a telephone number, in two to four fields of a form
                else:
                    name, value = unquote_plus(name), unquote_plus(value)
            pairs.append((name, value))
    return pairs
