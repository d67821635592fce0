"""Checks of the numbers and their Messaging Service: abilities, registrations, senders."""

from typing import Any

from commands.twilio.faults import Faults, fault
from commands.twilio.subject import Subject, is_number, kind_of
from receipts.numbering.country import NORTH_AMERICA, calling_code_of

_APPROVED_BUNDLES = {"twilio-approved", "provisionally-approved"}


def check_service(subject: Subject) -> Faults:
    """Whether the Messaging Service has senders. Raises UnreadableError."""
    if not subject.service:
        return
    if subject.service_record is None:
        yield fault("service_missing", service=subject.service)
        return
    senders = subject.account.senders(subject.service)
    if not senders:
        yield fault("service_empty", service=subject.service)
    elif is_number(subject.number) and subject.number not in senders:
        yield fault("sender_outside", number=subject.number, service=subject.service)


def check_numbers(subject: Subject) -> Faults:
    """Whether the account has the numbers, and what they can do. Raises UnreadableError."""
    for number, record in subject.numbers:
        if record is None:
            sid = subject.settings.twilio_account_sid
            yield fault("number_missing", number=number, account=sid)
        elif kind_of(number) != "short code":
            yield from _abilities(number, record)


def _abilities(number: str, record: Any) -> Faults:  # noqa: ANN401 - the SDK has no stubs
    can = record.capabilities or {}
    if not (can.get("sms") or can.get("SMS")):
        yield fault("no_texts", number=number)
    if not (can.get("voice") or can.get("Voice")):
        yield fault("no_calls", number=number)
    elif record.voice_receive_mode == "fax":
        yield fault("fax", number=number)
    needed = record.address_requirements or "none"
    if needed != "none" and not record.address_sid and not record.bundle_sid:
        yield fault("address_required", number=number, needed=needed)


def check_bundles(subject: Subject) -> Faults:
    """Whether the regulatory bundles of the numbers are approved. Raises UnreadableError."""
    for number, record in subject.numbers:
        sid = getattr(record, "bundle_sid", None)
        if sid:
            bundle = subject.account.bundle(sid)
            state = str(bundle.status) if bundle else "missing"
            if state not in _APPROVED_BUNDLES:
                yield fault("bundle", number=number, state=state)


def check_registrations(subject: Subject) -> Faults:
    """Whether numbers may text the US and Canada. Raises UnreadableError."""
    for number, record in subject.numbers:
        kind = kind_of(number)
        if record is None or calling_code_of(number) != NORTH_AMERICA or kind == "short code":
            continue
        if kind == "toll-free number" and subject.reaches_north_america:
            yield from _toll_free(subject, number, str(record.sid))
        elif kind == "long number" and subject.reaches_us:
            yield from _campaign(subject, number)


def _toll_free(subject: Subject, number: str, sid: str) -> Faults:
    found = [each for each in subject.account.verifications(sid) if each.status]
    states = [str(each.status) for each in found]
    if not states:
        yield fault("toll_free_none", number=number)
    elif "TWILIO_APPROVED" not in states:
        reason = found[0].rejection_reason
        state = states[0] + (f" ({reason})" if reason else "")
        yield fault("toll_free_state", number=number, state=state)


def _campaign(subject: Subject, number: str) -> Faults:
    service = subject.service_of(number)
    campaigns = subject.account.campaigns(str(service.sid)) if service else []
    states = [str(each.campaign_status) for each in campaigns]
    if not states:
        brands = [f"brand {each.status}" for each in subject.account.brands()]
        state = ", ".join(dict.fromkeys(brands)) or "no brand is registered"
        yield fault("a2p_service", number=number, state=state)
    elif "VERIFIED" not in states:
        yield fault("a2p_campaign", number=number, state=", ".join(dict.fromkeys(states)))


def check_keywords(subject: Subject) -> Faults:
    """Twilio's own keywords, whose list has no API."""
    long = [each for each in subject.senders if kind_of(each) != "short code"]
    if long and not subject.is_simulated:
        yield fault("keywords", number=", ".join(long))
