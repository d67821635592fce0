"""Flask application of the network: provider APIs, handset API and the phone page."""

import tomllib
from pathlib import Path

from flask import Flask, Response, jsonify, render_template
from werkzeug.exceptions import HTTPException

from simulator.bootstrap import Simulator
from simulator.errors import HandsetError
from simulator.handsets.api import handset_api
from simulator.kannel.api import kannel_api
from simulator.twilio.account_api import account_api
from simulator.twilio.api import twilio_api
from simulator.twilio.registration_api import registration_api

_MAX_REQUEST_BYTES = 256 * 1024
#: The page's sentences, each in both languages.
_WORDS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf-8"))
#: What a visitor reads in Chinese of a refusal that only a program can cause.
_REFUSED_ZH = "操作未成功（{code}）。"
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(simulator: Simulator) -> Flask:
    """Return the application of a network."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_REQUEST_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    settings, delivery = simulator.settings, simulator.delivery
    callbacks, faults = simulator.callbacks, simulator.faults
    account = simulator.account
    app.register_blueprint(account_api(settings, account))
    app.register_blueprint(registration_api(settings, account))
    app.register_blueprint(twilio_api(settings, account, delivery, callbacks, faults))
    app.register_blueprint(kannel_api(settings, delivery, callbacks, faults))
    app.register_blueprint(handset_api(simulator))
    _add_page(app, simulator)
    _add_error_handlers(app)
    return app


def _add_page(app: Flask, simulator: Simulator) -> None:
    @app.get("/")
    def page() -> str:
        return render_template(
            "page.html", scenarios=simulator.scenarios.table, settings=simulator.settings
        )

    @app.get("/words")
    def words() -> Response:
        return jsonify(_WORDS)

    @app.get("/healthz")
    def health() -> Response:
        return jsonify(ok=True, last=simulator.events.last())

    @app.after_request
    def add_security_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _add_error_handlers(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Response, int]:
        code = error.code or 400
        return jsonify(
            error=error.description or error.name, error_zh=_REFUSED_ZH.format(code=code)
        ), code

    @app.errorhandler(HandsetError)
    def handset_error(error: HandsetError) -> tuple[Response, int]:
        return jsonify(error=str(error), error_zh=error.zh), error.status
