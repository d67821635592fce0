"""What the network was told at start: read once, refused with the variable's name if wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from simulator.numbering import canonical, is_mobile


class WrongSetting(ValueError):
    """Names the variable that is missing or wrong, in a sentence for the person who set it."""


@dataclass(frozen=True)
class Settings:
    """Everything the network needs to know; secrets stay out of its printed form."""

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
    data_dir: Path
    speech: float
    silence: float
    extra_phones: tuple[str, ...]

    @property
    def signing_token(self) -> str:
        """The token that signs: the provider uses the primary one only, also during rotation."""
        return self.auth_tokens[0]


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return checked settings, or raise WrongSetting naming the first variable at fault."""
    public_url = _address(environ, "PUBLIC_URL")
    short_code = _digits(environ, "SHORT_CODE", "7500")
    hotline = _digits(environ, "HOTLINE", "10086")
    sender = environ.get("TWILIO_FROM", "").strip()
    return Settings(
        port=_port(environ),
        public_url=public_url,
        doors_url=_address(environ, "DOORS_URL", public_url),
        account_sid=_account(environ),
        auth_tokens=_tokens(environ),
        api_key=environ.get("TWILIO_API_KEY", "").strip(),
        api_secret=environ.get("TWILIO_API_SECRET", "").strip(),
        kannel_user=_needed(environ, "KANNEL_USER"),
        kannel_password=_needed(environ, "KANNEL_PASSWORD"),
        hotline=hotline,
        short_code=short_code,
        # +15005550006 is the one sender the provider's test account lets through.
        senders=frozenset({short_code, hotline, "+15005550006", *([sender] if sender else [])}),
        data_dir=Path(environ.get("DATA_DIR", "").strip() or "var"),
        speech=_factor(environ, "NETWORK_SPEECH"),
        silence=_factor(environ, "NETWORK_SILENCE"),
        extra_phones=_phones(environ),
    )


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise WrongSetting(f"{name} is missing: the network cannot start without it")
    return value


def _address(environ: Mapping[str, str], name: str, default: str = "") -> str:
    value = (environ.get(name, "").strip() or default).rstrip("/")
    if not value:
        raise WrongSetting(f"{name} is missing: the network cannot start without it")
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        sound = False
    if not sound or parts.query or parts.fragment:
        raise WrongSetting(f"{name} must be an http or https address without a query: {value!r}")
    return value


def _port(environ: Mapping[str, str]) -> int:
    value = environ.get("NETWORK_PORT", "").strip() or "7501"
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:  # noqa: PLR2004 - ports end there
        raise WrongSetting(f"NETWORK_PORT must be a port from 1 to 65535: {value!r}")
    return int(value)


def _account(environ: Mapping[str, str]) -> str:
    value = _needed(environ, "TWILIO_ACCOUNT_SID")
    if not re.fullmatch(r"AC[0-9a-fA-F]{32}", value):
        raise WrongSetting("TWILIO_ACCOUNT_SID must be AC and 32 hexadecimal digits")
    return value


def _tokens(environ: Mapping[str, str]) -> tuple[str, ...]:
    tokens = tuple(t.strip() for t in _needed(environ, "TWILIO_AUTH_TOKEN").split(",") if t.strip())
    if not tokens:
        raise WrongSetting("TWILIO_AUTH_TOKEN holds only commas: give at least one token")
    return tokens


def _digits(environ: Mapping[str, str], name: str, default: str) -> str:
    value = environ.get(name, "").strip() or default
    if not re.fullmatch(r"[0-9]{3,8}", value):
        raise WrongSetting(f"{name} must be a short number of 3 to 8 digits: {value!r}")
    return value


def _factor(environ: Mapping[str, str], name: str) -> float:
    value = environ.get(name, "").strip() or "1"
    try:
        factor = float(value)
    except ValueError:
        factor = -1.0
    if not 0 <= factor <= 100:  # noqa: PLR2004 - a hundred times slower is surely a slip
        raise WrongSetting(f"{name} must be a factor from 0 (instant) to 100: {value!r}")
    return factor


def _phones(environ: Mapping[str, str]) -> tuple[str, ...]:
    given = [n for n in environ.get("NETWORK_PHONES", "").replace(",", " ").split() if n]
    numbers = tuple(canonical(n) for n in given)
    for number, text in zip(numbers, given, strict=True):
        if not is_mobile(number):
            raise WrongSetting(f"NETWORK_PHONES holds a number that is no mobile: {text!r}")
    return numbers
