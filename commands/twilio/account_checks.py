"""Checks of the account: credentials, status, balance, trial."""

from decimal import Decimal, InvalidOperation

from commands.twilio.faults import Faults, fault
from commands.twilio.subject import Subject, is_refused
from receipts.numbering.country import country_of
from receipts.providers.twilio_account import UnreadableError

_TEST_CREDENTIALS = 20008
_NOT_FOUND = 404
#: In the account's currency; a text costs about a hundredth.
_LOW_BALANCE = 1


def check_credentials(subject: Subject) -> Faults:
    """Whether Twilio takes the credentials. Raises UnreadableError."""
    sid = subject.settings.twilio_account_sid
    try:
        subject.account.account()
    except UnreadableError as error:
        if error.code == _TEST_CREDENTIALS:
            yield fault("test_credentials")
        elif error.status == _NOT_FOUND:
            yield fault("account_missing", account=sid)
        elif is_refused(error) and subject.settings.twilio_auth_tokens:
            yield fault("credentials", account=sid, reason=error.reason)
        else:
            raise  # a standard API key may not read the account


def check_key(subject: Subject) -> Faults:
    """Whether Twilio takes the API key, which sends the texts. Raises UnreadableError."""
    sid, key = subject.settings.twilio_account_sid, subject.settings.twilio_api_key
    if not key:
        return
    try:
        subject.account.try_key()
    except UnreadableError as error:
        if not is_refused(error):
            raise
        yield fault("api_key", key=key, account=sid, reason=error.reason)


def check_status(subject: Subject) -> Faults:
    """Whether the account is active, and its own. Raises UnreadableError."""
    account = subject.account.account()
    if account.status in {"suspended", "closed"}:
        yield fault(str(account.status))
    if account.owner_account_sid and account.owner_account_sid != account.sid:
        yield fault("subaccount", account=account.sid, owner=account.owner_account_sid)


def check_balance(subject: Subject) -> Faults:
    """Whether the account can pay. Raises UnreadableError."""
    account = subject.account.account()
    if account.owner_account_sid not in {None, account.sid}:
        return  # its owner pays, and Twilio shows no balance
    balance = subject.account.balance()
    shown = f"{balance.balance} {balance.currency or ''}".strip()
    try:
        amount = Decimal(str(balance.balance))
    except InvalidOperation:
        raise UnreadableError("the balance", f"it is {shown!r}") from None
    if amount <= 0:
        yield fault("balance_empty", balance=shown)
    elif amount < _LOW_BALANCE:
        yield fault("balance_low", balance=shown)


def check_trial(subject: Subject) -> Faults:
    """The bounds of a trial account. Raises UnreadableError."""
    if not subject.is_trial:
        return
    yield fault("trial")
    agent = subject.settings.agent_number
    if not subject.people and not agent:
        return
    verified = subject.account.verified_callers()
    for person in subject.people:
        if person not in verified:
            yield fault("unverified", people=person)
    if agent.startswith("+") and agent not in verified:
        yield fault("agent_unverified", number=agent)


def check_profile(subject: Subject) -> Faults:
    """Whether the business is known to Twilio. Raises UnreadableError."""
    if subject.is_trial:
        return
    states = [str(each.status) for each in subject.account.profiles()]
    if "twilio-approved" not in states:
        yield fault("profile", state=", ".join(dict.fromkeys(states)) or "there is none")


def check_text_countries(subject: Subject) -> Faults:
    """Whether texts to the trial people's countries are enabled. Raises UnreadableError."""
    people: dict[str, list[str]] = {}
    for each in subject.people:
        people.setdefault(country_of(each), []).append(each)
    for country, numbers in sorted(people.items()):
        allowed = subject.account.may_text(country)
        if not allowed:
            name = "text_country" if allowed is False else "text_country_unknown"
            yield fault(name, country=country, people=", ".join(numbers))


def check_agent_country(subject: Subject) -> Faults:
    """Whether calls to the agent's country are enabled. Raises UnreadableError."""
    agent = subject.settings.agent_number
    country = country_of(agent) if agent.startswith("+") else ""
    if country and not subject.account.may_call(country):
        yield fault("call_country", country=country, number=agent)
