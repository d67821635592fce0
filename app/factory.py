"""Application factory: Flask for calls, texts and pages, and the callbacks beside it."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Blueprint, Flask, jsonify, redirect, request
from flask.wrappers import Request, Response
from werkzeug.routing import MapAdapter
from werkzeug.wrappers import Response as BaseResponse

from app import bootstrap, health
from app.demo.routes import demo_blueprint
from app.metrics import counters
from app.pages.sessions import PORTAL, area_of, configure_sessions
from app.pages.staff_pages import register_staff_pages
from app.protection.client_address import ClientAddresses
from app.request_auth import RequestGuards, form_fields, query_fields, signed_in_customer
from app.request_log import RequestLog
from app.settings import Settings
from callbacks.app import MAX_BODY_BYTES, CallbackApp, error_response, refuse_head
from callbacks.feed import feed_routes
from callbacks.kannel import kannel_routes
from callbacks.twilio import twilio_routes
from ivr.webhooks import VoiceWebhooks, voice_blueprint
from keywords.kannel_webhook import kannel_blueprint
from keywords.twilio_webhook import InboundSmsHandler, sms_blueprint
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.status_updates import StatusUpdates
from receipts.providers import kannel, twilio_status
from receipts.providers.smsc_status import SmscStatusTable
from web.portal.rendering import PortalServices, error_page
from web.portal.routes import portal_blueprint
from web.security_headers import add_security_headers

#: Endpoints by the guard of their requests.
_GUARDED = {
    "twilio": ("ivr.voice", "ivr.voice_key", "ivr.voice_ended", "keywords.sms"),
    "kannel": ("kannel.kannel_sms",),
    "anonymous": (
        *("hall.static", "hall.look", "hall.sign_in", "hall.send_code", "hall.code", "hall.enter"),
        *("hall.language", "hall.help", "hall.nowhere"),
        *("hall.password_sign_in", "hall.password_enter"),
    ),
    "customer": (
        *("hall.standing", "hall.wish", "hall.offer", "hall.confirm", "hall.cancel"),
        *(
            "hall.receipts",
            "hall.search",
            "hall.no_receipts",
            "hall.charges",
            "hall.history",
            "hall.services",
        ),
        *("hall.password", "hall.set_password", "hall.sign_out"),
    ),
    "public": ("pulse.healthz", "pulse.readyz", "front"),
    # Registered where DEMO_SECRET is set.
    "demo": ("demo.customers", "demo.move_clock"),
}


#: A browser that has seen the portal over https uses no other scheme for so long.
_HSTS_SECONDS = 31_536_000


def create_app(settings: Settings, container: bootstrap.Container) -> Flask:
    """The web application. Raises SettingsError."""
    settings.need_doors()
    app = _WebApp("app", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    # A provider does not follow a redirect from //sms to /sms: the text would be lost.
    app.url_map.merge_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    addresses = ClientAddresses(settings.trusted_proxies)
    address = partial(_client_address, addresses)
    portal = container.portal(signed_in_customer, address, counters.count_code)
    sending = container.lifecycle
    guards = RequestGuards(settings, portal.passcodes.has_session)
    _register_webhooks(app, container, sending)
    _register_portal(app, portal, settings)
    _register_front_page(app, settings.front_page)
    if settings.demo_secret:
        app.register_blueprint(demo_blueprint(container))
    sites, staff_guards = register_staff_pages(app, container, address, guards.anonymous)
    guards.install(app, _GUARDED, staff_guards)
    _handle_errors(
        app,
        {PORTAL: partial(error_page, portal)}
        | {area: site.error_page for area, site in sites.items()},
    )
    callbacks = callback_app(container, sending, guards)
    both = counters.instrument(_beside(callbacks, app.wsgi_app))
    logged = RequestLog(both, addresses)
    app.wsgi_app = _below(_path_prefix(settings), logged)  # type: ignore[assignment,method-assign]
    return app


class _WebApp(Flask):
    """Flask without the work of each request that no view here needs."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func  # no view is a coroutine

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        # No URL depends on the host: redirects are relative, webhook URLs are built on PUBLIC_URL.
        if request is None:
            return None
        script_name = request.root_path or "/"
        return _RelativeRedirects(
            self.url_map, "localhost", script_name, "", "http", request.path, request.method
        )


