"""Clients of the providers that the settings name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.settings import PROVIDERS, Settings
from receipts.delivery.routing import Router
from receipts.ports.provider import NetworkLookup, Provider
from receipts.providers.kannel import Kannel
from receipts.worker.rate_limit import RateLimit

if TYPE_CHECKING:
    from receipts.providers.twilio_account import TwilioAccount


def network_lookup(settings: Settings) -> NetworkLookup | None:
    """The configured lookup of networks, or None."""
    if settings.lookup == "none":
        return None
    # The SDK is a sixth of the start time of a process.
    from receipts.providers.twilio_lookup import TwilioLookup  # noqa: PLC0415

    return TwilioLookup(_credentials(settings), settings.twilio_lookup_url)


def twilio_account(settings: Settings) -> "TwilioAccount":
    """Reads the account; the token reads it too, where an API key sends."""
    from receipts.providers.twilio_account import TwilioAccount  # noqa: PLC0415 - as above

    account, url = settings.twilio_account_sid, settings.twilio_api_url
    token = (*settings.twilio_auth_tokens, "")[0]
    return TwilioAccount(account, _credentials(settings), url, token)


def router(settings: Settings, wrap: Callable[[Provider], Provider]) -> Router:
    """The providers of ordinary and of flash messages, cheapest first, each wrapped."""
    made: dict[str, Provider] = {
        name: wrap(_twilio(settings) if name == "twilio" else _kannel(settings))
        for name in settings.providers
    }
    return Router(
        [made[name] for name in settings.text_provider],
        [made[name] for name in settings.flash_provider],
        former=PROVIDERS,
    )


def rate_limits(settings: Settings) -> dict[str, RateLimit]:
    """Rate limit by provider: segments a second, counted over all workers."""
    # One limit a sender: that is what providers and carriers limit.
    senders = {
        "twilio": (settings.twilio_sender, settings.twilio_pace),
        "kannel": (f"{settings.short_code}@{settings.kannel_smsc}", settings.kannel_pace),
    }
    used = {name: senders[name] for name in settings.providers}
    return {name: RateLimit(f"{name}:{sender}", pace) for name, (sender, pace) in used.items()}


def _twilio(settings: Settings) -> Provider:
    from receipts.providers.twilio import Twilio  # noqa: PLC0415 - as above

    account, credentials = settings.twilio_account_sid, _credentials(settings)
    sender, url = settings.twilio_sender, settings.twilio_api_url
    return Twilio(account, credentials, sender, url, settings.public_url)


def _credentials(settings: Settings) -> tuple[str, str]:
    key = (settings.twilio_api_key, settings.twilio_api_secret)
    token = (settings.twilio_account_sid, (*settings.twilio_auth_tokens, "")[0])
    return key if all(key) else token


def _kannel(settings: Settings) -> Kannel:
    user, secret = (settings.kannel_user, settings.kannel_password), settings.kannel_secrets[0]
    sender, smsc = settings.short_code, settings.kannel_smsc
    url, reports = settings.kannel_report_url, settings.kannel_reports
    return Kannel(settings.kannel_url, user, secret, sender, url, smsc, reports)
