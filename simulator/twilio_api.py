"""The first provider's message API as its own SDK speaks it: create, list, fetch."""

import hmac
from collections.abc import Callable, Iterator
from functools import wraps
from itertools import islice
from time import time
from urllib.parse import urlencode
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from simulator.delivery import Delivery
from simulator.faults import Fault, Faults
from simulator.gsm import segments
from simulator.messages import Message, Messages
from simulator.settings import Settings
from simulator.trouble import meet
from simulator.twilio_rules import Refusal, refusal
from simulator.twilio_shape import message_body, moment_filter

_PAGE = 50
_LARGEST_PAGE = 1000
_BUSY = {
    "http_500": Refusal(20500, "Internal server error.", 500),
    "http_503": Refusal(20503, "Service unavailable.", 503),
    "http_429": Refusal(20429, "Too many requests.", 429),
}


def refused(found: Refusal) -> Response:
    """Return a refusal in the provider's JSON shape."""
    answer = jsonify(
        code=found.code,
        message=found.message,
        more_info=f"https://www.twilio.com/docs/errors/{found.code}",
        status=found.status,
    )
    answer.status_code = found.status
    return answer


def twilio_api(
    settings: Settings, messages: Messages, delivery: Delivery, faults: Faults
) -> Blueprint:
    """Return the doors under /2010-04-01."""
    api = Blueprint("twilio", __name__, url_prefix="/2010-04-01/Accounts/<account>")

    def guarded(view: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(view)
        def guard(account: str, **given: str) -> Response:
            if not _knows(settings):
                return refused(Refusal(20003, "Authenticate", 401))
            if account != settings.account_sid:
                return refused(_missing(request.path))
            return view(**given)

        return guard

    @api.post("/Messages.json")
    @guarded
    def create() -> Response:
        fault = faults.strike("twilio")
        return meet(fault, lambda: _create(settings, delivery), _busy)

    @api.get("/Messages.json")
    @guarded
    def listing() -> Response:
        fault = faults.strike("twilio", reading=True)
        return meet(fault, lambda: _listing(settings, messages), _busy)

    @api.get("/Messages/<sid>.json")
    @guarded
    def fetch(sid: str) -> Response:
        fault = faults.strike("twilio", reading=True)
        return meet(fault, lambda: _fetch(settings, messages, sid), _busy)

    return api


def _knows(settings: Settings) -> bool:
    given = request.authorization
    if given is None or given.type != "basic":
        return False
    pairs = [(settings.account_sid, token) for token in settings.auth_tokens]
    if settings.api_key and settings.api_secret:
        pairs.append((settings.api_key, settings.api_secret))
    offered = f"{given.username}:{given.password}".encode()
    return any(hmac.compare_digest(f"{user}:{word}".encode(), offered) for user, word in pairs)


def _create(settings: Settings, delivery: Delivery) -> Response:
    form = request.form
    found = refusal(form, settings)
    if found:
        return refused(found)
    moment = time()
    message = Message(
        sid=f"SM{uuid4().hex}",
        api="twilio",
        to=form["To"].strip(),
        sender=form.get("From", "").strip(),
        body=form.get("Body", ""),
        created=moment,
        updated=moment,
        status="queued" if form.get("From") else "accepted",
        segments=segments(form.get("Body", "")),
        service=form.get("MessagingServiceSid", "").strip(),
        callback=form.get("StatusCallback", ""),
    )
    answer = jsonify(message_body(message, settings.account_sid))
    delivery.accept(message)
    answer.status_code = 201
    return answer


def _fetch(settings: Settings, messages: Messages, sid: str) -> Response:
    message = messages.find(sid)
    if message is None or message.api != "twilio":
        return refused(_missing(request.path))
    return jsonify(message_body(message, settings.account_sid))


def _listing(settings: Settings, messages: Messages) -> Response:
    try:
        size = min(max(int(request.args.get("PageSize", _PAGE)), 1), _LARGEST_PAGE)
        page = max(int(request.args.get("Page", 0)), 0)
        chosen = _chosen(messages)
        shown = list(islice(chosen, page * size, (page + 1) * size))
        more = next(chosen, None) is not None
    except ValueError as fault:
        return refused(Refusal(20001, f"A filter cannot be read: {fault}"))

    def uri(number: int) -> str:
        kept = {k: v for k, v in request.args.items() if k not in {"Page", "PageSize", "PageToken"}}
        return f"{request.path}?{urlencode({**kept, 'PageSize': size, 'Page': number})}"

    return jsonify(
        first_page_uri=uri(0),
        uri=uri(page),
        next_page_uri=uri(page + 1) if more else None,
        previous_page_uri=uri(page - 1) if page else None,
        page=page,
        page_size=size,
        start=page * size,
        end=page * size + max(len(shown) - 1, 0),
        messages=[message_body(m, settings.account_sid) for m in shown],
    )


def _chosen(messages: Messages) -> Iterator[Message]:
    to, sender = request.args.get("To"), request.args.get("From")
    in_time = moment_filter(request.args)
    return (
        m
        for m in messages.newest_first("twilio")
        if (not to or m.to == to) and (not sender or m.sender == sender) and in_time(m)
    )


def _missing(path: str) -> Refusal:
    return Refusal(20404, f"The requested resource {path} was not found", 404)


def _busy(fault: Fault) -> Response:
    return refused(_BUSY[fault.kind])
