"""Areas of pages, each with a cookie of its own: portal, counter and console."""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request
from flask.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)
from flask.wrappers import Request

from app.settings import WHOLE_NUMBERS, Settings
from receipts.model.staff import StaffArea
from web.encrypted_cookie import EncryptedSerializer
from web.forms import keys_of
from web.portal.passcodes import SESSION_LIFETIME as PORTAL_LIFETIME

PORTAL = "hall"

#: The longest time between a page and its form, by area; sessions in the store end earlier.
_LIFETIMES: dict[str, dt.timedelta] = {PORTAL: PORTAL_LIFETIME} | dict.fromkeys(
    StaffArea, dt.timedelta(hours=WHOLE_NUMBERS["STAFF_SESSION_HOURS"])
)


def area_of(path: str) -> str:
    """The area of a path, empty for a path that is no page."""
    first = path.removeprefix("/").partition("/")[0]
    return first if first in _LIFETIMES else ""


def form_lifetime() -> int:
    """Seconds in which a form of this request's area may be sent."""
    lifetime = _LIFETIMES.get(area_of(request.path), PORTAL_LIFETIME)
    return int(lifetime.total_seconds())


class AreaSessions(SecureCookieSessionInterface):
    """Sessions in an encrypted cookie an area, opened for pages only."""

    _no_session = NullSession()

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of the area; none for webhooks."""
        return super().open_session(app, request) if area_of(request.path) else self._no_session

    def get_cookie_name(self, app: Flask) -> str:
        """The name of the area's cookie."""
        return area_of(request.path) or super().get_cookie_name(app)

    def get_cookie_path(self, app: Flask) -> str:
        """The path of the area."""
        return f"{app.config['SESSION_COOKIE_PATH']}/{area_of(request.path)}"

    def get_expiration_time(
        self,
        app: Flask,  # noqa: ARG002 - as in Flask
        session: SessionMixin,  # noqa: ARG002 - all sessions end
    ) -> dt.datetime | None:
        """The end of the cookie."""
        return dt.datetime.now(dt.UTC) + _LIFETIMES[area_of(request.path)]

    def get_signing_serializer(self, app: Flask) -> Any:  # noqa: ANN401 - Flask's own is untyped
        """The serializer of the area's cookie, None without a key."""
        if not app.secret_key:
            return None
        area = area_of(request.path)
        # The portal's cookies keep the purpose that they always had.
        purpose = "cookie" if area in {"", PORTAL} else f"cookie {area}"
        lifetime = _LIFETIMES.get(area, PORTAL_LIFETIME)
        return EncryptedSerializer(keys_of(app), purpose, int(lifetime.total_seconds()))


def configure_sessions(app: Flask, settings: Settings) -> None:
    """Encrypted cookies and CSRF tokens of all areas."""
    app.secret_key = settings.secret_keys[0] if settings.secret_keys else None
    app.session_interface = AreaSessions()
    app.config.update(
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        SESSION_COOKIE_PATH=urlsplit(settings.public_url).path,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=urlsplit(settings.public_url).scheme == "https",
        SESSION_REFRESH_EACH_REQUEST=False,
        # The guards run the check; webhooks are signed instead.
        WTF_CSRF_CHECK_DEFAULT=False,
        # A browser may be set to send no Referer; the token alone identifies the session.
        WTF_CSRF_SSL_STRICT=False,
    )
