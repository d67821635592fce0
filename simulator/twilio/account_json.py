"""JSON of the account's resources, as Twilio's API description has it."""

from typing import Any

from simulator.account.state import Account, Application, Number, Service, sid_of
from simulator.network.numbering import country_of

_DAY = "Fri, 02 Jan 2026 00:00:00 +0000"
_ISO_DAY = "2026-01-02T00:00:00Z"


def account_json(account: Account, sid: str) -> dict[str, Any]:
    """Return the account; its token is left out, as for an API key."""
    state = account.state
    return {
        "sid": sid,
        "friendly_name": "Pretend account",
        "type": state.type,
        "status": state.status,
        "owner_account_sid": state.owner or sid,
        "date_created": _DAY,
        "date_updated": _DAY,
        "subresource_uris": {},
        "uri": f"/2010-04-01/Accounts/{sid}.json",
    }


def number_json(number: str, record: Number, account_sid: str) -> dict[str, Any]:
    """Return a number with its webhooks, or a short code with those of texts."""
    sid, is_code = sid_of(number), not number.startswith("+")
    kind = "SMS/ShortCodes" if is_code else "IncomingPhoneNumbers"
    texts = {
        "sid": sid,
        "account_sid": account_sid,
        "friendly_name": number,
        "api_version": "2010-04-01",
        "date_created": _DAY,
        "date_updated": _DAY,
        "sms_url": record.sms_url,
        "sms_method": record.sms_method,
        "sms_fallback_url": record.sms_fallback_url,
        "sms_fallback_method": record.sms_fallback_method,
        "uri": f"/2010-04-01/Accounts/{account_sid}/{kind}/{sid}.json",
    }
    if is_code:
        return texts | {"short_code": number}
    can = {"sms": record.texts, "voice": record.calls, "mms": False, "fax": False}
    return texts | _calls(record) | {"phone_number": number, "capabilities": can}


def _calls(record: Number) -> dict[str, Any]:
    """Return the fields that a number has and a short code has not."""
    return {
        "voice_url": record.voice_url,
        "voice_method": record.voice_method,
        "voice_fallback_url": record.voice_fallback_url,
        "voice_fallback_method": record.voice_fallback_method,
        "voice_receive_mode": record.receive_mode,
        "voice_caller_id_lookup": False,
        "status_callback": record.status_callback,
        "status_callback_method": record.status_callback_method,
        "sms_application_sid": record.sms_application_sid,
        "voice_application_sid": record.voice_application_sid,
        "trunk_sid": record.trunk_sid or None,
        "address_requirements": record.address_requirements,
        "address_sid": record.address_sid,
        "bundle_sid": record.bundle_sid,
        "identity_sid": None,
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "origin": "twilio",
        "beta": False,
        "status": "in-use",
        "type": "local",
    }


def caller_json(number: str, account_sid: str) -> dict[str, Any]:
    """Return a verified caller ID."""
    sid = sid_of(number)
    return {
        "sid": sid,
        "account_sid": account_sid,
        "friendly_name": number,
        "phone_number": number,
        "date_created": _DAY,
        "date_updated": _DAY,
        "uri": f"/2010-04-01/Accounts/{account_sid}/OutgoingCallerIds/{sid}.json",
    }


def application_json(sid: str, application: Application, account_sid: str) -> dict[str, Any]:
    """Return a TwiML application."""
    return {
        "sid": sid,
        "account_sid": account_sid,
        "friendly_name": "An application",
        "sms_url": application.sms_url,
        "voice_url": application.voice_url,
        "date_created": _DAY,
        "date_updated": _DAY,
        "uri": f"/2010-04-01/Accounts/{account_sid}/Applications/{sid}.json",
    }


def service_json(sid: str, service: Service, account_sid: str) -> dict[str, Any]:
    """Return a Messaging Service."""
    return {
        "sid": sid,
        "account_sid": account_sid,
        "friendly_name": "A service",
        "inbound_request_url": service.inbound_request_url,
        "inbound_method": service.inbound_method,
        "fallback_url": service.fallback_url,
        "fallback_method": service.fallback_method,
        "status_callback": None,
        "use_inbound_webhook_on_number": service.use_inbound_webhook_on_number,
        "us_app_to_person_registered": "VERIFIED" in service.campaigns,
        "sticky_sender": True,
        "smart_encoding": False,
        "validity_period": 36000,
        "usecase": "undeclared",
        "date_created": _ISO_DAY,
        "date_updated": _ISO_DAY,
        "url": f"https://messaging.twilio.com/v1/Services/{sid}",
        "links": {},
    }


def sender_json(number: str, service: str, account_sid: str) -> dict[str, Any]:
    """Return a number or short code in the sender pool of a service."""
    key = "phone_number" if number.startswith("+") else "short_code"
    return {
        "sid": sid_of(number),
        "account_sid": account_sid,
        "service_sid": service,
        key: number,
        "country_code": country_of(number) or "CN",
        "capabilities": ["SMS", "Voice"],
        "date_created": _ISO_DAY,
        "date_updated": _ISO_DAY,
        "url": f"https://messaging.twilio.com/v1/Services/{service}/PhoneNumbers/{sid_of(number)}",
    }


def state_json(sid: str, account_sid: str, **more: object) -> dict[str, Any]:
    """Return a record of a registration: a campaign, brand, verification, profile or bundle."""
    return {
        "sid": sid,
        "account_sid": account_sid,
        "date_created": _ISO_DAY,
        "date_updated": _ISO_DAY,
        **more,
    }
