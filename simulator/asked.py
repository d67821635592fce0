"""Reads what a handset asks for; anything unclear is answered with a sentence."""

import math
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from simulator.numbering import canonical, is_mobile

_LONGEST_WAIT = 30.0


def body() -> dict[str, Any]:
    """Return the JSON object that came with the request."""
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise BadRequest("Send one JSON object, with Content-Type: application/json.")
    return given


def text(given: dict[str, Any], name: str, longest: int, default: str | None = None) -> str:
    """Return a text field: present, a string, not longer than allowed."""
    value = given.get(name, default)
    if not isinstance(value, str):
        raise BadRequest(f"The field '{name}' must be a text.")
    if len(value) > longest:
        raise BadRequest(f"The field '{name}' is longer than {longest} characters.")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise BadRequest(f"The field '{name}' holds half a character.")
    return value


def flag(given: dict[str, Any], name: str, *, default: bool | None = None) -> bool:
    """Return a yes-or-no field."""
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise BadRequest(f"The field '{name}' must be true or false.")
    return value


def amount(given: dict[str, Any], name: str, most: float, default: float) -> float:
    """Return a number field from 0 up to a limit."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadRequest(f"The field '{name}' must be a number from 0 to {most:g}.")
    return float(value)


def any_number(given: dict[str, Any], name: str) -> str:
    """Return a phone number field as this network writes numbers."""
    number = canonical(text(given, name, 40))
    if not number:
        raise BadRequest(f"The field '{name}' is no phone number.")
    return number


def mobile(given: dict[str, Any], name: str) -> str:
    """Return a mainland mobile number field."""
    number = any_number(given, name)
    if not is_mobile(number):
        raise BadRequest(f"The field '{name}' must be a mainland mobile number of 11 digits.")
    return number


def since() -> tuple[int, float]:
    """Return the `after` and `wait` of a question about events."""
    try:
        after = int(request.args.get("after", "0"))
        wait = float(request.args.get("wait", "0"))
    except ValueError:
        raise BadRequest("'after' must be a whole number and 'wait' a number of seconds.") from None
    if after < 0 or not math.isfinite(wait) or wait < 0:
        raise BadRequest("'after' and 'wait' must not be negative.")
    return after, min(wait, _LONGEST_WAIT)
