"""Twilio's other APIs: Messaging Services, registrations, permissions, Trust Hub.

At Twilio each has a host of its own; here all of them are on one.
"""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator.account.state import SERVICE_FIELDS, Account, Service, sid_of
from simulator.settings import SimulatorSettings
from simulator.twilio import account_json as shapes
from simulator.twilio.access import guard, not_found
from simulator.twilio.account_api import set_fields


def registration_api(settings: SimulatorSettings, account: Account) -> Blueprint:
    """Return the routes under /v1 and /v2."""
    api = Blueprint("twilio_registrations", __name__)
    guard(api, settings, account)
    _add_services(api, settings.account_sid, account)
    _add_a2p(api, settings.account_sid, account)
    _add_bundles(api, settings.account_sid, account)
    _add_permissions(api, account)
    return api


def _add_services(api: Blueprint, account_sid: str, account: Account) -> None:
    @api.get("/v1/Services")
    def services() -> Response:
        found = account.state.services.items()
        return _page("services", (shapes.service_json(*each, account_sid) for each in found))

    @api.get("/v1/Services/<sid>")
    def service(sid: str) -> Response:
        return jsonify(shapes.service_json(sid, _service(account, sid), account_sid))

    @api.post("/v1/Services/<sid>")
    def update(sid: str) -> Response:
        set_fields(_service(account, sid), SERVICE_FIELDS)
        return jsonify(shapes.service_json(sid, _service(account, sid), account_sid))

    @api.get("/v1/Services/<sid>/PhoneNumbers")
    def numbers(sid: str) -> Response:
        return senders("phone_numbers", sid, is_long=True)

    @api.get("/v1/Services/<sid>/ShortCodes")
    def codes(sid: str) -> Response:
        return senders("short_codes", sid, is_long=False)

    def senders(key: str, sid: str, *, is_long: bool) -> Response:
        found = [n for n in _service(account, sid).senders if n.startswith("+") == is_long]
        return _page(key, (shapes.sender_json(each, sid, account_sid) for each in found))


def _service(account: Account, sid: str) -> Service:
    if sid not in account.state.services:
        raise not_found()
    return account.state.services[sid]


def _add_a2p(api: Blueprint, account_sid: str, account: Account) -> None:
    @api.get("/v1/Services/<sid>/Compliance/Usa2p")
    def campaigns(sid: str) -> Response:
        found = (
            shapes.state_json(
                _sid("QE", n), account_sid, messaging_service_sid=sid, campaign_status=state
            )
            for n, state in enumerate(_service(account, sid).campaigns)
        )
        return _page("compliance", found)

    @api.get("/v1/a2p/BrandRegistrations")
    def brands() -> Response:
        return _page("data", _states("BN", account.state.brands, account_sid))

    @api.get("/v1/Tollfree/Verifications")
    def verifications() -> Response:
        asked = request.args.get("TollfreePhoneNumberSid", "")
        found = (
            shapes.state_json(
                _sid("HH", n),
                account_sid,
                tollfree_phone_number_sid=sid_of(number),
                tollfree_phone_number=number,
                status=state,
                rejection_reason=None,
                error_code=None,
            )
            for n, (number, state) in enumerate(account.state.toll_free.items())
            if asked in {"", sid_of(number)}
        )
        return _page("verifications", found)


def _add_bundles(api: Blueprint, account_sid: str, account: Account) -> None:
    @api.get("/v1/CustomerProfiles")
    def profiles() -> Response:
        return _page("results", _states("BU", account.state.profiles, account_sid))

    @api.get("/v2/RegulatoryCompliance/Bundles/<sid>")
    def bundle(sid: str) -> Response:
        if sid not in account.state.bundles:
            raise not_found()
        state = account.state.bundles[sid]
        return jsonify(shapes.state_json(sid, account_sid, status=state, valid_until=None))


def _add_permissions(api: Blueprint, account: Account) -> None:
    @api.get("/v1/Messaging/GeoPermissions")
    def texts() -> Response:
        country = request.args.get("CountryCode", "US")
        enabled = country not in account.state.no_texts_to
        row = {"country_code": country, "type": "country", "enabled": enabled}
        return jsonify(permissions=[row])

    @api.get("/v1/DialingPermissions/Countries/<country>")
    def calls(country: str) -> Response:
        return jsonify(
            iso_code=country,
            name=country,
            continent="",
            country_codes=[],
            low_risk_numbers_enabled=country not in account.state.no_calls_to,
            high_risk_special_numbers_enabled=False,
            high_risk_tollfraud_numbers_enabled=False,
            url=f"https://voice.twilio.com{request.path}",
            links={},
        )


def _states(prefix: str, states: Iterable[str], account_sid: str) -> Iterable[dict[str, Any]]:
    return (
        shapes.state_json(_sid(prefix, n), account_sid, status=state)
        for n, state in enumerate(states)
    )


def _sid(prefix: str, number: int) -> str:
    return f"{prefix}{number:032x}"


def _page(key: str, records: Iterable[dict[str, Any]]) -> Response:
    """Return a list of the newer APIs; all records fit one page."""
    meta = {
        "key": key,
        "page": 0,
        "page_size": 50,
        "first_page_url": request.url,
        "previous_page_url": None,
        "next_page_url": None,
        "url": request.url,
    }
    return jsonify({"meta": meta, key: list(records)})
