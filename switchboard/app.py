"""The doors as one Flask app: mounted, guarded, with answers for everything that goes wrong."""

import structlog
from flask import Flask, Response, jsonify, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from hall.customer import hall_doors
from hall.pages import Hall, trouble
from ivr.webhooks import CALL_NEEDS, Calls
from ivr.webhooks import blueprint as ivr_doors
from keywords.feed import feed_door
from keywords.kannel import kannel_doors
from keywords.webhooks import (
    RECEIPT_NEEDS,
    STATUS_NEEDS,
    TEXT_NEEDS,
    Texts,
    TwilioNews,
    text_door,
    twilio_status_doors,
)
from receipts.codes import VISIT_LASTS
from receipts.ports import StoreUnavailable
from receipts.providers import kannel, smsc_status, twilio_status
from switchboard import pulse, standing, wiring
from switchboard.express import Express, Stop
from switchboard.gate import Gate, caller, fields, form_pairs, refuse
from switchboard.settings import Settings

_log = structlog.get_logger()

#: A webhook is far smaller; Twilio itself takes no more than 64 kB from us.
_LARGEST = 64 * 1024

_TWILIO = (
    "ivr.voice",
    "ivr.voice_key",
    "ivr.voice_ended",
    "keywords.sms",
    "twilio_status.message_status",
    "twilio_status.receipt_status",
)
_KANNEL = ("kannel.kannel_sms", "kannel.kannel_report")
_FEED = ("feed.feed_reports",)
_VISITOR = (
    "hall.static",
    "hall.sign_in",
    "hall.send_code",
    "hall.code",
    "hall.enter",
    "hall.language",
    "hall.nowhere",
)
_CUSTOMER = (
    "hall.standing",
    "hall.wish",
    "hall.offer",
    "hall.confirm",
    "hall.cancel",
    "hall.receipts",
    "hall.charges",
    "hall.services",
    "hall.sign_out",
)
_ANYONE = ("pulse.healthz", "pulse.readyz", "pulse.metrics", "front")


def create_app(settings: Settings, built: wiring.Services | None = None) -> Flask:
    """All doors, wired. Raises SettingsWrong, StoreUnavailable or RuleBookWrong."""
    settings.need_doors()
    built = built or wiring.services(settings)
    app = Flask("switchboard", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST
    # Else //sms would be sent on to /sms, and a provider that follows drops what it had to say.
    app.url_map.merge_slashes = False
    pulse.count(app)
    stops = _mount(app, built)
    hall = wiring.hall(built, caller)
    _mount_hall(app, hall, settings)
    _front(app, settings.front_page)
    gate = Gate(settings, hall.codes.visits)
    guards = gate.table(
        twilio=_TWILIO,
        kannel=_KANNEL,
        feed=_FEED,
        visitor=_VISITOR,
        customer=_CUSTOMER,
        anyone=_ANYONE,
    )
    gate.stand_before(app, guards)
    _answer_errors(app, hall)
    app.wsgi_app = Express(app.wsgi_app, gate, stops)  # type: ignore[assignment,method-assign]
    return app


def _mount_hall(app: Flask, hall: Hall, settings: Settings) -> None:
    app.secret_key = settings.secret_key or None
    app.config.update(
        SESSION_COOKIE_NAME="hall",
        SESSION_COOKIE_PATH="/hall",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https:"),
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=VISIT_LASTS,
    )
    app.register_blueprint(hall_doors(hall))


def _mount(app: Flask, built: wiring.Services) -> dict[str, Stop]:
    """All doors; those that are busy once more, for the short way to them."""
    sending, learn = wiring.delivery(built), wiring.learning(built)
    replies, reports = wiring.replies(built), wiring.reports(built)
    conversation = wiring.conversation(built, replies)
    calls = Calls(wiring.hotline(built), learn)
    texts = Texts(built.store, conversation, replies, learn)
    news = TwilioNews(
        built.store, reports, sending, built.clock, twilio_status.fate_of, twilio_status.told_of
    )
    app.register_blueprint(ivr_doors(calls, sending, fields, refuse))
    app.register_blueprint(text_door(texts, fields))
    app.register_blueprint(twilio_status_doors(news, fields))
    app.register_blueprint(
        kannel_doors(built.store, conversation, replies, sending, kannel.heard, learn)
    )
    app.register_blueprint(feed_door(reports, built.clock, smsc_status.fate_of))
    sent_by = sending.routes.names
    app.register_blueprint(
        pulse.doors(
            built.store,
            built.memory.archive.counts,
            lambda: standing.look(built.memory, sent_by, built.clock),
        )
    )
    return {
        "/sms": Stop("keywords.sms", TEXT_NEEDS, lambda asked, _: texts.take(asked)),
        "/voice": Stop("ivr.voice", CALL_NEEDS, lambda asked, _: calls.answered(asked)),
        "/voice/key": Stop(
            "ivr.voice_key", CALL_NEEDS, lambda asked, query: calls.pressed(asked, _read(query))
        ),
        "/messages/status": Stop(
            "twilio_status.message_status", STATUS_NEEDS, lambda asked, _: news.of_text(asked)
        ),
        "/receipts/*/status": Stop("twilio_status.receipt_status", RECEIPT_NEEDS, news.of_receipt),
    }


def _read(query: str) -> dict[str, str]:
    """A query as the framework reads it: of a name that comes twice, the first."""
    return dict(reversed(form_pairs(query.encode()) or ()))


def _front(app: Flask, front_page: str) -> None:
    @app.get("/")
    def front() -> AnyResponse:
        if front_page:
            return redirect(front_page)
        return jsonify(service="SMS Receipt 短信回执", see=["/healthz", "/readyz", "/metrics"])


def _answer_errors(app: Flask, hall: Hall) -> None:
    """JSON for every error: a text/plain answer at a Twilio door would be sent to the customer.

    Whoever is in the hall has a browser, and is shown a page.
    """

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 400
        answer = trouble(hall, status) if _in_hall() else jsonify(error=error.description)
        answer.status_code = status
        for name, value in error.get_headers():
            if name == "Allow":
                answer.headers[name] = value
        return answer

    @app.errorhandler(StoreUnavailable)
    def store_out_of_reach(error: StoreUnavailable) -> Response:
        _log.warning("store out of reach", why=str(error))
        return _later("the store is out of reach; nothing was changed")

    @app.errorhandler(Exception)
    def broken(_: Exception) -> Response:
        _log.exception("a door failed")
        if _in_hall():
            return trouble(hall, 503)
        return _later("something went wrong here; nothing was changed")


def _in_hall() -> bool:
    return request.path == "/hall" or request.path.startswith("/hall/")


def _later(why: str) -> Response:
    answer = jsonify(error=why)
    answer.status_code = 503
    answer.headers["Retry-After"] = "5"
    return answer
