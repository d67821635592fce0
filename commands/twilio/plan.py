"""The plan: all checks of an account, one after another, and its state in short."""

from collections.abc import Callable, Iterator
from typing import Any

from commands.twilio import account_checks, address_checks, inbound_checks, number_checks
from commands.twilio.faults import Faults, Finding, unreadable
from commands.twilio.subject import Subject, kind_of
from receipts.model.masking import hide_userinfo
from receipts.numbering.country import country_of
from receipts.providers.twilio_account import SHAPE_ERRORS, UnreadableError

_WITHOUT_REQUESTS = (
    address_checks.check_address,
    address_checks.check_token,
    address_checks.check_sender,
    address_checks.check_people,
)
_FIRST = (account_checks.check_credentials, account_checks.check_key)
_REST = (
    account_checks.check_status,
    account_checks.check_balance,
    account_checks.check_trial,
    number_checks.check_service,
    number_checks.check_numbers,
    number_checks.check_bundles,
    account_checks.check_profile,
    number_checks.check_registrations,
    account_checks.check_text_countries,
    account_checks.check_agent_country,
    address_checks.check_own_numbers,
    inbound_checks.check_winners,
    inbound_checks.check_service_inbound,
    inbound_checks.check_webhooks,
    address_checks.check_pace,
    number_checks.check_keywords,
)


def find_faults(subject: Subject) -> list[Finding]:
    """Run all checks; each finding once, blocks first, then unread resources, then warnings."""
    found = [*_run(subject, _WITHOUT_REQUESTS)]
    first = [*_run(subject, _FIRST)]
    found += first
    # Refused credentials are the cause of every other refusal.
    if not any(each.result == "block" for each in first):
        found += _run(subject, _REST)
    order = ("block", "unread", "warn")
    return sorted(dict.fromkeys(found), key=lambda each: order.index(each.result))


def _run(subject: Subject, checks: tuple[Callable[[Subject], Faults], ...]) -> Iterator[Finding]:
    for check in checks:
        try:
            for each in check(subject):
                yield each.finding()
        except UnreadableError as error:
            yield unreadable(error.resource, error.reason)
        except SHAPE_ERRORS as error:
            subject_of = check.__name__.removeprefix("check_").replace("_", " ")
            yield unreadable(f"an answer about {subject_of}", type(error).__name__)


def present(subject: Subject) -> dict[str, object]:
    """The account and its number in short, as far as they can be read."""
    settings = subject.settings
    return {
        "account": _read(lambda: _account(subject), settings.twilio_account_sid),
        "balance": _read(lambda: _balance(subject), "unknown"),
        "sender": subject.service or subject.number or "none",
        "numbers": _read(lambda: [_number(*each) for each in subject.numbers], []),
        "public_url": hide_userinfo(subject.base_url) or "none",
        "trial_people": ", ".join(subject.people) or "none",
    }


def _account(subject: Subject) -> str:
    account = subject.account.account()
    return f"{account.sid} ({account.type}, {account.status})"


def _balance(subject: Subject) -> str:
    balance = subject.account.balance()
    return f"{balance.balance} {balance.currency}"


def _number(number: str, record: Any) -> dict[str, object]:  # noqa: ANN401 - the SDK has no stubs
    can = getattr(record, "capabilities", None) or ({"sms": True} if record else {})
    return {
        "number": number,
        "kind": f"{kind_of(number)} {country_of(number) if number.startswith('+') else ''}".strip(),
        "texts": bool(can.get("sms") or can.get("SMS")),
        "calls": bool(can.get("voice")),
    }


def _read(read: Callable[[], Any], otherwise: object) -> object:
    try:
        return read()
    except (UnreadableError, *SHAPE_ERRORS):
        return otherwise
