"""Checks of a new message before it is accepted, with Twilio's error codes."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from simulator.account.state import Account
from simulator.network.numbering import canonical, country_of, e164, is_service
from simulator.twilio.access import TwilioApiError

LONGEST_BODY = 1600
_MAX_VALIDITY_SECONDS = 36000
_TOLL_FREE = {"800", "833", "844", "855", "866", "877", "888"}
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


def check_message(form: Mapping[str, str], account: Account) -> str:
    """Check the fields of a new message, and return its sender. Raises: TwilioApiError."""
    to = form.get("To", "").strip()
    _check_recipient(to)
    service = form.get("MessagingServiceSid", "").strip()
    sender = _sender(form.get("From", "").strip(), service, account)
    refusal = sending_refusal(account, sender, to)
    if refusal:
        raise refusal
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
    return sender


def _check_recipient(to: str) -> None:
    if not to:
        raise TwilioApiError(21604, "A 'To' phone number is required.")
    if to in _MAGIC_TO:
        raise TwilioApiError(*_MAGIC_TO[to])
    number = canonical(to)
    if not number or is_service(number):
        raise TwilioApiError(21211, f"The 'To' number {to} is not a valid phone number.")


def _sender(sender: str, service: str, account: Account) -> str:
    """Return the number that sends. Raises: TwilioApiError."""
    if service and not _SERVICE_SID.fullmatch(service):
        raise TwilioApiError(21701, "The Messaging Service does not exist.")
    if not sender:
        return _sender_of_service(service, account)
    if sender in _MAGIC_FROM:
        raise TwilioApiError(*_MAGIC_FROM[sender])
    if sender in account.state.numbers:
        return sender
    if canonical(sender) or re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}", sender):
        raise TwilioApiError(21606, f"The 'From' number {sender} does not belong to this account.")
    raise TwilioApiError(21212, f"The 'From' number {sender} is not a valid phone number.")


def _sender_of_service(service: str, account: Account) -> str:
    if not service:
        raise TwilioApiError(21603, "A 'From' or 'MessagingServiceSid' is required.")
    if service not in account.state.services:
        raise TwilioApiError(21701, "The Messaging Service does not exist.")
    senders = account.state.services[service].senders
    if not senders:
        raise TwilioApiError(21704, "The Messaging Service contains no phone numbers.")
    return senders[0]


def sending_refusal(account: Account, sender: str, to: str) -> TwilioApiError | None:
    """Return the error of a text that Twilio refuses to take, if it does."""
    state, recipient = account.state, e164(canonical(to))
    record = state.numbers.get(sender)
    if state.status != "active":
        return TwilioApiError(20005, f"The account is {state.status}.", 403)
    if record and not record.texts:
        return TwilioApiError(21661, f"The 'From' number {sender} is not SMS-capable.")
    if recipient == sender:
        return TwilioApiError(21266, "The 'To' and 'From' numbers are the same.")
    if country_of(recipient) in state.no_texts_to:
        return TwilioApiError(21408, f"Texts to {country_of(recipient)} are not enabled.")
    if state.type == "Trial" and recipient not in state.verified_callers:
        return TwilioApiError(21608, f"The number {recipient} is not verified (trial account).")
    return None


def delivery_failure(account: Account, sender: str, to: str) -> str:
    """Return the error code of a text that is taken and fails later; empty if it is sent."""
    state, country = account.state, country_of(canonical(to))
    if float(state.balance) <= 0:
        return "30002"
    if not sender.startswith("+1"):
        return ""
    if sender[2:5] in _TOLL_FREE:
        approved = state.toll_free.get(sender) == "TWILIO_APPROVED"
        return "30032" if country in {"US", "CA"} and not approved else ""
    found = account.service_of(sender)
    registered = found is not None and "VERIFIED" in found[1].campaigns
    return "30034" if country == "US" and not registered else ""


def _is_callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "_" not in host
