"""Settings of the network: read once from the environment, refused by name when wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from simulator.network.numbering import canonical, is_abroad, is_mobile

_MAX_PORT = 65535
_MAX_FACTOR = 100


class SimulatorSettingsError(ValueError):
    """A setting is missing or wrong; the message begins with its name."""


@dataclass(frozen=True)
class SimulatorSettings:
    """Checked settings; secrets stay out of the printed form."""

    port: int
    public_url: str
    doors_url: str
    account_sid: str
    auth_tokens: tuple[str, ...] = field(repr=False)
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    kannel_user: str
    kannel_password: str = field(repr=False)
    hotline: str
    short_code: str
    senders: frozenset[str]
    speech_factor: float
    silence_factor: float
    extra_phones: tuple[str, ...]
    messaging_service: str = ""
    #: JSON of the fields of the pretend account that differ from its defaults.
    account: str = ""
    demo_secret: str = field(repr=False, default="")
    #: Whether the program that started the network deletes all data at its request.
    can_start_afresh: bool = False


def read_settings(environ: Mapping[str, str]) -> SimulatorSettings:
    """Return checked settings. Raises: SimulatorSettingsError."""
    public_url = _url(environ, "PUBLIC_URL")
    short_code = _digits(environ, "SHORT_CODE", "7500")
    hotline = _digits(environ, "HOTLINE", "10086")
    sender = _text(environ, "TWILIO_FROM")
    return SimulatorSettings(
        port=_port(environ),
        public_url=public_url,
        doors_url=_url(environ, "DOORS_URL", public_url),
        account_sid=_account_sid(environ),
        auth_tokens=_tokens(environ),
        api_key=_text(environ, "TWILIO_API_KEY"),
        api_secret=_text(environ, "TWILIO_API_SECRET"),
        kannel_user=_required(environ, "KANNEL_USER"),
        kannel_password=_required(environ, "KANNEL_PASSWORD"),
        hotline=hotline,
        short_code=short_code,
        # +15005550006 is the one valid sender of Twilio's test credentials.
        senders=frozenset({short_code, hotline, "+15005550006", *([sender] if sender else [])}),
        speech_factor=_factor(environ, "NETWORK_SPEECH"),
        silence_factor=_factor(environ, "NETWORK_SILENCE"),
        extra_phones=_phones(environ),
        messaging_service=_text(environ, "TWILIO_MESSAGING_SERVICE_SID"),
        account=_text(environ, "NETWORK_ACCOUNT"),
        demo_secret=_text(environ, "DEMO_SECRET"),
        can_start_afresh=_text(environ, "NETWORK_AFRESH") == "1",
    )


def _text(environ: Mapping[str, str], name: str, default: str = "") -> str:
    return environ.get(name, "").strip() or default


def _required(environ: Mapping[str, str], name: str, default: str = "") -> str:
    value = _text(environ, name, default)
    if not value:
        raise SimulatorSettingsError(f"{name} is missing: the network cannot start without it")
    return value


def _url(environ: Mapping[str, str], name: str, default: str = "") -> str:
    value = _required(environ, name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        valid = False
    if not valid or re.search(r"[\s?#]", value):
        reason = f"{name} must be an http or https address without a query: {value!r}"
        raise SimulatorSettingsError(reason)
    return value


def _port(environ: Mapping[str, str]) -> int:
    value = _text(environ, "NETWORK_PORT", "7501")
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) <= _MAX_PORT:
        raise SimulatorSettingsError(f"NETWORK_PORT must be a port from 1 to 65535: {value!r}")
    return int(value)


def _account_sid(environ: Mapping[str, str]) -> str:
    value = _required(environ, "TWILIO_ACCOUNT_SID")
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
        raise SimulatorSettingsError("TWILIO_ACCOUNT_SID must be AC and 32 hexadecimal digits")
    return value


def _tokens(environ: Mapping[str, str]) -> tuple[str, ...]:
    values = _required(environ, "TWILIO_AUTH_TOKEN").split(",")
    tokens = tuple(value.strip() for value in values if value.strip())
    if not tokens:
        raise SimulatorSettingsError("TWILIO_AUTH_TOKEN holds only commas: give at least one token")
    return tokens


def _digits(environ: Mapping[str, str], name: str, default: str) -> str:
    value = _text(environ, name, default)
    if not re.fullmatch(r"[0-9]{3,8}|\+[1-9][0-9]{6,14}", value):
        reason = f"{name} must be a short number of 3 to 8 digits, or a full one with +: {value!r}"
        raise SimulatorSettingsError(reason)
    return value


def _factor(environ: Mapping[str, str], name: str) -> float:
    value = _text(environ, name, "1")
    try:
        factor = float(value)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= _MAX_FACTOR:
        reason = f"{name} must be a factor from 0 (instant) to {_MAX_FACTOR}: {value!r}"
        raise SimulatorSettingsError(reason)
    return factor


def _phones(environ: Mapping[str, str]) -> tuple[str, ...]:
    texts = _text(environ, "NETWORK_PHONES").replace(",", " ").split()
    for text in texts:
        if not is_mobile(canonical(text)) and not is_abroad(canonical(text)):
            reason = f"NETWORK_PHONES holds a number that is no mobile: {text!r}"
            raise SimulatorSettingsError(reason)
    return tuple(map(canonical, texts))
