"""Twilio's message API as its SDK calls it: create, list, fetch."""

from collections.abc import Iterator
from itertools import islice
from time import time
from typing import NoReturn
from urllib.parse import urlencode
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request

from simulator.account.state import Account
from simulator.fault_injection import FaultInjector, FaultKind
from simulator.network.delivery import Delivery
from simulator.network.gsm import segments
from simulator.network.messages import Message, MessageLog
from simulator.network.numbering import canonical
from simulator.network.scenarios import StatusReport
from simulator.settings import SimulatorSettings
from simulator.twilio.access import TwilioApiError, guard, not_found
from simulator.twilio.message_json import date_sent_filter, message_json
from simulator.twilio.request_checks import check_message, delivery_failure
from simulator.twilio.status_callback import status_fields
from simulator.webhooks.callbacks import CallbackSender

_DEFAULT_PAGE_SIZE = 50
_MAX_PAGE_SIZE = 1000
_FAULTS = {
    "http_500": (20500, "Internal server error.", 500),
    "http_503": (20503, "Service unavailable.", 503),
    "http_429": (20429, "Too many requests.", 429),
}


def twilio_api(
    settings: SimulatorSettings,
    account: Account,
    delivery: Delivery,
    callbacks: CallbackSender,
    faults: FaultInjector,
) -> Blueprint:
    """Return the routes of messages under /2010-04-01."""
    api = Blueprint("twilio", __name__, url_prefix="/2010-04-01/Accounts/<account>")

    guard(api, settings, account)

    @api.before_request
    def check_account() -> None:
        # Views do not take the account.
        if (request.view_args or {}).pop("account", "") != settings.account_sid:
            raise not_found()

    @api.post("/Messages.json")
    def create() -> Response:
        return faults.answer(
            "twilio", lambda: _create(settings, account, delivery, callbacks), _fail
        )

    @api.get("/Messages.json")
    def listing() -> Response:
        return faults.answer("twilio", lambda: _page(settings, delivery), _fail, reading=True)

    @api.get("/Messages/<sid>.json")
    def fetch(sid: str) -> Response:
        return faults.answer("twilio", lambda: _fetch(settings, delivery, sid), _fail, reading=True)

    return api


def _create(
    settings: SimulatorSettings, account: Account, delivery: Delivery, callbacks: CallbackSender
) -> Response:
    form = request.form
    chosen = check_message(form, account)
    created = time()
    message = Message(
        sid=f"SM{uuid4().hex}",
        api="twilio",
        to=form["To"].strip(),
        sender=form.get("From", "").strip(),
        body=form.get("Body", ""),
        created=created,
        updated=created,
        status="queued" if form.get("From") else "accepted",
        segments=segments(form.get("Body", "")),
        service=form.get("MessagingServiceSid", "").strip(),
        callback=form.get("StatusCallback", ""),
    )
    response = jsonify(message_json(message, settings.account_sid))
    response.status_code = 201

    def notify(message: Message, report: StatusReport, phone: str) -> None:
        sender, recipient = message.sender or chosen, canonical(message.to)
        fields = status_fields(settings.account_sid, sender, recipient, message.sid, report)
        if message.service:
            fields["MessagingServiceSid"] = message.service
        callbacks.post(message.callback, fields, phone)

    delivery.accept(message, notify, delivery_failure(account, chosen, message.to))
    return response


def _fetch(settings: SimulatorSettings, delivery: Delivery, sid: str) -> Response:
    message = delivery.messages.find(sid)
    if message is None or message.api != "twilio":
        raise not_found()
    return jsonify(message_json(message, settings.account_sid))


def _page(settings: SimulatorSettings, delivery: Delivery) -> Response:
    try:
        size = min(max(int(request.args.get("PageSize", _DEFAULT_PAGE_SIZE)), 1), _MAX_PAGE_SIZE)
        page = max(int(request.args.get("Page", 0)), 0)
        matching = _matching(delivery.messages)
    except ValueError as error:
        raise TwilioApiError(20001, f"A filter cannot be read: {error}") from error
    shown = list(islice(matching, page * size, (page + 1) * size))
    has_more = next(matching, None) is not None

    paging = {"Page", "PageSize", "PageToken"}
    filters = {name: value for name, value in request.args.items() if name not in paging}

    def uri(number: int) -> str:
        return f"{request.path}?{urlencode({**filters, 'PageSize': size, 'Page': number})}"

    return jsonify(
        first_page_uri=uri(0),
        uri=uri(page),
        next_page_uri=uri(page + 1) if has_more else None,
        previous_page_uri=uri(page - 1) if page else None,
        page=page,
        page_size=size,
        start=page * size,
        end=page * size + max(len(shown) - 1, 0),
        messages=[message_json(m, settings.account_sid) for m in shown],
    )


def _matching(messages: MessageLog) -> Iterator[Message]:
    to, sender = request.args.get("To"), request.args.get("From")
    in_dates = date_sent_filter(request.args)
    return (
        m
        for m in messages.newest_first("twilio")
        if (not to or m.to == to) and (not sender or m.sender == sender) and in_dates(m)
    )


def _fail(kind: FaultKind) -> NoReturn:
    raise TwilioApiError(*_FAULTS[kind])
