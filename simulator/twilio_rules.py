"""What the provider refuses to send, with its own codes: checked before anything is accepted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from simulator.numbering import canonical, is_service
from simulator.settings import Settings
from simulator.texts import LONGEST


@dataclass(frozen=True)
class Refusal:
    """One refusal in the provider's terms."""

    code: int
    message: str
    status: int = 400


_MAGIC_FROM = {
    "+15005550001": Refusal(21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": Refusal(21606, "The 'From' phone number is not usable for this message."),
    "+15005550008": Refusal(21611, "This 'From' number has exceeded its queue of messages."),
}
_MAGIC_TO = {
    "+15005550001": Refusal(21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": Refusal(21612, "No route from this 'From' to this 'To' number."),
    "+15005550003": Refusal(21408, "Sending to this region is not enabled for the account."),
    "+15005550004": Refusal(21610, "The recipient has opted out of messages from this sender."),
    "+15005550009": Refusal(21614, "The 'To' number is not a mobile number."),
}
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_LONGEST_VALIDITY = 36000


def refusal(form: Mapping[str, str], settings: Settings) -> Refusal | None:
    """Return why a message cannot be created, or None when it can."""
    checks = (_recipient(form), _sender(form, settings), _content(form), _options(form))
    return next((found for found in checks if found), None)


def _recipient(form: Mapping[str, str]) -> Refusal | None:
    to = form.get("To", "").strip()
    if not to:
        return Refusal(21604, "A 'To' phone number is required.")
    if to in _MAGIC_TO:
        return _MAGIC_TO[to]
    number = canonical(to)
    if not number or is_service(number):
        return Refusal(21211, f"The 'To' number {to} is not a valid phone number.")
    return None


def _sender(form: Mapping[str, str], settings: Settings) -> Refusal | None:
    sender, service = form.get("From", "").strip(), form.get("MessagingServiceSid", "").strip()
    if service and not _SERVICE.fullmatch(service):
        return Refusal(21701, "The Messaging Service does not exist.")
    if not sender:
        return None if service else Refusal(21603, "A 'From' or 'MessagingServiceSid' is required.")
    if sender in _MAGIC_FROM:
        return _MAGIC_FROM[sender]
    if sender in settings.senders:
        return None
    if canonical(sender) or re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", sender):
        return Refusal(21606, f"The 'From' number {sender} does not belong to this account.")
    return Refusal(21212, f"The 'From' number {sender} is not a valid phone number.")


def _content(form: Mapping[str, str]) -> Refusal | None:
    if not form.get("Body") and not form.get("MediaUrl") and not form.get("ContentSid"):
        return Refusal(21602, "A message body is required.")
    if len(form.get("Body", "")) > LONGEST:
        return Refusal(21617, f"The message body is over {LONGEST} characters.")
    return None


def _options(form: Mapping[str, str]) -> Refusal | None:
    validity = form.get("ValidityPeriod", "1")
    if (
        not validity.isascii()
        or not validity.isdigit()
        or not 1 <= int(validity) <= _LONGEST_VALIDITY
    ):
        return Refusal(21624, "The ValidityPeriod must be from 1 to 36000 seconds.")
    callback = form.get("StatusCallback", "")
    if callback and not _is_callable(callback):
        return Refusal(21609, "The StatusCallback is not a valid address.")
    return None


def _is_callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in host
