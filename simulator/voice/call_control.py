"""Call control: dials, presses keys, speaks and hangs up for a phone."""

from dataclasses import dataclass, field
from threading import Lock, Thread
from time import time
from uuid import uuid4

from simulator.account.state import Account
from simulator.errors import HandsetError
from simulator.network.events import EventLog
from simulator.network.numbering import country_of, e164
from simulator.network.phones import PhoneRegistry
from simulator.settings import SimulatorSettings
from simulator.voice.call import Call, ServiceHungUpError
from simulator.voice.call_leg import CallerHungUpError
from simulator.webhooks.callbacks import CallbackSender
from simulator.webhooks.client import NO_PLACES, WebhookClient


@dataclass(frozen=True)
class CallControl:
    """Holds the calls in progress, at most one for each phone."""

    settings: SimulatorSettings
    account: Account
    phones: PhoneRegistry
    events: EventLog
    client: WebhookClient
    callbacks: CallbackSender
    _lock: Lock = field(default_factory=Lock)
    _calls: dict[str, Call] = field(default_factory=dict)

    def dial(self, phone: str, *, withheld: bool = False) -> str:
        """Call the hotline and return the call id. Raises: HandsetError."""
        self.phones.get_switched_on(phone)
        sid = f"CA{uuid4().hex}"
        caller = "anonymous" if withheld else e164(phone)
        fields = self._fields(sid, caller)
        call = Call(sid, phone, fields, self.settings, self.account, self.client, self.events)
        with self._lock:
            if phone in self._calls:
                raise HandsetError(f"{phone} 已在通话中", f"the phone {phone} is already in a call")
            self._calls[phone] = call
        ringing = {"state": "ringing", "to": self.settings.hotline, "caller": caller}
        self.events.record(phone, "call", call=sid, **ringing)
        Thread(target=self._run, args=(call,), name=f"call {phone}", daemon=True).start()
        return sid

    def is_in_call(self, phone: str) -> bool:
        """Tell whether a phone is in a call."""
        return phone in self._calls

    def press(self, phone: str, keys: str) -> int:
        """Press keys and return how many the service takes. Raises: HandsetError."""
        call = self._get(phone)
        self.events.record(phone, "pressed", call=call.sid, keys=keys)
        return call.leg.press(keys)

    def speak(self, phone: str, speech: str) -> int:
        """Speak; return 1 when the service takes it. Raises: HandsetError."""
        call = self._get(phone)
        self.events.record(phone, "said", call=call.sid, words=speech)
        return call.leg.speak(speech)

    def hang_up(self, phone: str) -> None:
        """End the call of a phone. Raises: HandsetError."""
        self._get(phone).leg.hang_up()

    def _get(self, phone: str) -> Call:
        self.phones.get(phone)
        call = self._calls.get(phone)
        if call is None:
            raise HandsetError(f"{phone} 不在通话中", f"the phone {phone} is not in a call")
        return call

    def _run(self, call: Call) -> None:
        start = time()
        ended_by = "service"
        try:
            call.run()
        except CallerHungUpError:
            ended_by = "caller"
        except ServiceHungUpError:
            pass
        finally:
            call.leg.hang_up()
            with self._lock:
                del self._calls[call.phone]
            seconds = round(time() - start)
            ended = {**call.fields, "CallStatus": "completed", "CallDuration": str(seconds)}
            hotline = self.account.state.numbers[self.settings.hotline]
            if hotline.status_callback:
                self.callbacks.post(hotline.status_callback, ended, call.phone)
            self.events.record(
                call.phone, "call", call=call.sid, state="ended", by=ended_by, seconds=seconds
            )

    def _fields(self, sid: str, caller: str) -> dict[str, str]:
        hotline = self.settings.hotline
        return NO_PLACES | {
            "CallSid": sid,
            "AccountSid": self.settings.account_sid,
            "From": caller,
            "Caller": caller,
            "FromCountry": "" if caller == "anonymous" else country_of(caller),
            "To": hotline,
            "Called": hotline,
            "ToCountry": country_of(hotline) or "CN",
            "CallStatus": "ringing",
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
        }
