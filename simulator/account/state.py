"""State of the pretend Twilio account: faults are planted by changing it."""

from threading import RLock
from typing import Any, Literal

import msgspec

#: The form parameter of each field of a number that an update may set.
NUMBER_FIELDS = {
    "sms_url": "SmsUrl",
    "sms_method": "SmsMethod",
    "sms_fallback_url": "SmsFallbackUrl",
    "sms_fallback_method": "SmsFallbackMethod",
    "sms_application_sid": "SmsApplicationSid",
    "voice_url": "VoiceUrl",
    "voice_method": "VoiceMethod",
    "voice_fallback_url": "VoiceFallbackUrl",
    "voice_fallback_method": "VoiceFallbackMethod",
    "voice_application_sid": "VoiceApplicationSid",
    "trunk_sid": "TrunkSid",
    "status_callback": "StatusCallback",
    "status_callback_method": "StatusCallbackMethod",
}

#: The form parameter of each field of a Messaging Service that an update may set.
SERVICE_FIELDS = {
    "inbound_request_url": "InboundRequestUrl",
    "inbound_method": "InboundMethod",
    "fallback_url": "FallbackUrl",
    "fallback_method": "FallbackMethod",
    "use_inbound_webhook_on_number": "UseInboundWebhookOnNumber",
}


class Number(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A number or short code of the account."""

    texts: bool = True
    calls: bool = True
    receive_mode: Literal["voice", "fax"] = "voice"
    address_requirements: Literal["none", "any", "local", "foreign"] = "none"
    address_sid: str | None = None
    bundle_sid: str | None = None
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    sms_application_sid: str = ""
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    voice_application_sid: str = ""
    trunk_sid: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"


class Service(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A Messaging Service; ``campaigns`` are the states of its A2P campaigns."""

    senders: list[str] = []
    campaigns: list[str] = []
    inbound_request_url: str | None = None
    inbound_method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    use_inbound_webhook_on_number: bool = True


class Application(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A TwiML application."""

    sms_url: str = ""
    voice_url: str = ""


class AccountState(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Fields that a test or a visitor may set; ``unreadable`` maps a path's part to a status."""

    type: Literal["Trial", "Full"] = "Full"
    status: Literal["active", "suspended", "closed"] = "active"
    owner: str = ""
    balance: str = "100.00"
    verified_callers: list[str] = []
    numbers: dict[str, Number] = {}
    services: dict[str, Service] = {}
    applications: dict[str, Application] = {}
    bundles: dict[str, str] = {}
    brands: list[str] = []
    toll_free: dict[str, str] = {}
    profiles: list[str] = msgspec.field(default_factory=lambda: ["twilio-approved"])
    no_texts_to: list[str] = []
    no_calls_to: list[str] = []
    unreadable: dict[str, int] = {}


class Account:
    """The state of the account, changed as a whole."""

    def __init__(self, state: AccountState) -> None:
        self._lock = RLock()
        self.state = state

    def change(self, fields: dict[str, Any]) -> AccountState:
        """Replace the named fields. Raises: msgspec.ValidationError."""
        with self._lock:
            self.state = msgspec.convert(
                msgspec.to_builtins(self.state) | fields, AccountState, str_keys=True
            )
            return self.state

    def number_of(self, sid: str) -> tuple[str, Number] | None:
        """Return the number of a SID, if there is one."""
        return next(((n, r) for n, r in self.state.numbers.items() if sid_of(n) == sid), None)

    def service_of(self, number: str) -> tuple[str, Service] | None:
        """Return the Messaging Service that contains a number, if one does."""
        services = self.state.services.items()
        return next(((sid, each) for sid, each in services if number in each.senders), None)

    def text_addresses(self, number: str) -> list[str]:
        """Return the addresses that take a text to a number: the first, then its fallback.

        Twilio asks the service, then the application, then the number itself.
        """
        record, found = self.state.numbers[number], self.service_of(number)
        if found and not found[1].use_inbound_webhook_on_number:
            chosen = [found[1].inbound_request_url, found[1].fallback_url]
        elif record.sms_application_sid:
            application = self.state.applications.get(record.sms_application_sid, Application())
            chosen = [application.sms_url]
        else:
            chosen = [record.sms_url, record.sms_fallback_url]
        return [each for each in chosen if each]

    def call_addresses(self, number: str) -> list[str]:
        """Return the addresses that take a call to a number, as for a text."""
        record = self.state.numbers[number]
        if record.trunk_sid or record.receive_mode == "fax" or not record.calls:
            return []
        if record.voice_application_sid:
            application = self.state.applications.get(record.voice_application_sid, Application())
            return [application.voice_url] if application.voice_url else []
        return [each for each in (record.voice_url, record.voice_fallback_url) if each]


def read_account(text: str, senders: dict[str, Number], service: str) -> Account:
    """Return the account with these senders; ``text`` is JSON of fields to replace.

    Raises: msgspec.MsgspecError.
    """
    services = {service: Service(senders=list(senders))} if service else {}
    account = Account(AccountState(numbers=senders, services=services))
    if text:
        account.change(msgspec.json.decode(text, type=dict[str, Any]))
    return account


def sid_of(number: str) -> str:
    """Return the SID of a number or short code of the account."""
    kind = "PN" if number.startswith("+") else "SC"
    return kind + number.removeprefix("+").rjust(32, "0")
