"""The carriers and helpers outside that the settings name."""

from receipts.delivery import Routes
from receipts.ports import Lookup, Provider
from receipts.providers.kannel import Kannel
from receipts.providers.twilio import Twilio
from receipts.providers.twilio_lookup import TwilioLookup
from switchboard.settings import Settings


def lookup(settings: Settings) -> Lookup | None:
    """Who tells whose network a number is on, if anybody is asked."""
    if settings.lookup == "none":
        return None
    return TwilioLookup(_credentials(settings), settings.twilio_lookup_url)


def routes(settings: Settings) -> Routes:
    """Who carries ordinary texts, and who carries flash."""
    made: dict[str, Provider] = {}
    for name in {settings.text_provider, settings.flash_provider} - {""}:
        made[name] = _twilio(settings) if name == "twilio" else _kannel(settings)
    flash = made.get(settings.flash_provider)
    able = flash if flash is not None and flash.abilities.flash else None
    return Routes(made[settings.text_provider], able)


def _twilio(settings: Settings) -> Twilio:
    return Twilio(
        settings.twilio_account_sid,
        _credentials(settings),
        settings.twilio_sender,
        settings.twilio_api_url,
        settings.public_url,
    )


def _credentials(settings: Settings) -> tuple[str, str]:
    key = (settings.twilio_api_key, settings.twilio_api_secret)
    token = (settings.twilio_account_sid, (*settings.twilio_auth_tokens, "")[0])
    return key if all(key) else token


def _kannel(settings: Settings) -> Kannel:
    return Kannel(
        settings.kannel_url,
        (settings.kannel_user, settings.kannel_password),
        settings.kannel_secret,
        settings.short_code,
        settings.public_url,
        settings.kannel_smsc,
    )
