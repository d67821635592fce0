"""Who may use the pretend Twilio API, and its error responses."""

import hmac

from flask import Blueprint, Response, jsonify, request

from simulator.account.state import Account
from simulator.settings import SimulatorSettings

_FIRST_CODE = 10_000
_UNREADABLE_CODES = {403: 20003, 404: 20404, 429: 20429, 500: 20500, 503: 20503}


class TwilioApiError(Exception):
    """An error response of the REST API."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def guard(api: Blueprint, settings: SimulatorSettings, account: Account) -> None:
    """Let a blueprint answer to the account's credentials only, and answer its errors."""

    @api.before_request
    def check() -> None:
        if not _is_authenticated(settings):
            raise TwilioApiError(20003, "Authenticate", 401)
        for part, status in account.state.unreadable.items():
            if part in request.path and request.method == "GET":
                # A code of Twilio's, such as 20008 for test credentials, comes with 403.
                http = status if status < _FIRST_CODE else 403
                raise TwilioApiError(_UNREADABLE_CODES.get(status, status), "Planted", http)

    @api.errorhandler(TwilioApiError)
    def error_response(error: TwilioApiError) -> tuple[Response, int]:
        body = jsonify(
            code=error.code,
            message=str(error),
            more_info=f"https://www.twilio.com/docs/errors/{error.code}",
            status=error.status,
        )
        return body, error.status


def not_found() -> TwilioApiError:
    """Return the error for a resource that the account does not have."""
    return TwilioApiError(20404, f"The requested resource {request.path} was not found", 404)


def _is_authenticated(settings: SimulatorSettings) -> bool:
    credentials = request.authorization
    if credentials is None or credentials.type != "basic":
        return False
    accepted = [(settings.account_sid, token) for token in settings.auth_tokens]
    if settings.api_key and settings.api_secret:
        accepted.append((settings.api_key, settings.api_secret))
    offered = f"{credentials.username}:{credentials.password}".encode()
    return any(hmac.compare_digest(f"{user}:{key}".encode(), offered) for user, key in accepted)
