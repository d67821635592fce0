"""The network's web side: the providers' doors, the handsets' API and the page."""

from flask import Flask, Response, jsonify, render_template
from werkzeug.exceptions import HTTPException

from simulator.calls import Busy, NotInCall
from simulator.handset_api import handset_api
from simulator.kannel_api import kannel_api
from simulator.network import Network
from simulator.phones import NoSuchPhone, PhoneIsOff
from simulator.twilio_api import twilio_api

_LARGEST_BODY = 256 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(network: Network) -> Flask:
    """Return the application that shows this network."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_BODY
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.register_blueprint(
        twilio_api(network.settings, network.messages, network.delivery, network.faults)
    )
    app.register_blueprint(kannel_api(network.settings, network.delivery, network.faults))
    app.register_blueprint(handset_api(network))
    _page(app, network)
    _refusals(app)
    return app


def _page(app: Flask, network: Network) -> None:
    @app.get("/")
    def page() -> str:
        return render_template("page.html", fates=network.fates.table, settings=network.settings)

    @app.get("/healthz")
    def health() -> Response:
        return jsonify(ok=True, last=network.events.last())

    @app.after_request
    def close_to_others(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _refusals(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def unclear(fault: HTTPException) -> tuple[Response, int]:
        return jsonify(error=fault.description or fault.name), fault.code or 400

    @app.errorhandler(NoSuchPhone)
    def no_phone(fault: NoSuchPhone) -> tuple[Response, int]:
        return jsonify(error=str(fault)), 404

    def not_now(fault: Exception) -> tuple[Response, int]:
        return jsonify(error=str(fault)), 409

    for kind in (PhoneIsOff, Busy, NotInCall):
        app.register_error_handler(kind, not_now)
