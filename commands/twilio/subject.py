"""The account, the settings and the numbers that a plan looks at."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.settings import Settings
from commands.diagnostics.addresses import is_demo
from receipts.numbering.country import NORTH_AMERICA, calling_code_of, country_of, is_toll_free
from receipts.providers.twilio_account import TwilioAccount, UnreadableError

#: Most digits of a short code.
_SHORT_CODE_DIGITS = 6

#: Segments a second by kind of sender (Twilio: rate limits and message queues).
RATES = {"short code": 100, "toll-free number": 3, "long number": 1, "number": 10}


@dataclass(frozen=True)
class Subject:
    """What a plan is about; ``base_url`` is the address that Twilio shall call."""

    settings: Settings
    base_url: str
    account: TwilioAccount

    @property
    def people(self) -> tuple[str, ...]:
        """Numbers of the trial people."""
        return tuple(map(str, self.settings.trial_people))

    @property
    def service(self) -> str:
        """The SID of the Messaging Service that texts are sent from; empty if none is."""
        return self.settings.twilio_messaging_service_sid

    @property
    def number(self) -> str:
        """The number or name in TWILIO_FROM."""
        return self.settings.twilio_from

    @property
    def is_simulated(self) -> bool:
        """Whether this is the demo: its network calls the service on this machine."""
        return is_demo(self.settings)

    @cached_property
    def senders(self) -> tuple[str, ...]:
        """Numbers and short codes that send: TWILIO_FROM and the service's. Raises as its reads."""
        pool = self.account.senders(self.service) if self.service_record else []
        own = [self.number] if is_number(self.number) else []
        return tuple(dict.fromkeys((*own, *pool)))

    @property
    def service_record(self) -> Any:  # noqa: ANN401 - the SDK has no stubs
        """The Messaging Service in the settings, None if unset or missing."""
        return self.account.service(self.service) if self.service else None

    @property
    def numbers(self) -> list[tuple[str, Any]]:
        """Each sender with its resource in the account, None if the account has no such one."""
        return [(each, next(iter(self.account.numbers(each)), None)) for each in self.senders]

    @property
    def is_trial(self) -> bool:
        """Whether this is a trial account. Raises UnreadableError."""
        return str(self.account.account().type).casefold() == "trial"

    @property
    def reaches_north_america(self) -> bool:
        """Whether texts go to the US or Canada: by the trial people, where there are any."""
        return not self.people or any(calling_code_of(p) == NORTH_AMERICA for p in self.people)

    @property
    def reaches_us(self) -> bool:
        """Whether texts go to the US: by the trial people, where there are any."""
        return not self.people or "US" in map(country_of, self.people)

    def service_of(self, number: str) -> Any:  # noqa: ANN401
        """The Messaging Service that contains a number, None if none does."""
        if self.service_record and number in self.account.senders(self.service):
            return self.service_record
        for each in self.account.services():
            if number in self.account.senders(str(each.sid)):
                return each
        return None


def is_number(sender: str) -> bool:
    """Whether a sender is a number or short code, which can receive texts."""
    return sender.removeprefix("+").isdigit()


def kind_of(sender: str, *, in_north_america: bool = True) -> str:
    """The kind of a sender, which limits its rate: a key of ``RATES``."""
    if len(sender) <= _SHORT_CODE_DIGITS:
        return "short code"
    if is_toll_free(sender) and calling_code_of(sender) == NORTH_AMERICA:
        return "toll-free number"
    return "long number" if in_north_america else "number"


def is_refused(error: UnreadableError) -> bool:
    """Whether Twilio refuses the credentials."""
    return error.status in {401, 403}
