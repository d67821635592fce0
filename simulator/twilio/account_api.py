"""Twilio's API of an account: itself, its balance, numbers, callers and applications."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator.account.state import NUMBER_FIELDS, Account, Number
from simulator.settings import SimulatorSettings
from simulator.twilio import account_json as shapes
from simulator.twilio.access import guard, not_found


def account_api(settings: SimulatorSettings, account: Account) -> Blueprint:
    """Return the routes under /2010-04-01 that are not about messages."""
    api = Blueprint("twilio_account", __name__, url_prefix="/2010-04-01/Accounts")
    sid = settings.account_sid
    guard(api, settings, account)

    @api.get("/<fetched>.json")
    def fetch(fetched: str) -> Response:
        if fetched != sid:
            raise not_found()
        return jsonify(shapes.account_json(account, sid))

    @api.get(f"/{sid}/Balance.json")
    def balance() -> Response:
        if account.state.owner:
            raise not_found()
        return jsonify(account_sid=sid, balance=account.state.balance, currency="USD")

    @api.get(f"/{sid}/OutgoingCallerIds.json")
    def callers() -> Response:
        found = (shapes.caller_json(each, sid) for each in account.state.verified_callers)
        return _page("outgoing_caller_ids", found)

    @api.get(f"/{sid}/Applications/<application>.json")
    def application(application: str) -> Response:
        record = account.state.applications.get(application)
        if record is None:
            raise not_found()
        return jsonify(shapes.application_json(application, record, sid))

    _add_numbers(api, sid, account)
    return api


def _add_numbers(api: Blueprint, account_sid: str, account: Account) -> None:
    kinds = {
        "IncomingPhoneNumbers": ("incoming_phone_numbers", "PhoneNumber", True),
        "SMS/ShortCodes": ("short_codes", "ShortCode", False),
    }
    for path, (key, name, is_long) in kinds.items():

        def listing(key: str = key, name: str = name, *, is_long: bool = is_long) -> Response:
            asked = request.args.get(name, "")
            found = (
                shapes.number_json(number, record, account_sid)
                for number, record in account.state.numbers.items()
                if number.startswith("+") == is_long and asked in number
            )
            return _page(key, found)

        api.get(f"/{account_sid}/{path}.json", endpoint=key)(listing)
        item = f"/{account_sid}/{path}/<sid>.json"

        @api.get(item, endpoint=f"{key}_fetch")
        def fetch(sid: str) -> Response:
            return jsonify(shapes.number_json(*_number(account, sid), account_sid))

        @api.post(item, endpoint=f"{key}_update")
        def update(sid: str) -> Response:
            number, record = _number(account, sid)
            set_fields(record, NUMBER_FIELDS)
            return jsonify(shapes.number_json(number, record, account_sid))


def _number(account: Account, sid: str) -> tuple[str, Number]:
    found = account.number_of(sid)
    if found is None:
        raise not_found()
    return found


def set_fields(record: object, names: dict[str, str]) -> None:
    """Set the fields of a record that the form of this request names."""
    for field, name in names.items():
        if name in request.form:
            value = request.form[name]
            setattr(record, field, value == "true" if value in {"true", "false"} else value)


def _page(key: str, records: Iterable[dict[str, Any]]) -> Response:
    """Return a list of the 2010 API; all records fit one page."""
    found = list(records)
    return jsonify(
        {
            key: found,
            "first_page_uri": request.path,
            "uri": request.path,
            "next_page_uri": None,
            "previous_page_uri": None,
            "page": 0,
            "page_size": 1000,
            "start": 0,
            "end": max(len(found) - 1, 0),
        }
    )