class _RelativeRedirects(MapAdapter):
    """Redirects to the address with its last slash, on the host that was called."""

    def make_redirect_url(
        self,
        path_info: str,
        query_args: Mapping[str, Any] | str | None = None,
        domain_part: str | None = None,
    ) -> str:
        url = urlsplit(super().make_redirect_url(path_info, query_args, domain_part))
        return url._replace(scheme="", netloc="").geturl()


def callback_app(
    container: bootstrap.Container, sending: ReceiptLifecycle, guards: RequestGuards
) -> CallbackApp:
    """The routes of delivery reports."""
    reports, clock = container.report_service, container.clock
    updates = StatusUpdates(container.store, sending)
    status_words = (twilio_status.message_status, twilio_status.provider_status)
    rules = container.book.reports
    read_status = SmscStatusTable(rules.families, rules.causes).read
    parse_report = partial(kannel.parse_report, read_status=read_status)
    return CallbackApp((
        *twilio_routes(updates, reports, clock, *status_words, guards.verified_form),
        *kannel_routes(updates, parse_report, guards.verified_query),
        *feed_routes(reports, clock, read_status, guards.verified_feed),
    ))  # fmt: skip


def _beside(callbacks: CallbackApp, web: WSGIApplication) -> WSGIApplication:
    """Both applications as one; the path alone decides which of them gets a request."""
    prefixes = callbacks.prefixes

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Werkzeug and Flask read several slashes at the start as one.
        path = "/" + environ["PATH_INFO"].lstrip("/")
        if path.startswith(prefixes):
            return callbacks(environ, start_response)
        chunks = web(environ, start_response)
        # Whole, so that a file is closed here, also where the caller reads none of it.
        try:
            return list(chunks)
        finally:
            if close := getattr(chunks, "close", None):
                close()

    return dispatch


def _path_prefix(settings: Settings) -> str:
    """The path of PUBLIC_URL: links, redirects and cookies begin with it."""
    return urlsplit(settings.public_url).path


def _below(prefix: str, app: WSGIApplication) -> WSGIApplication:
    """The application below a path, which a proxy may leave in place or take off."""

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["SCRIPT_NAME"] = prefix
        path = environ["PATH_INFO"]
        if path == prefix or path.startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path.removeprefix(prefix)
        return app(environ, start_response)

    return dispatch if prefix else app


def _register_webhooks(
    app: Flask, container: bootstrap.Container, sending: ReceiptLifecycle
) -> None:
    refresh_network, replies = container.refresh_network, container.reply_renderer
    calls = VoiceWebhooks(container.call_flow, sending, refresh_network)
    texts = InboundSmsHandler(
        container.store, container.conversation, container.friend_relay, replies,
        refresh_network, counters.count_silence,
    )  # fmt: skip
    app.register_blueprint(voice_blueprint(calls, form_fields, query_fields))
    app.register_blueprint(sms_blueprint(texts, form_fields))
    app.register_blueprint(kannel_blueprint(texts))
    refuse_head(rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("kannel."))
    app.register_blueprint(health.health_blueprint(container.store))


def _register_portal(app: Flask, portal: PortalServices, settings: Settings) -> None:
    configure_sessions(app, settings)
    # The phones of a trial; a real service has none to go back to.
    app.config["PHONES_PAGE"] = settings.front_page if settings.movable_clock else ""
    app.register_blueprint(portal_blueprint(portal))
    app.register_blueprint(Blueprint("staff", "web.staff", template_folder="templates"))
    app.after_request(_secure_page)
    if app.config["SESSION_COOKIE_SECURE"]:
        app.after_request(_require_https)


def _secure_page(response: Response) -> Response:
    """The response; redirects and errors below an area bear the headers of its pages too."""
    return add_security_headers(response) if area_of(request.path) else response


def _require_https(response: Response) -> Response:
    """The response with the order to use https alone for a year (HSTS)."""
    response.headers["Strict-Transport-Security"] = f"max-age={_HSTS_SECONDS}"
    return response


def _register_front_page(app: Flask, front_page: str) -> None:
    @app.get("/")
    def front() -> BaseResponse:
        if front_page:
            return redirect(front_page)
        return jsonify(service="SMS Receipt 短信回执", see=["/healthz", "/readyz"])


def _handle_errors(app: Flask, pages: Mapping[str, Callable[[BaseResponse], Response]]) -> None:
    """Errors of an area become its pages, all others JSON."""

    @app.errorhandler(Exception)
    def failed(error: Exception) -> BaseResponse:
        response = error_response(error)
        page = pages.get(area_of(request.path))
        return page(response) if page else response


def _client_address(addresses: ClientAddresses) -> str:
    return addresses.of(request.environ)
