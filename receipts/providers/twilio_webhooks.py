"""Webhook addresses of the account's numbers and Messaging Services at Twilio."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException

from receipts.ports.provider import PermanentError, TemporaryError
from receipts.providers.twilio_account import SHAPE_ERRORS, TwilioAccount, UnreadableError

#: Paths of this service that Twilio calls, by kind of event.
DOORS = {"sms": "/sms", "voice": "/voice", "status": "/voice/ended"}

#: Twilio retries a failed webhook only when its URL asks for it, in a fragment that is neither
#: sent nor signed (docs: webhook connection overrides).
_RETRY, _RETRY_LONGER = "#rc=2&rp=5xx,ct,rt", "#rc=5&rp=all"

#: Settings of a number or service that win over its addresses, with their names in words.
_WINNERS = {
    "sms_application_sid": "texts application",
    "voice_application_sid": "calls application",
    "trunk_sid": "calls trunk",
    "use_inbound_webhook_on_number": "texts ask the number",
}

_NAMES = {
    "sms_url": "texts",
    "sms_method": "texts method",
    "sms_fallback_url": "texts fallback",
    "sms_fallback_method": "texts fallback method",
    "voice_url": "calls",
    "voice_method": "calls method",
    "voice_fallback_url": "calls fallback",
    "voice_fallback_method": "calls fallback method",
    "status_callback": "call status",
    "status_callback_method": "call status method",
    "inbound_request_url": "texts",
    "inbound_method": "texts method",
    "fallback_url": "texts fallback",
    "fallback_method": "texts fallback method",
} | _WINNERS


@dataclass(frozen=True, slots=True)
class Change:
    """A field that changes: its name in words, its values, and whether a winner is cleared."""

    name: str
    before: str
    after: str
    clears: bool


class Step:
    """The changes of one number or service, made by one request."""

    def __init__(
        self,
        subject: str,
        record: Any,  # noqa: ANN401 - the SDK has no stubs
        wanted: dict[str, object],
        *,
        clears: bool = False,
    ) -> None:
        self.subject = subject
        self._update: Callable[..., Any] = record.update
        self._clears = clears
        self._before = {name: getattr(record, name, None) for name in wanted}
        self._fields = {
            name: value
            for name, value in wanted.items()
            if (self._before[name] or "") != (value or "")
        }

    @property
    def changes(self) -> list[Change]:
        """The fields that differ from what is wanted, in their order."""
        return self._changes(self._fields)

    def _changes(self, after: dict[str, object]) -> list[Change]:
        return [
            Change(
                _NAMES[name],
                _text(self._before[name]),
                _text(value),
                self._clears or name in _WINNERS,
            )
            for name, value in after.items()
        ]

    def apply(self) -> list[Change]:
        """Make the changes, and return them as Twilio answers.

        Raises TemporaryError when Twilio refuses or does not answer.
        """
        try:
            now = self._update(**self._fields)
            return self._changes({name: getattr(now, name, None) for name in self._fields})
        except TwilioRestException as refused:
            raise TemporaryError(f"twilio refused: {refused.status}/{refused.code}") from refused
        except (requests.RequestException, TwilioException, *SHAPE_ERRORS) as error:
            raise TemporaryError(f"twilio {type(error).__name__}") from error


class WebhookConfigurator:
    """Finds the changes that point an account's numbers and services to an address.

    ``fallback_url`` is the address that Twilio asks when ``base_url`` fails; by default the same
    one, which gives a text or call a second budget of 15 seconds.
    """

    def __init__(self, account: TwilioAccount, base_url: str, fallback_url: str = "") -> None:
        self._account = account
        self._base_url = base_url
        self._fallback_url = fallback_url or base_url
        #: Why it is not known whether a Messaging Service wins over a number; empty if it is.
        self.unread = ""

    def steps(self, numbers: tuple[str, ...], service: str = "") -> Iterator[Step]:
        """Yield what must change, also for services that win over a number.

        Raises PermanentError when the account has no such number or service, and TemporaryError
        when Twilio refuses or does not answer.
        """
        try:
            for number in numbers:
                yield self._number(number)
            if service:
                yield self._service(service)
            else:
                yield from self._winning_services(numbers)
        except UnreadableError as error:
            reason = f"refused: {error.status}" if error.status else error.reason
            raise TemporaryError(f"twilio {reason}") from error

    def _number(self, number: str) -> Step:
        for record in self._account.numbers(number):
            wanted = self._texts("sms_url", "sms")
            if number.startswith("+"):
                wanted |= {
                    **self._calls(),
                    **{name: "" for name in _WINNERS if hasattr(record, name)},
                }
            return Step(number, record, wanted)
        raise PermanentError(f"the account has no number {number}")

    def _texts(self, url: str, prefix: str) -> dict[str, object]:
        fallback = f"{prefix}_fallback" if prefix else "fallback"
        method = f"{prefix}_method" if prefix else "inbound_method"
        return {
            url: f"{self._base_url}{DOORS['sms']}{_RETRY}",
            method: "POST",
            f"{fallback}_url": f"{self._fallback_url}{DOORS['sms']}{_RETRY_LONGER}",
            f"{fallback}_method": "POST",
        }

    def _calls(self) -> dict[str, object]:
        return {
            "voice_url": f"{self._base_url}{DOORS['voice']}{_RETRY}",
            "voice_method": "POST",
            "voice_fallback_url": f"{self._fallback_url}{DOORS['voice']}{_RETRY_LONGER}",
            "voice_fallback_method": "POST",
            "status_callback": f"{self._base_url}{DOORS['status']}{_RETRY_LONGER}",
            "status_callback_method": "POST",
        }

    def _service(self, sid: str) -> Step:
        """Our own service answers for all of its senders, also those that are added later."""
        record = self._account.service(sid)
        if record is None:
            raise PermanentError(f"the account has no Messaging Service {sid}")
        wanted = self._texts("inbound_request_url", "") | {"use_inbound_webhook_on_number": False}
        url = str(record.inbound_request_url or "")
        is_others = bool(url) and not same_address(url, self._base_url + DOORS["sms"])
        return Step(sid, record, wanted, clears=is_others)

    def _winning_services(self, numbers: tuple[str, ...]) -> Iterator[Step]:
        """Services that take the texts of a number: they shall ask the number's address."""
        try:
            for record in self._account.services():
                if self._takes_texts(record, numbers):
                    yield Step(str(record.sid), record, {"use_inbound_webhook_on_number": True})
        except UnreadableError as error:
            self.unread = str(error)

    def _takes_texts(self, service: Any, numbers: tuple[str, ...]) -> bool:  # noqa: ANN401
        here = same_address(str(service.inbound_request_url or ""), self._base_url + DOORS["sms"])
        if service.use_inbound_webhook_on_number or here:
            return False
        return not set(numbers).isdisjoint(self._account.senders(str(service.sid)))


def same_address(url: str, wanted: str) -> bool:
    """Whether two addresses are one, apart from their fragments."""
    return url.partition("#")[0] == wanted.partition("#")[0]


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
