"""Checks without a request: the address of the service, the sender, the trial people."""

from urllib.parse import urlsplit

from app.settings_reader import url_problem
from commands.diagnostics.addresses import public_url_problem
from commands.twilio.faults import Faults, fault
from commands.twilio.subject import RATES, Subject, is_number, kind_of
from receipts.model.masking import hide_userinfo
from receipts.numbering.country import country_of

#: Domains of ngrok's free plan.
_NGROK = (".ngrok-free.app", ".ngrok-free.dev")


def check_address(subject: Subject) -> Faults:
    """Faults of the address that Twilio shall call."""
    url = subject.base_url
    if not url:
        yield fault("address_unset")
        return
    shown = hide_userinfo(url)
    if problem := url_problem(url):
        yield fault("address", url=shown, problem=f"it {problem}")
        return
    parts = urlsplit(url)
    if parts.username is not None:
        yield fault("address_user", url=shown)
    if subject.is_simulated:
        return
    if problem := public_url_problem(url, https_only=False):
        yield fault("address", url=shown, problem=problem)
    elif parts.scheme == "http":
        yield fault("address_http", url=shown)
    if (parts.hostname or "").endswith(_NGROK):
        yield fault("address_ngrok", url=shown)


def check_token(subject: Subject) -> Faults:
    """Whether signatures can be checked."""
    if not subject.settings.twilio_auth_tokens:
        yield fault("no_token")


def check_sender(subject: Subject) -> Faults:
    """Whether there is a sender, and people can text it."""
    number = subject.number
    if not number and not subject.service:
        yield fault("sender_missing")
    if number and not is_number(number):
        yield fault("sender_name", number=number)


def check_people(subject: Subject) -> Faults:
    """Trial people that can never reach the sender, or none where no other can reach it."""
    if not subject.people and subject.number.startswith("+"):
        yield fault("no_people", number=subject.number)
    chinese = [each for each in subject.people if country_of(each) == "CN"]
    if chinese:
        yield fault("china", people=", ".join(chinese))


def check_own_numbers(subject: Subject) -> Faults:
    """Trial people that are senders. Raises UnreadableError."""
    for each in sorted(set(subject.people) & set(subject.senders)):
        yield fault("own_number", people=each)


def check_pace(subject: Subject) -> Faults:
    """Whether more is sent than the senders carry."""
    if subject.is_simulated:
        return
    kinds = {
        each: kind_of(each, in_north_america=subject.reaches_north_america)
        for each in subject.senders
    }
    limit, pace = sum(RATES[kind] for kind in kinds.values()), subject.settings.twilio_pace
    if kinds and pace > limit:
        kind = " and ".join(dict.fromkeys(kinds.values()))
        yield fault("pace", pace=pace, number=", ".join(kinds), kind=kind, limit=limit)
