"""The doors as one Flask app: mounted, guarded, with answers for everything that goes wrong."""

import structlog
from flask import Flask, Response, jsonify, redirect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

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
from receipts.ports import StoreUnavailable
from receipts.providers import kannel, message_centre, twilio
from switchboard import pulse, wiring
from switchboard.express import Express, Stop
from switchboard.gate import Gate, fields, form_pairs, refuse
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
    _front(app, settings.front_page)
    gate = Gate(settings)
    gate.stand_before(app, gate.table(twilio=_TWILIO, kannel=_KANNEL, feed=_FEED, anyone=_ANYONE))
    _answer_errors(app)
    app.wsgi_app = Express(app.wsgi_app, gate, stops)  # type: ignore[assignment,method-assign]
    return app


def _mount(app: Flask, built: wiring.Services) -> dict[str, Stop]:
    """All doors; those that are busy once more, for the short way to them."""
    sending, learn = wiring.delivery(built), wiring.learning(built)
    conversation, replies, reports = (
        wiring.conversation(built),
        wiring.replies(built),
        wiring.reports(built),
    )
    calls = Calls(wiring.hotline(built), learn)
    texts = Texts(built.store, conversation, replies, learn)
    news = TwilioNews(built.store, reports, sending, built.clock, twilio.fate_of, twilio.told_of)
    app.register_blueprint(ivr_doors(calls, sending, fields, refuse))
    app.register_blueprint(text_door(texts, fields))
    app.register_blueprint(twilio_status_doors(news, fields))
    app.register_blueprint(
        kannel_doors(built.store, conversation, replies, sending, kannel.heard, learn)
    )
    app.register_blueprint(feed_door(reports, built.clock, message_centre.fate_of))
    app.register_blueprint(pulse.doors(built.store, built.memory.archive.counts))
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


def _answer_errors(app: Flask) -> None:
    """JSON for every error: a text/plain answer at a Twilio door would be sent to the customer."""

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        answer = jsonify(error=error.description)
        answer.status_code = error.code or 400
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
        return _later("something went wrong here; nothing was changed")


def _later(why: str) -> Response:
    answer = jsonify(error=why)
    answer.status_code = 503
    answer.headers["Retry-After"] = "5"
    return answer
