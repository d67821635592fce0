"""Checks of a new message before it is accepted, with Twilio's error codes."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from simulator.network.numbering import canonical, is_service

LONGEST_BODY = 1600
_MAX_VALIDITY_SECONDS = 36000
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")

# Twilio's magic numbers for its test credentials: the error code and message of each.
_MAGIC_FROM = {
    "+15005550001": (21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": (21606, "The 'From' phone number is not usable for this message."),
    "+15005550008": (21611, "This 'From' number has exceeded its queue of messages."),
}
_MAGIC_TO = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "No route from this 'From' to this 'To' number."),
    "+15005550003": (21408, "Sending to this region is not enabled for the account."),
    "+15005550004": (21610, "The recipient has opted out of messages from this sender."),
    "+15005550009": (21614, "The 'To' number is not a mobile number."),
}


class TwilioApiError(Exception):
    """An error response of the REST API."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def check_message(form: Mapping[str, str], senders: frozenset[str]) -> None:
    """Check the fields of a new message. Raises: TwilioApiError."""
    _check_recipient(form.get("To", "").strip())
    _check_sender(
        form.get("From", "").strip(), form.get("MessagingServiceSid", "").strip(), senders
    )
    if not form.get("Body") and not form.get("MediaUrl") and not form.get("ContentSid"):
        raise TwilioApiError(21602, "A message body is required.")
    if len(form.get("Body", "")) > LONGEST_BODY:
        raise TwilioApiError(21617, f"The message body is over {LONGEST_BODY} characters.")
    validity = form.get("ValidityPeriod", "1")
    if not re.fullmatch(r"[0-9]+", validity) or not 1 <= int(validity) <= _MAX_VALIDITY_SECONDS:
        raise TwilioApiError(21624, "The ValidityPeriod must be from 1 to 36000 seconds.")
    callback = form.get("StatusCallback", "")
    if callback and not _is_callable(callback):
        raise TwilioApiError(21609, "The StatusCallback is not a valid address.")


def _check_recipient(to: str) -> None:
    if not to:
        raise TwilioApiError(21604, "A 'To' phone number is required.")
    if to in _MAGIC_TO:
        raise TwilioApiError(*_MAGIC_TO[to])
    number = canonical(to)
    if not number or is_service(number):
        raise TwilioApiError(21211, f"The 'To' number {to} is not a valid phone number.")


def _check_sender(sender: str, service: str, senders: frozenset[str]) -> None:
    if service and not _SERVICE_SID.fullmatch(service):
        raise TwilioApiError(21701, "The Messaging Service does not exist.")
    if not sender:
        if not service:
            raise TwilioApiError(21603, "A 'From' or 'MessagingServiceSid' is required.")
        return
    if sender in _MAGIC_FROM:
        raise TwilioApiError(*_MAGIC_FROM[sender])
    if sender in senders:
        return
    if canonical(sender) or re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", sender):
        raise TwilioApiError(21606, f"The 'From' number {sender} does not belong to this account.")
    raise TwilioApiError(21212, f"The 'From' number {sender} is not a valid phone number.")


def _is_callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in host
